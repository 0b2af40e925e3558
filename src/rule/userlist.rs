//! Users, passwords and groups for `http_auth` (HAProxy manual §12.1).

use base64::Engine as _;

pub use crate::model::rules::{Password, User, Userlist};

impl Userlist {
    /// Says why a crypted password can never be checked; `None` if it can.
    pub fn complaint(crypted: &str) -> Option<&'static str> {
        match crypted {
            text if is_des(text) => None,
            text if METHODS.iter().any(|method| text.starts_with(method)) => None,
            text if text.starts_with("$7$") => Some("scrypt ($7$) is not supported: use mkpasswd -m sha-512"),
            text if text.starts_with("$gy$") => Some("gost-yescrypt ($gy$) is not supported: use mkpasswd -m sha-512"),
            _ => Some("crypt(3) writes none like it: use mkpasswd -m sha-512"),
        }
    }

    /// The user with that name and password. Costs milliseconds for crypted passwords, as crypt(3) is meant to.
    pub fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<&User> {
        let user = self.users.iter().find(|user| user.name.as_bytes() == name)?;
        let is_right = match user.password.as_ref()? {
            Password::Plain(known) => is_same(known.as_bytes(), password),
            Password::Crypted(known) => matches(password, known),
        };
        is_right.then_some(user)
    }
}

/// Methods of crypt(3) that are known, apart from those of DES, which have no name.
const METHODS: [&str; 9] = ["$1$", "$2a$", "$2b$", "$2x$", "$2y$", "$5$", "$6$", "$sha1$", "$y$"];

/// Whether it has the form of DES: a salt of two characters and eleven more, or `_`, eight and eleven.
fn is_des(text: &str) -> bool {
    let (rest, length) = text.strip_prefix('_').map_or((text, 13), |rest| (rest, 19));
    rest.len() == length && rest.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'/'))
}

/// Whether crypt(3) makes this of a password.
fn matches(password: &[u8], known: &str) -> bool {
    use sha_crypt::PasswordVerifier as _;
    match known {
        _ if known.starts_with("$5$") || known.starts_with("$6$") => {
            sha_crypt::ShaCrypt::default().verify_password(password, known).is_ok()
        }
        _ if known.starts_with("$y$") => yescrypt::Yescrypt::default().verify_password(password, known).is_ok(),
        _ => pwhash::unix::verify(password, known),
    }
}

/// Compares in a time that tells nothing about where two texts of one length differ.
pub fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Name and password of `Basic ...` credentials (RFC 7617).
pub fn basic(credentials: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, rest) = credentials.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let mut name = base64::engine::general_purpose::STANDARD.decode(rest.trim_ascii()).ok()?;
    let colon = name.iter().position(|&byte| byte == b':')?;
    let password = name.split_off(colon + 1);
    name.truncate(colon);
    Some((name, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Userlist {
        let user = |name: &str, password| User { name: name.into(), password, groups: vec!["ops".into()] };
        // openssl passwd -5 (and -6) -salt saltsalt secret
        let sha256 = "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA";
        let sha512 =
            "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1";
        Userlist {
            name: "team".into(),
            users: vec![
                user("ann", Some(Password::Plain("pw".into()))),
                user("bob", Some(Password::Crypted(sha256.into()))),
                user("cat", Some(Password::Crypted(sha512.into()))),
                user("eve", None),
            ],
        }
    }

    #[test]
    fn only_the_right_password_lets_in() {
        let list = list();
        assert!(list.authenticate(b"ann", b"pw").is_some());
        assert!(list.authenticate(b"ann", b"pW").is_none());
        assert!(list.authenticate(b"eve", b"").is_none());
        assert!(list.authenticate(b"nobody", b"pw").is_none());
        for name in [b"bob", b"cat"] {
            assert!(list.authenticate(name, b"secret").is_some());
            assert!(list.authenticate(name, b"wrong").is_none());
        }
    }

    #[test]
    fn credentials_are_decoded() {
        assert_eq!(basic(b"Basic YTpi"), Some((b"a".to_vec(), b"b".to_vec())));
        assert_eq!(basic(b"basic YTpi"), Some((b"a".to_vec(), b"b".to_vec())));
        assert_eq!(basic(b"Bearer YTpi"), None);
        assert_eq!(basic(b"Basic ?"), None);
        assert_eq!(basic(b""), None);
    }

    /// What perl's `crypt("secret", SALT)` printed on Debian 12, which is crypt(3) there.
    const CRYPTED: [&str; 7] = [
        "$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
        "abNANd1rDfiNc",
        "_J9..rasmz0.F/jqjWck",
        "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
        "$y$j75$saltsalt$0gBD67sgmJgRX3RZ6wHHO7sHimQEWGCWN85o4Twogh2",
        "$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2",
        "$sha1$40000$saltsalt$aEtYZcbid.RsDjsyIwriGgHxH8BG",
    ];

    #[test]
    fn every_method_of_debians_crypt_but_two_is_checked() {
        for known in CRYPTED {
            assert_eq!(Userlist::complaint(known), None, "{known}");
            assert!(matches(b"secret", known), "{known}");
            assert!(!matches(b"Secret", known) && !matches(b"", known), "{known}");
        }
        for unknown in ["$7$CU..../....saltsalt$x", "$gy$j9T$saltsalt$x", "$9$x", "secret"] {
            assert!(Userlist::complaint(unknown).is_some(), "{unknown}");
        }
        for nonsense in ["", "x", "$1$", "$2y$", "$y$", "$sha1$x", "_J9", "no password"] {
            assert!(!matches(b"secret", nonsense), "{nonsense}");
        }
    }
}
