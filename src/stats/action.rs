//! What the page's form asks for: `s=web1&s=web2&action=drain&b=app` (HAProxy manual §4.2, "stats admin").

use crate::state::command::{Probing, ServerChange};
use crate::state::servers::Prober;

/// Words of the form's `action`, what they mean and how the page calls them; those of old versions have no name.
pub const ACTIONS: &[(&str, ServerChange, &str)] = &[
    ("ready", ServerChange::Ready, "Set state to READY"),
    ("drain", ServerChange::Drain, "Set state to DRAIN"),
    ("maint", ServerChange::Maintenance, "Set state to MAINT"),
    ("dhlth", ServerChange::Probing(Prober::Check, Probing::Disable), "Health: disable checks"),
    ("ehlth", ServerChange::Probing(Prober::Check, Probing::Enable), "Health: enable checks"),
    ("hrunn", ServerChange::Probing(Prober::Check, Probing::Up), "Health: force UP"),
    ("hnolb", ServerChange::Probing(Prober::Check, Probing::Stopping), "Health: force NOLB"),
    ("hdown", ServerChange::Probing(Prober::Check, Probing::Down), "Health: force DOWN"),
    ("dagent", ServerChange::Probing(Prober::Agent, Probing::Disable), "Agent: disable checks"),
    ("eagent", ServerChange::Probing(Prober::Agent, Probing::Enable), "Agent: enable checks"),
    ("arunn", ServerChange::Probing(Prober::Agent, Probing::Up), "Agent: force UP"),
    ("adown", ServerChange::Probing(Prober::Agent, Probing::Down), "Agent: force DOWN"),
    ("shutdown", ServerChange::CloseSessions, "Kill Sessions"),
    ("enable", ServerChange::Ready, ""),
    ("disable", ServerChange::Maintenance, ""),
    ("start", ServerChange::Ready, ""),
    ("stop", ServerChange::Drain, ""),
];

/// A form that was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// `b`: name of a backend, or `#` and its number.
    pub backend: String,
    /// `action`; `None` is no action that is known.
    pub action: Option<ServerChange>,
    /// Whether there is an `action`, known or not.
    pub has_action: bool,
    /// `s`: names of servers, or `#` and their numbers.
    pub servers: Vec<String>,
}

impl Form {
    /// Reads a body of `application/x-www-form-urlencoded`. What is not of this form is passed over.
    pub fn read(body: &[u8]) -> Form {
        let mut form = Form::default();
        for pair in body.split(|&byte| byte == b'&') {
            let equals = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
            let (key, value) = (&pair[..equals], decoded(pair.get(equals + 1..).unwrap_or_default()));
            match key {
                b"b" => form.backend = value,
                b"s" => form.servers.push(value),
                b"action" => {
                    form.has_action = true;
                    form.action = ACTIONS.iter().find(|row| row.0 == value).map(|row| row.1);
                }
                _ => {}
            }
        }
        form
    }
}

/// Whether a thing of this name and number is meant by `name` or `#number`.
pub fn is_meant(meant: &str, name: &str, number: u32) -> bool {
    match meant.strip_prefix('#').and_then(|digits| digits.parse::<u32>().ok()) {
        Some(wanted) => wanted == number,
        None => meant == name,
    }
}

/// `%2F` is `/`, `+` is a space; what is no text becomes U+FFFD.
fn decoded(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let hex = text.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = hex.filter(|_| byte == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(code.unwrap_or(if byte == b'+' { b' ' } else { byte }));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_backend_action_and_servers() {
        let form = Form::read(b"s=web%2B1&s=%232&action=drain&b=%233&other=x");
        let servers = vec!["web+1".to_owned(), "#2".to_owned()];
        assert_eq!(
            form,
            Form { backend: "#3".to_owned(), action: Some(ServerChange::Drain), has_action: true, servers }
        );
        assert!(is_meant(&form.backend, "app", 3) && !is_meant(&form.backend, "#3", 4) && is_meant("app", "app", 9));
    }

    #[test]
    fn what_is_not_known_is_no_action() {
        let form = Form::read(b"action=explode&b=app&s=1");
        assert_eq!((form.action, form.has_action), (None, true));
        assert_eq!(Form::read(b"%").action, None);
        assert_eq!(decoded(b"%zz%4"), "%zz%4");
    }
}
