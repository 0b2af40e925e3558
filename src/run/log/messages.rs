//! Messages for the operator: what `tracing` formats, on its way to standard error.
//!
//! A pipe that nobody reads (a journald that hangs) blocks whoever writes to it, and vg-vrrp must not stand still for
//! that: no adverts, no lease, no VIP. So every thread leaves its messages in one bounded queue, without a lock and without
//! waiting, and `vg-log-err` alone writes. A full queue drops the newest message and counts it.
//!
//! One queue for the process, as `tracing` has one subscriber for the process.

use std::io::{self, Write};
use std::panic;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// Messages that may wait.
const QUEUE: usize = 2048;
/// Pause between two looks at the queue. Looking, instead of waiting to be woken, is what keeps a lock out of it: the
/// writer's priority is low, and a real-time thread must not wait for it.
const ROUND: Duration = Duration::from_millis(20);
/// What is not written within this time at the end is lost.
const LAST_WORDS: Duration = Duration::from_millis(500);

static MESSAGES: OnceLock<Queue> = OnceLock::new();

/// The end where messages go in.
struct Queue {
    sender: SyncSender<Message>,
    /// Messages that did not fit.
    lost: AtomicU64,
}

impl Queue {
    fn new(size: usize) -> (Queue, Receiver<Message>) {
        let (sender, receiver) = sync_channel(size);
        (Queue { sender, lost: AtomicU64::new(0) }, receiver)
    }

    fn push(&self, text: &[u8]) {
        match self.sender.try_send(Message::Text(text.to_vec())) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

enum Message {
    Text(Vec<u8>),
    /// Everything before this is written.
    Mark(SyncSender<()>),
}

/// Starts the thread; from now on messages go through it, and so does what a panicking thread says. Called once.
///
/// # Errors
/// The thread cannot be created.
pub fn start() -> io::Result<()> {
    let (queue, receiver) = Queue::new(QUEUE);
    if MESSAGES.set(queue).is_err() {
        return Ok(());
    }
    thread::Builder::new().name("vg-log-err".into()).spawn(move || {
        crate::run::threads::keep_capabilities(&[]);
        let mut reported = 0;
        while turn(&receiver, &mut io::stderr()) != Turn::Over {
            let lost = lost();
            if lost > reported {
                tracing::warn!(messages = lost - reported, "messages were lost: standard error was not read in time");
                reported = lost;
            }
        }
    })?;
    panic::set_hook(Box::new(|information| {
        let thread = thread::current();
        let trace = std::backtrace::Backtrace::capture();
        let trace = match trace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("\n{trace}"),
            _ => String::new(),
        };
        tracing::error!(thread = thread.name().unwrap_or("?"), "{information}{trace}");
    }));
    Ok(())
}

/// Text that is no log line: diagnostics of a configuration, which are for people. As it is, without waiting.
pub fn say(text: &str) {
    // A Writer takes everything.
    let _ = Writer.write_all(text.as_bytes());
}

/// Waits until what was said so far is written, but not for long.
pub fn flush() {
    let Some(queue) = MESSAGES.get() else { return };
    let (mark, marked) = sync_channel(1);
    if queue.sender.try_send(Message::Mark(mark)).is_ok() {
        // Too late is as good as never: the reason may be that nobody reads.
        let _ = marked.recv_timeout(LAST_WORDS);
    }
}

/// Messages dropped since start.
pub fn lost() -> u64 {
    MESSAGES.get().map_or(0, |queue| queue.lost.load(Ordering::Relaxed))
}

/// Where `tracing` writes to: each write is one message.
#[derive(Clone, Copy, Debug)]
pub struct Writer;

impl Write for Writer {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if let Some(queue) = MESSAGES.get() {
            queue.push(text);
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a turn of the thread came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Written,
    Waited,
    /// Nobody is left who could say anything.
    Over,
}

/// Writes the oldest message, or waits for a round.
fn turn(messages: &Receiver<Message>, target: &mut dyn Write) -> Turn {
    match messages.try_recv() {
        Ok(Message::Text(text)) => {
            // Nobody is left who could be told.
            let _ = target.write_all(&text);
            Turn::Written
        }
        Ok(Message::Mark(written)) => {
            // Whoever asked may have given up.
            let _ = written.try_send(());
            Turn::Written
        }
        Err(TryRecvError::Empty) => {
            thread::park_timeout(ROUND);
            Turn::Waited
        }
        Err(TryRecvError::Disconnected) => Turn::Over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_the_newest_and_counts_and_the_rest_comes_in_order() {
        let (queue, receiver) = Queue::new(3);
        for number in 0..5 {
            queue.push(format!("{number}\n").as_bytes());
        }
        assert_eq!(queue.lost.load(Ordering::Relaxed), 2);
        let mut written = Vec::new();
        while turn(&receiver, &mut written) == Turn::Written {}
        assert_eq!(written, b"0\n1\n2\n");
        drop(queue);
        assert_eq!(turn(&receiver, &mut written), Turn::Over);
    }

    #[test]
    fn a_mark_is_answered_when_everything_before_it_is_written() {
        let (queue, receiver) = Queue::new(3);
        queue.push(b"last words");
        let (mark, marked) = sync_channel(1);
        queue.sender.try_send(Message::Mark(mark)).unwrap();
        let mut written = Vec::new();
        assert_eq!(turn(&receiver, &mut written), Turn::Written);
        assert!(marked.try_recv().is_err());
        assert_eq!(turn(&receiver, &mut written), Turn::Written);
        assert!(marked.try_recv().is_ok() && written == b"last words");
    }
}
