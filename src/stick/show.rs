//! Tables as `show table` writes them (HAProxy's management guide §9.3).

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::stick::{DataType, Form, KeyType};
use crate::time::Instant;

use super::Table;
use super::table::View;

/// The line about a table.
pub fn head(table: &Table, now: Instant, out: &mut String) {
    let (name, kind, size, used) = (&table.name, table.key.name(), table.size(), table.count(now));
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# table: {name}, type: {kind}, size:{size}, used:{used}");
}

/// The line about an entry; `number` stands for it as an address does in HAProxy.
pub fn entry(table: &Table, view: &View<'_>, number: u64, out: &mut String) {
    let _ = write!(out, "{number:#x}: key=");
    key(table.key, view.key(), out);
    let _ = write!(out, " use={} exp={}", view.users(), view.remaining());
    for stored in table.layout().stores() {
        let name = stored.what.name();
        for element in 0..stored.elements {
            match (stored.what.is_array(), name.split_once('_')) {
                (false, _) => {
                    let _ = write!(out, " {name}");
                }
                // `gpc_rate` is shown as `gpc0_rate`.
                (true, Some((first, rest))) => {
                    let _ = write!(out, " {first}{element}_{rest}");
                }
                (true, None) => {
                    let _ = write!(out, " {name}{element}");
                }
            }
            if stored.what.form() == Form::Rate {
                let _ = write!(out, "({})", stored.period.as_millis());
            }
            out.push('=');
            value(view, stored.what, element, out);
        }
    }
    out.push('\n');
}

fn value(view: &View<'_>, what: DataType, element: usize, out: &mut String) {
    let number = view.number(what, element).unwrap_or(0);
    let _ = match what.form() {
        Form::Text => write!(out, "{}", view.text(what).unwrap_or("-")),
        Form::Signed => write!(out, "{}", number as u32 as i32),
        Form::Count | Form::Bytes | Form::Rate => write!(out, "{number}"),
    };
}

fn key(kind: KeyType, key: &[u8], out: &mut String) {
    let _ = match kind {
        KeyType::Ip => write!(out, "{}", Ipv4Addr::from(key.try_into().unwrap_or([0; 4]))),
        KeyType::Ipv6 => write!(out, "{}", Ipv6Addr::from(key.try_into().unwrap_or([0; 16]))),
        KeyType::Integer => write!(out, "{}", u32::from_le_bytes(key.try_into().unwrap_or([0; 4]))),
        KeyType::String(_) => {
            text(key, out);
            Ok(())
        }
        KeyType::Binary(_) => key.iter().try_for_each(|byte| write!(out, "{byte:02X}")),
    };
}

/// Text with what is not printable escaped, as HAProxy escapes it.
fn text(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        match byte {
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            0x1b => out.push_str("\\e"),
            b'\\' | b' ' | b'=' => {
                out.push('\\');
                out.push(char::from(*byte));
            }
            0x20..=0x7e => out.push(char::from(*byte)),
            other => {
                let _ = write!(out, "\\x{other:02X}");
            }
        }
    }
}
