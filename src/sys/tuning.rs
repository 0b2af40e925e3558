//! Options of listening TCP sockets; connections that they accept inherit them.

#![allow(unsafe_code, reason = "two options of TCP have no safe wrapper")]

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, RawFd};

use socket2::{Domain, SockRef};

use crate::model::bind::{BindOptions, SavedSyn};

use super::signature;

/// Sets what a listening TCP socket is told to be, and TCP keep-alive. What was set before and is not asked for any more is
/// taken back, except the interface and the segment size, which the kernel keeps.
///
/// # Errors
/// The kernel's: there is no such interface, or a value that it does not take.
pub fn tune(socket: &TcpListener, options: &BindOptions) -> io::Result<()> {
    let kernel = SockRef::from(socket);
    kernel.set_keepalive(true)?;
    if let Some(mss) = options.mss {
        set(socket.as_raw_fd(), libc::TCP_MAXSEG, i32::from(mss))?;
    }
    kernel.set_tcp_user_timeout(options.user_timeout)?;
    set(socket.as_raw_fd(), libc::TCP_DEFER_ACCEPT, i32::from(options.defers_accept))?;
    let backlog = options.backlog.map(|backlog| i32::try_from(backlog).unwrap_or(i32::MAX));
    let waiting = if options.fast_open { backlog.unwrap_or(FAST_OPEN) } else { 0 };
    match set(socket.as_raw_fd(), libc::TCP_FASTOPEN, waiting) {
        // A kernel without it has nothing to take back.
        Err(_) if !options.fast_open => {}
        result => result?,
    }
    if let Some(backlog) = backlog {
        kernel.listen(backlog)?;
    }
    match set(socket.as_raw_fd(), libc::TCP_SAVE_SYN, options.saved_syn as i32) {
        Err(_) if options.saved_syn == SavedSyn::Nothing => {}
        result => result?,
    }
    if let Some(algorithm) = &options.congestion
        && let Err(error) = kernel.set_tcp_congestion(algorithm.as_bytes())
    {
        tracing::warn!(algorithm, %error, "a listening socket keeps the kernel's congestion control");
    }
    // A second time needs a privilege that is gone.
    let interface = options.interface.as_ref().map(String::as_bytes);
    if interface.is_some() && kernel.device()?.as_deref() != interface {
        kernel.bind_device(interface)?;
    }
    Ok(())
}

/// The same for a listening socket that the process was started with, whose connections may be signed; a Unix socket stays as
/// it is.
///
/// # Errors
/// As those of [`tune`].
pub fn tune_inherited(socket: &TcpListener, options: &BindOptions) -> io::Result<()> {
    let kernel = SockRef::from(socket);
    if kernel.domain()? == Domain::UNIX {
        return Ok(());
    }
    if let Some(password) = &options.signature {
        signature::sign_to_all(&kernel, socket.local_addr()?.ip(), password)?;
    }
    tune(socket, options)
}

/// Connections that may wait for the end of their handshake with data, where no backlog is written.
const FAST_OPEN: i32 = 1024;

fn set(socket: RawFd, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the kernel reads one integer that lives until the call returns.
    let result = unsafe { libc::setsockopt(socket, libc::IPPROTO_TCP, name, (&raw const value).cast(), length) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpStream};
    use std::os::fd::AsFd;
    use std::time::Duration;

    use crate::sys::listener::{Claim, bind};
    use crate::sys::tcp_info::saved_syn;

    use super::*;

    fn listener() -> TcpListener {
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0)), Claim::First).unwrap();
        listener.set_nonblocking(false).unwrap();
        listener
    }

    #[test]
    fn accepted_connections_are_as_their_socket() {
        let listener = listener();
        let limit = Duration::from_secs(7);
        let options = BindOptions {
            user_timeout: Some(limit),
            mss: Some(1000),
            fast_open: true,
            backlog: Some(9),
            congestion: Some("reno".to_owned()),
            interface: Some("lo".to_owned()),
            ..BindOptions::default()
        };
        tune(&listener, &options).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let accepted = listener.accept().unwrap().0;
        let kernel = SockRef::from(&accepted);
        assert!(kernel.keepalive().unwrap());
        assert_eq!(kernel.tcp_user_timeout().unwrap(), Some(limit));
        assert!(kernel.tcp_congestion().unwrap().starts_with(b"reno"));
        // Time stamps take 12 bytes of each segment.
        assert!((900..=1000).contains(&SockRef::from(&client).tcp_mss().unwrap()));
    }

    #[test]
    fn what_is_not_asked_for_any_more_is_taken_back() {
        let listener = listener();
        let asked = BindOptions { user_timeout: Some(Duration::from_secs(7)), ..BindOptions::default() };
        tune(&listener, &asked).unwrap();
        tune(&listener, &BindOptions::default()).unwrap();
        assert_eq!(SockRef::from(&listener).tcp_user_timeout().unwrap(), None);
    }

    #[test]
    fn the_first_packet_of_a_client_is_kept_where_that_is_asked_for_and_told_once() {
        for (mode, is_kept) in [(SavedSyn::Nothing, false), (SavedSyn::Packet, true)] {
            let listener = listener();
            tune(&listener, &BindOptions { saved_syn: mode, ..BindOptions::default() }).unwrap();
            let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let accepted = listener.accept().unwrap().0;
            let first = saved_syn(accepted.as_fd());
            // IPv4 with a header of 20 bytes.
            assert_eq!(first.map(|packet| packet[0]), is_kept.then_some(0x45));
            assert_eq!(saved_syn(accepted.as_fd()), None);
        }
    }

    #[test]
    fn an_interface_that_is_not_there_is_an_error() {
        let options = BindOptions { interface: Some("none-such0".to_owned()), ..BindOptions::default() };
        assert!(tune(&listener(), &options).is_err());
    }

    #[test]
    fn a_connection_without_data_is_not_accepted_where_that_is_asked_for() {
        let listener = listener();
        tune(&listener, &BindOptions { defers_accept: true, ..BindOptions::default() }).unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        io::Write::write_all(&mut client, b"x").unwrap();
        listener.set_nonblocking(false).unwrap();
        listener.accept().unwrap();
    }
}
