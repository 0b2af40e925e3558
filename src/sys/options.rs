//! Options of connections that rules set: the DSCP byte and the firewall mark.

use socket2::SockRef;

/// Sets what is given. What the kernel does not allow (a mark needs CAP_NET_ADMIN) is left as it is.
pub fn set(socket: &SockRef<'_>, tos: Option<u8>, mark: Option<u32>) {
    if let Some(tos) = tos {
        // One of them is not of the socket's family and fails.
        let _ = socket.set_tos_v4(u32::from(tos));
        let _ = socket.set_tclass_v6(u32::from(tos));
    }
    if let Some(mark) = mark {
        let _ = socket.set_mark(mark);
    }
}
