//! What the service manager hears (sd_notify(3)): ready, reloading, stopping, the state in a sentence, and the
//! watchdog's sign of life. Where there is none (`NOTIFY_SOCKET` is not set), nothing is said.
//!
//! Ready means that every thread has begun to work, so a node whose vg-vrrp cannot open its sockets never is. The sign of
//! life is given only while vg-vrrp, vg-check and each worker beat: a process in which one of them hangs or has died is
//! killed and started again, after VRRP has left it long before (`workers` is a tracked object).

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sd_notify::NotifyState;

use crate::state::heart::Heart;
use crate::state::vrrp::State;
use crate::sys::clock;
use crate::time::Instant;

use super::ctl::View;

/// Pause between two looks, where no watchdog asks for a shorter one.
const LOOK: Duration = Duration::from_millis(500);
/// Pause between two looks before everything works.
const FIRST_LOOKS: Duration = Duration::from_millis(10);

/// Main's end: what it says itself.
#[derive(Default)]
pub(super) struct Readiness {
    is_stopping: Rc<Cell<bool>>,
}

impl Readiness {
    /// Starts the task that says the rest, on main's runtime: it says nothing either while main hangs.
    pub(super) fn attend(&self, hearts: Vec<Arc<Heart>>, view: Arc<View>) {
        tokio::task::spawn_local(attend(hearts, view, Rc::clone(&self.is_stopping)));
    }

    /// A reload begins.
    pub(super) fn reloading(&self) {
        let now = Duration::from_nanos(clock::now().as_nanos());
        say(&[NotifyState::Reloading, NotifyState::MonotonicUsec(now.as_micros().cast_signed())]);
    }

    /// A reload has ended, well or not.
    pub(super) fn reloaded(&self) {
        say(&[NotifyState::Ready]);
    }

    /// From now on threads end one after the other, and none is missed.
    pub(super) fn stopping(&self) {
        self.is_stopping.set(true);
        say(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    }
}

async fn attend(hearts: Vec<Arc<Heart>>, view: Arc<View>, is_stopping: Rc<Cell<bool>>) {
    while hearts.iter().any(|heart| heart.last() == Instant::ZERO) {
        tokio::time::sleep(FIRST_LOOKS).await;
    }
    say(&[NotifyState::Ready]);
    let watchdog = sd_notify::watchdog_enabled();
    let mut looks = tokio::time::interval(watchdog.map_or(LOOK, |limit| LOOK.min(limit / 4)));
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut said = String::new();
    loop {
        looks.tick().await;
        let is_stopping = is_stopping.get();
        if let Some(limit) = watchdog
            && (is_stopping || all_beat(&hearts, clock::now(), limit / 2))
        {
            say(&[NotifyState::Watchdog]);
        }
        let sentence = outline(&view);
        if !is_stopping && sentence != said {
            say(&[NotifyState::Status(&sentence)]);
            said = sentence;
        }
    }
}

/// Whether each has beaten within the time before `now`.
fn all_beat(hearts: &[Arc<Heart>], now: Instant, within: Duration) -> bool {
    hearts.iter().all(|heart| now.since(heart.last()) <= within)
}

/// The line of `systemctl status`. Looks at no server: there may be thousands.
fn outline(view: &View) -> String {
    let (vrrp, generation) = (view.vrrp.borrow(), view.generation.load());
    sentence(&Outline {
        routers: vrrp.instances.iter().map(|router| (router.name.as_str(), router.state)).collect(),
        has_frontends: !generation.frontends.is_empty(),
        is_in_maintenance: vrrp.maintenance,
        is_ready: vrrp.ready,
        is_reload_refused: view.reload_error.lock().unwrap_or_else(PoisonError::into_inner).is_some(),
    })
}

/// What the line is about.
struct Outline<'v> {
    routers: Vec<(&'v str, State)>,
    has_frontends: bool,
    is_in_maintenance: bool,
    is_ready: bool,
    is_reload_refused: bool,
}

fn sentence(outline: &Outline<'_>) -> String {
    if outline.routers.is_empty() && !outline.has_frontends {
        return "nothing to do: no virtual router and no frontend is configured".to_owned();
    }
    let routers = outline.routers.iter().map(|(name, state)| format!("{name} is {}", state.name()));
    let mut words: Vec<String> = routers.collect();
    if words.is_empty() {
        words.push("no virtual router".to_owned());
    }
    let remarks = [
        (outline.is_in_maintenance, "maintenance"),
        (!outline.is_ready, "checks have not all run"),
        (outline.is_reload_refused, "the last reload was refused"),
    ];
    words.extend(remarks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, remark)| remark.to_owned()));
    words.join(", ")
}

/// A manager that does not listen is no reason to stop: it has its own time limits.
fn say(words: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(words) {
        tracing::debug!(%error, "the service manager cannot be told");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_heart_that_stopped_is_enough_for_silence() {
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        let hearts: Vec<_> = [98, 100].map(|beat| (Arc::new(Heart::default()), beat)).into();
        for (heart, beat) in &hearts {
            heart.beat(at(*beat));
        }
        let hearts: Vec<_> = hearts.into_iter().map(|(heart, _)| heart).collect();
        let within = Duration::from_secs(5);
        assert!(all_beat(&hearts, at(103), within));
        assert!(!all_beat(&hearts, at(104), within));
    }

    #[test]
    fn the_sentence_names_each_router_and_what_is_unusual() {
        let nothing = Outline {
            routers: Vec::new(),
            has_frontends: false,
            is_in_maintenance: false,
            is_ready: true,
            is_reload_refused: false,
        };
        assert_eq!(sentence(&nothing), "nothing to do: no virtual router and no frontend is configured");
        let master = Outline { routers: vec![("web", State::Master)], ..nothing };
        assert_eq!(sentence(&master), "web is MASTER");
        let odd = Outline { is_in_maintenance: true, is_reload_refused: true, ..master };
        assert_eq!(sentence(&odd), "web is MASTER, maintenance, the last reload was refused");
    }
}
