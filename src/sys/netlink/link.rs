//! Interfaces as values.

use std::ffi::CStr;

use netlink_packet_core::NlasIterator;

/// Length of `struct ifinfomsg`, bytes.
const HEADER: usize = 16;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Index; a deleted and recreated interface has another one.
    pub index: u32,
    /// Name.
    pub name: String,
    /// It is administratively up and has carrier (IFF_UP and IFF_RUNNING).
    pub is_up: bool,
    /// Ethernet address; `None` if it is no Ethernet interface.
    pub mac: Option<[u8; 6]>,
}

impl Interface {
    /// Reads the body of RTM_NEWLINK or RTM_DELLINK; `None` if it makes no sense. Only what is needed is read: an attribute
    /// of a driver's own must not hide an interface.
    pub fn parse(payload: &[u8]) -> Option<Interface> {
        let header: &[u8; HEADER] = payload.first_chunk()?;
        // A bridge reports its ports as messages of family AF_BRIDGE; those say nothing about the port itself.
        if header[0] != libc::AF_UNSPEC as u8 {
            return None;
        }
        let number = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let running = (libc::IFF_UP | libc::IFF_RUNNING) as u32;
        let (mut name, mut mac) = (None, None);
        for attribute in NlasIterator::new(payload.get(HEADER..)?).flatten() {
            match attribute.kind() {
                IFLA_IFNAME => name = CStr::from_bytes_until_nul(attribute.value()).ok().map(CStr::to_owned),
                IFLA_ADDRESS => mac = attribute.value().try_into().ok(),
                _ => {}
            }
        }
        Some(Interface {
            index: number(4),
            name: name?.into_string().ok()?,
            is_up: number(8) & running == running,
            mac,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_flags_and_mac_are_read() {
        let mut bytes = vec![0; HEADER];
        bytes[4] = 7;
        bytes[8] = (libc::IFF_UP | libc::IFF_RUNNING) as u8;
        bytes.extend([9, 0, 3, 0, b'e', b't', b'h', b'0', 0, 0, 0, 0]);
        bytes.extend([10, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 0]);
        let interface = Interface::parse(&bytes).unwrap();
        let expected = Interface { index: 7, name: "eth0".into(), is_up: true, mac: Some([2, 0, 0, 0, 0, 1]) };
        assert_eq!(interface, expected);
    }

    #[test]
    fn nonsense_is_no_interface() {
        for length in 0..40 {
            assert_eq!(Interface::parse(&vec![0; length]), None);
            assert_eq!(Interface::parse(&vec![0xff; length]), None);
        }
    }
}
