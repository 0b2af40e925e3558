//! vg-log: writes access log lines, so that a slow disk or syslog never blocks a worker.
//!
//! Workers append whole lines to their ring; this thread empties the rings twenty times a second. A ring that is full
//! drops lines and counts them, and the loss is reported here.

use std::io::{self, Write};
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::model::{LogTarget, Model};
use crate::state::log::LogRing;
use crate::sys;

/// Time between two rounds.
const ROUND: Duration = Duration::from_millis(50);
/// Bytes written by one call to standard output.
const BATCH: usize = 64 * 1024;
/// Facility local0, severity info (RFC 3164 §4.1.1): HAProxy's usual choice.
const PRIORITY: u8 = 16 * 8 + 6;

/// The running thread.
pub(super) struct LogThread {
    stop: Arc<AtomicBool>,
    handle: Option<JoinHandle<()>>,
}

impl LogThread {
    /// Writes what is left and ends the thread.
    pub(super) fn flush(mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(handle) = self.handle.take() {
            handle.thread().unpark();
            let _ = handle.join();
        }
    }
}

/// Starts the thread for a model's target.
///
/// # Errors
/// The thread cannot be created. A syslog that is away is no error: lines are counted as lost until it is back.
pub(super) fn spawn(model: &Model, rings: Vec<Arc<LogRing>>) -> io::Result<LogThread> {
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, target) = (Arc::clone(&stop), model.process.access_log.clone());
    let handle = thread::Builder::new().name("vg-log".into()).spawn(move || {
        super::threads::keep_capabilities(&[]);
        let mut writer = Writer::new(target);
        let mut lines = Vec::new();
        let mut lost_before = 0;
        loop {
            let is_last = stopped.load(Ordering::Acquire);
            for ring in &rings {
                while ring.pop(&mut lines) {
                    lines.push(b'\n');
                    if lines.len() >= BATCH {
                        writer.write(&lines);
                        lines.clear();
                    }
                }
            }
            writer.write(&lines);
            lines.clear();
            let lost = rings.iter().map(|ring| ring.dropped()).sum::<u64>() + writer.lost;
            if lost > lost_before {
                tracing::warn!(lines = lost - lost_before, "access log lines were lost");
                lost_before = lost;
            }
            if is_last {
                return;
            }
            thread::park_timeout(ROUND);
        }
    })?;
    Ok(LogThread { stop, handle: Some(handle) })
}

struct Writer {
    target: LogTarget,
    unix: Option<UnixDatagram>,
    udp: Option<UdpSocket>,
    lost: u64,
}

impl Writer {
    fn new(target: LogTarget) -> Writer {
        Writer { target, unix: None, udp: None, lost: 0 }
    }

    fn write(&mut self, lines: &[u8]) {
        if lines.is_empty() {
            return;
        }
        let count = || lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        match self.target {
            LogTarget::Off => {}
            LogTarget::Stdout => {
                let mut stdout = io::stdout().lock();
                if stdout.write_all(lines).and_then(|()| stdout.flush()).is_err() {
                    self.lost += count();
                }
            }
            LogTarget::SyslogUnix(_) | LogTarget::SyslogUdp(_) => {
                let stamp = sys::localtime::rfc3164(sys::clock::wall());
                for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    let mut datagram = format!("<{PRIORITY}>{stamp} vipgate[{}]: ", std::process::id()).into_bytes();
                    datagram.extend_from_slice(line);
                    if self.send(&datagram).is_err() {
                        self.lost += 1;
                    }
                }
            }
        }
    }

    /// Sends a datagram, opening the socket again after a failure.
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let sent = match &self.target {
            LogTarget::SyslogUnix(path) => {
                if self.unix.is_none() {
                    let socket = UnixDatagram::unbound()?;
                    socket.connect(path)?;
                    self.unix = Some(socket);
                }
                self.unix.as_ref().map_or(Ok(0), |socket| socket.send(datagram))
            }
            LogTarget::SyslogUdp(address) => {
                if self.udp.is_none() {
                    let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                    let socket = UdpSocket::bind(local)?;
                    socket.connect(address)?;
                    self.udp = Some(socket);
                }
                self.udp.as_ref().map_or(Ok(0), |socket| socket.send(datagram))
            }
            LogTarget::Off | LogTarget::Stdout => Ok(0),
        };
        sent.map(drop).inspect_err(|_| {
            self.unix = None;
            self.udp = None;
        })
    }
}
