//! Threads of this process as the kernel sees them: whether one could run, and how much CPU time it got.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use nix::unistd::gettid;

/// Bits of a clock identifier that mean "CPU time of the thread whose number is in the others" (the kernel's
/// `MAKE_THREAD_CPUCLOCK`, which `pthread_getcpuclockid` uses).
const THREAD_CPU_TIME: libc::clockid_t = 0b110;

/// Number of the calling thread, as the other functions want it.
pub fn current() -> i32 {
    gettid().as_raw()
}

/// CPU time that a thread of this process has had; `None` if there is no such thread.
pub fn cpu_time(thread: i32) -> Option<Duration> {
    let clock = ClockId::from_raw(!thread << 3 | THREAD_CPU_TIME);
    clock_gettime(clock).ok().map(Duration::from)
}

/// Whether a thread of this process runs or waits for a CPU only (state `R` in proc(5)), and for nothing else: no lock, no
/// disk, no signal to go on. `None` if that cannot be read.
pub fn is_runnable(thread: i32) -> Option<bool> {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    // The name may contain anything, a parenthesis too; the state follows the last one.
    let (_, rest) = stat.rsplit_once(") ")?;
    Some(rest.starts_with('R'))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_thread_that_waits_is_not_runnable_and_one_that_works_is() {
        let (sender, receiver) = mpsc::channel();
        let (end, wait) = mpsc::channel::<()>();
        let waiting = std::thread::spawn(move || {
            sender.send(current()).unwrap();
            let _ = wait.recv();
        });
        let thread = receiver.recv().unwrap();
        while is_runnable(thread) != Some(false) {
            std::thread::yield_now();
        }
        assert_eq!(is_runnable(current()), Some(true));
        drop(end);
        waiting.join().unwrap();
        assert_eq!((is_runnable(thread), cpu_time(thread)), (None, None));
    }

    #[test]
    fn cpu_time_passes_for_who_works() {
        let before = cpu_time(current()).unwrap();
        while cpu_time(current()).unwrap() == before {}
    }
}
