//! What every thread may know of the process.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::time::Instant;

/// Facts about the process. Written by main at the start, but for what says otherwise.
#[derive(Debug, Default)]
pub struct ProcessFacts {
    /// When it started.
    pub started: Instant,
    /// The same on the wall clock, since 1970.
    pub started_wall: Duration,
    /// Worker threads.
    pub threads: usize,
    /// Descriptors that it may have.
    pub descriptors: u64,
    /// What was said when the configuration was read at the start.
    pub startup_logs: String,
    /// Access log lines that were lost. Written by vg-log.
    pub logs_dropped: Arc<AtomicU64>,
    /// Messages of others that relays took. Written by workers.
    pub logs_received: AtomicU64,
    /// Messages that were refused. Written by workers.
    pub faults: AtomicU64,
    /// Whether it finishes its sessions and takes no new ones. Written by main.
    pub is_stopping: AtomicBool,
    /// How idle it was when somebody asked last.
    pub idle: Mutex<Idle>,
}

/// A measurement of idleness.
#[derive(Debug, Default)]
pub struct Idle {
    at: Instant,
    /// Processor time that the process had used by then.
    used: Duration,
    percent: Option<u32>,
}

/// Least time over which idleness is measured.
const SPAN: Duration = Duration::from_millis(900);

impl ProcessFacts {
    /// Log lines that were lost so far.
    pub fn logs_dropped(&self) -> u64 {
        self.logs_dropped.load(Ordering::Relaxed)
    }

    /// Percentage of the workers' time since the last question (a second ago or more) that they did not use. `used` is the
    /// processor time of the process so far.
    pub fn idle_percent(&self, now: Instant, used: Duration) -> u32 {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let since = idle.at.max(self.started);
        let passed = now.since(since);
        if let Some(percent) = idle.percent.filter(|_| passed < SPAN) {
            return percent;
        }
        let available = passed.as_secs_f64() * self.threads.max(1) as f64;
        let busy = used.saturating_sub(idle.used).as_secs_f64() / available.max(1e-9);
        let percent = (100.0 - (busy * 100.0).clamp(0.0, 100.0)).round() as u32;
        *idle = Idle { at: now, used, percent: Some(percent) };
        percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idleness_is_what_the_workers_did_not_use_lately() {
        let facts = ProcessFacts { threads: 2, ..ProcessFacts::default() };
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        assert_eq!(facts.idle_percent(at(10), Duration::from_secs(5)), 75);
        assert_eq!(facts.idle_percent(at(10), Duration::from_secs(6)), 75, "too soon to measure anew");
        assert_eq!(facts.idle_percent(at(20), Duration::from_secs(25)), 0);
    }
}
