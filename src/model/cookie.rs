//! Persistence by a cookie (HAProxy's `cookie`).

/// The cookie by which clients come back to their server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Who makes it.
    pub mode: CookieMode,
    /// Servers do not see it, and clients who have it are not sent it again (`indirect`).
    pub is_indirect: bool,
    /// A response that carries it says that it is private (`nocache`).
    pub is_private: bool,
    /// Only responses to POST carry it (`postonly`).
    pub is_post_only: bool,
    /// What a server says of it stands (`preserve`).
    pub preserves: bool,
    /// Scripts do not see it (`httponly`).
    pub is_http_only: bool,
    /// It is sent over TLS only (`secure`).
    pub is_secure: bool,
    /// Domains in which it is valid.
    pub domains: Vec<String>,
    /// Seconds after which it is not valid any more unless it was used, 1-.
    pub max_idle: Option<u32>,
    /// Seconds after which it is not valid any more, 1-.
    pub max_life: Option<u32>,
    /// What else it says, such as `SameSite=None`.
    pub attributes: Vec<String>,
    /// Servers without a value of their own have one made of their address and the key (`dynamic`).
    pub is_dynamic: bool,
}

/// Who makes the cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CookieMode {
    /// The server, and it knows the value.
    #[default]
    Passive,
    /// The server, and its value is replaced.
    Rewrite,
    /// The proxy.
    Insert,
    /// The server, and its value is preceded by that of the proxy.
    Prefix,
}

impl Cookie {
    /// Whether the log tells what became of it.
    pub fn is_logged(&self) -> bool {
        self.mode != CookieMode::Passive || self.is_indirect
    }
}
