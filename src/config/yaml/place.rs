//! Values of runtime sockets: where they listen and whom their files belong to.

use crate::config::{draft, endpoint};
use crate::model::Endpoint;
use crate::model::runtime::Account;

use super::value::{self, Wrong};

/// Where a runtime socket listens: as [`bind`], without the names of virtual addresses.
pub fn endpoint(text: &str) -> Result<Endpoint, Wrong> {
    match value::bind(text)? {
        draft::Bind::Address(address) => Ok(Endpoint::Tcp(address)),
        draft::Bind::Other(endpoint) => Ok(endpoint),
        draft::Bind::Virtual { .. } => Err(Wrong::value(format!("`{text}` is a virtual address"), endpoint::FORMS)),
    }
}

/// Permission bits in octal digits.
pub fn mode(text: &str) -> Result<u32, Wrong> {
    let parsed = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    parsed.ok_or_else(|| Wrong::value(format!("`{text}` is no mode"), "write octal digits, such as \"660\""))
}

/// A user or a group, by name or by number.
pub fn account(text: &str) -> Result<Account, Wrong> {
    match (text.parse(), text.is_empty()) {
        (Ok(number), _) => Ok(Account::Id(number)),
        (Err(_), false) => Ok(Account::Name(text.to_owned())),
        (Err(_), true) => Err(Wrong::value("nobody is named".to_owned(), "write a name or a number")),
    }
}
