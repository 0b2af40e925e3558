//! SOCKS version 4, the part that a client of a proxy needs: ask for a connection, read whether it is there.

use std::net::{IpAddr, SocketAddr};

/// Bytes of an answer.
pub const ANSWER: usize = 8;
/// The code of an answer that grants what was asked for.
const GRANTED: u8 = 0x5a;
/// The user that HAProxy names; proxies that look at it expect this one.
const USER: &[u8] = b"HAProxy\0";

/// Asks for a connection to that address: version, command, port, address, and a user that ends with NUL. `None` for IPv6,
/// which version 4 does not know.
pub fn request(to: SocketAddr) -> Option<Vec<u8>> {
    let IpAddr::V4(ip) = to.ip().to_canonical() else { return None };
    let mut request = vec![4, 1];
    request.extend_from_slice(&to.port().to_be_bytes());
    request.extend_from_slice(&ip.octets());
    request.extend_from_slice(USER);
    Some(request)
}

/// Whether the answer says that the connection is there.
pub fn is_granted(answer: &[u8; ANSWER]) -> bool {
    answer[1] == GRANTED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_port_and_address_and_its_user() {
        let request = request("192.0.2.7:8080".parse().unwrap()).unwrap();
        assert_eq!(request, b"\x04\x01\x1f\x90\xc0\x00\x02\x07HAProxy\0");
    }

    #[test]
    fn an_address_of_version_6_cannot_be_asked_for_unless_it_stands_for_one_of_version_4() {
        assert_eq!(request("[2001:db8::1]:80".parse().unwrap()), None);
        assert!(request("[::ffff:192.0.2.7]:80".parse().unwrap()).is_some());
    }

    #[test]
    fn only_code_90_grants() {
        assert!(is_granted(&[0, 90, 0, 0, 0, 0, 0, 0]));
        assert!(!is_granted(&[0, 91, 0, 0, 0, 0, 0, 0]));
    }
}
