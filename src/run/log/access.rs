//! vg-log: access log lines, so that a slow disk or syslog never blocks a worker.
//!
//! Workers append whole lines to their ring; this thread empties the rings twenty times a second. A ring that is full
//! drops lines and counts them, and the loss is reported here.

use std::io::{self, Write};
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::model::{LogTarget, Model};
use crate::state::log::LogRing;
use crate::sys;

/// Time between two rounds.
const ROUND: Duration = Duration::from_millis(50);
/// Bytes written by one call to standard output.
const BATCH: usize = 64 * 1024;
/// What is not written within this time at the end is lost.
const LAST_LINES: Duration = Duration::from_secs(1);
/// Facility local0, severity info (RFC 3164 §4.1.1): HAProxy's usual choice.
const PRIORITY: u8 = 16 * 8 + 6;

/// The running thread.
pub(in crate::run) struct LogThread {
    stop: Arc<AtomicBool>,
    thread: Thread,
    ended: mpsc::Receiver<()>,
    lost: Arc<AtomicU64>,
}

impl LogThread {
    /// Writes what is left and ends the thread; a target that takes nothing more is not waited for long.
    pub(in crate::run) fn flush(self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
        // The sender goes with the thread: an error is the end that is waited for.
        let _ = self.ended.recv_timeout(LAST_LINES);
    }

    /// Lines lost since start.
    pub(in crate::run) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }
}

/// Starts the thread for a model's target.
///
/// # Errors
/// The thread cannot be created. A syslog that is away is no error: lines are counted as lost until it is back.
pub(in crate::run) fn spawn(model: &Model, rings: Vec<Arc<LogRing>>) -> io::Result<LogThread> {
    let stop = Arc::new(AtomicBool::new(false));
    let lost = Arc::new(AtomicU64::new(0));
    let (end, ended) = mpsc::sync_channel(0);
    let (stopped, count, target) = (Arc::clone(&stop), Arc::clone(&lost), model.process.access_log.clone());
    let handle = thread::Builder::new().name("vg-log".into()).spawn(move || {
        let _end: mpsc::SyncSender<()> = end;
        crate::run::threads::keep_capabilities(&[]);
        write(&rings, Writer::new(target), &stopped, &count);
    })?;
    Ok(LogThread { stop, thread: handle.thread().clone(), ended, lost })
}

/// The thread's work.
fn write(rings: &[Arc<LogRing>], mut writer: Writer, stopped: &AtomicBool, count: &AtomicU64) {
    let mut lines = Vec::new();
    loop {
        let is_last = stopped.load(Ordering::Acquire);
        for ring in rings {
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
        let before = count.swap(lost, Ordering::Relaxed);
        if lost > before {
            tracing::warn!(lines = lost - before, "access log lines were lost");
        }
        if is_last {
            return;
        }
        thread::park_timeout(ROUND);
    }
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
