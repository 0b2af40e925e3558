//! Values of logs: where lines go, and where those of others come in.

use std::path::PathBuf;

use crate::config::{draft, endpoint, options};
use crate::model::Endpoint;
use crate::model::bind::BindOptions;
use crate::model::relay::Datagrams;

use super::value::{self, Wrong};

/// Where a syslog server takes connections: `ADDRESS:PORT`, `unix@PATH`, `abns@NAME`.
pub fn stream(text: &str) -> Result<Endpoint, Wrong> {
    match endpoint::server(text) {
        Some(parsed) => parsed.map_err(|what| Wrong::value(what, "write ADDRESS:PORT, unix@PATH or abns@NAME")),
        None => value::endpoint(text).map(Endpoint::Tcp),
    }
}

/// The path of a Unix socket that takes connections.
pub fn unix_stream(path: &str) -> Result<Endpoint, Wrong> {
    value::absolute(path).map(|path: PathBuf| Endpoint::Unix(path))
}

/// `ADDRESS:PORT` or `*:PORT`, with `interface NAME` behind it or without.
pub fn datagrams(text: &str) -> Result<Datagrams, Wrong> {
    let listener = value::listener(text)?;
    let wrong =
        || Wrong::value(format!("`{text}` takes no datagrams"), "write ADDRESS:PORT, or ADDRESS:PORT interface NAME");
    let only = BindOptions { interface: listener.options.interface.clone(), ..BindOptions::default() };
    match listener.bind {
        draft::Bind::Address(address) if only == listener.options => {
            Ok(Datagrams { address, interface: listener.options.interface })
        }
        _ => Err(wrong()),
    }
}

/// As [`datagrams`] reads it.
pub fn datagrams_text(place: &Datagrams) -> String {
    let options = BindOptions { interface: place.interface.clone(), ..BindOptions::default() };
    [vec![place.address.to_string()], options::bind::texts(&options)].concat().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_for_datagrams_are_written_as_they_are_read() {
        for text in ["127.0.0.1:514", "[::]:514 interface eth0"] {
            assert_eq!(datagrams(text).map(|place| datagrams_text(&place)), Ok(text.to_owned()));
        }
        for text in ["unix@/run/x", "vip@www:514", "127.0.0.1:514 mss 1000", "127.0.0.1"] {
            assert!(datagrams(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_syslog_server_has_an_address_or_a_unix_socket() {
        assert_eq!(stream("192.0.2.1:514"), Ok(Endpoint::Tcp("192.0.2.1:514".parse().unwrap())));
        assert_eq!(stream("unix@/run/x"), Ok(Endpoint::Unix("/run/x".into())));
        for text in ["*:514", "fd@3", "192.0.2.1", "192.0.2.1:+5"] {
            assert!(stream(text).is_err(), "{text}");
        }
    }
}
