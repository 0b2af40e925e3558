//! When a server is probed, how long the probe may take, and when the server's health changes.
//!
//! | State | Pause after the start of a probe |
//! |---|---|
//! | up or down for certain | `interval`, `down_interval` |
//! | changing, starting, suspected | `fast_interval` |
//!
//! Traffic sees a dead server before the probes do. A worker that sees connections fail or hang reports the server as
//! suspect: a probe starts at once (or the one under way is judged sooner), its connection gets only
//! [`Machine::patience`], and one failure takes the server down (HAProxy's `observe layer4 on-error sudden-death`).

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::check::{Check, Probe};
use crate::state::levels::Level;
use crate::state::servers::Health;
use crate::time::Instant;

use super::counter::{Counter, Step};
use super::outcome::{Code, Outcome};

/// Least time that a suspect's connection may take.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);
/// First probes are spread over this time, or the interval if that is shorter.
const SPREAD: Duration = Duration::from_millis(500);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The probe under way has its connection.
    Connected,
    /// The probe under way has ended.
    Finished(Outcome),
    /// Traffic has trouble with this server.
    Suspected(Suspicion),
    /// A probe that [`Output::Start`] asked for was not made (the server is in maintenance).
    Skipped,
}

/// How sure traffic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// Something takes long: look now.
    Slow,
    /// Connections have failed in a row: look now, and one failed probe is enough.
    Failing,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Start a probe.
    Start,
    /// The probe under way has taken too long: drop it. Its result is told by the next [`Output::Result`].
    Abandon,
    /// What a probe found and how long it took.
    Result(Outcome, Duration),
    /// The server's health is this now; the result behind it came just before.
    Health(Health),
}

/// Probing of one server. The shell calls [`Machine::handle_timeout`] at [`Machine::poll_timeout`] and drains
/// [`Machine::poll_output`] after every call.
#[derive(Debug)]
pub struct Machine {
    check: Check,
    counter: Counter,
    phase: Phase,
    /// How long the last good probe took.
    usual: Option<Duration>,
    /// When the last probe started.
    last_start: Option<Instant>,
    suspicion: Option<Suspicion>,
    outputs: VecDeque<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting { until: Instant },
    Connecting { since: Instant, deadline: Instant },
    Connected { since: Instant, deadline: Instant },
}

impl Machine {
    /// A server whose health is known to be `health` and that is first probed at `first`.
    pub fn new(check: &Check, health: Health, first: Instant) -> Machine {
        let level = match health {
            Health::Unchecked | Health::Starting => Level::Unknown,
            Health::Up => Level::Up,
            Health::Down => Level::Down,
        };
        Machine {
            check: check.clone(),
            counter: Counter::new(check.rise, check.fall, level),
            phase: Phase::Waiting { until: first },
            usual: None,
            last_start: None,
            suspicion: None,
            outputs: VecDeque::new(),
        }
    }

    /// When the first probe of server `index` of `total` is due, so that they do not all start at once.
    pub fn first_probe(now: Instant, check: &Check, index: usize, total: usize) -> Instant {
        let share = index as f64 / total.max(1) as f64;
        now + SPREAD.min(check.interval).mul_f64(share)
    }

    /// What the counter of answers says, 0 to `rise + fall - 1`: up from `rise` on.
    pub fn counter(&self) -> u32 {
        self.counter.value()
    }

    /// Whether a probe is under way.
    pub fn is_probing(&self) -> bool {
        !matches!(self.phase, Phase::Waiting { .. })
    }

    /// When [`Machine::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Instant {
        match self.phase {
            Phase::Waiting { until } => until,
            Phase::Connecting { deadline, .. } | Phase::Connected { deadline, .. } => deadline,
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Something happened.
    pub fn handle_input(&mut self, now: Instant, input: Input) {
        match (input, self.phase) {
            (Input::Connected, Phase::Connecting { since, .. }) => {
                self.phase = Phase::Connected { since, deadline: since + self.check.timeout };
            }
            (Input::Finished(outcome), Phase::Connecting { since, .. } | Phase::Connected { since, .. }) => {
                self.finish(now, since, outcome);
            }
            (Input::Skipped, Phase::Connecting { .. }) => {
                self.suspicion = None;
                self.phase = Phase::Waiting { until: now + self.check.interval };
            }
            (Input::Suspected(suspicion), _) => self.suspect(now, suspicion),
            (Input::Connected | Input::Finished(_) | Input::Skipped, _) => {}
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now < self.poll_timeout() {
            return;
        }
        match self.phase {
            Phase::Waiting { .. } => {
                let limit = if self.suspicion.is_some() { self.patience() } else { self.check.timeout };
                self.phase = Phase::Connecting { since: now, deadline: now + limit };
                self.last_start = Some(now);
                self.outputs.push_back(Output::Start);
            }
            Phase::Connecting { since, .. } => self.give_up(now, since, Code::L4Tout),
            Phase::Connected { since, .. } => self.give_up(now, since, Code::L7Tout),
        }
    }

    /// How long the connection of a suspect may take: `fast_interval`, but four times what the last good probe took, and
    /// never more than `timeout`. Without a good probe, `timeout`.
    pub fn patience(&self) -> Duration {
        let Some(usual) = self.usual else { return self.check.timeout };
        self.check.fast_interval.max(LEAST_PATIENCE).max(usual * 4).min(self.check.timeout)
    }

    fn suspect(&mut self, now: Instant, suspicion: Suspicion) {
        // A server that is down is probed on its own schedule.
        if self.counter.level() == Level::Down {
            return;
        }
        if self.suspicion != Some(Suspicion::Failing) {
            self.suspicion = Some(suspicion);
        }
        if suspicion == Suspicion::Failing {
            self.counter.doubt();
        }
        match self.phase {
            // A server that has just answered is not asked again at once, so that traffic cannot make a flood of probes.
            Phase::Waiting { until } => {
                let soonest = self.last_start.map_or(now, |start| (start + LEAST_PATIENCE).max(now));
                self.phase = Phase::Waiting { until: until.min(soonest) };
            }
            Phase::Connecting { since, deadline } => {
                let deadline = deadline.min((since + self.patience()).max(now));
                self.phase = Phase::Connecting { since, deadline };
            }
            Phase::Connected { .. } => {}
        }
    }

    fn give_up(&mut self, now: Instant, since: Instant, code: Code) {
        self.outputs.push_back(Output::Abandon);
        // A connect probe is over when it is connected; then only the shell is late.
        let code = if code == Code::L7Tout && self.check.probe == Probe::Connect { Code::L4Tout } else { code };
        self.finish(now, since, Outcome::new(code, ""));
    }

    fn finish(&mut self, now: Instant, since: Instant, outcome: Outcome) {
        let is_success = outcome.code.is_success();
        let duration = now.since(since);
        if is_success {
            self.usual = Some(duration);
            self.suspicion = None;
        }
        let step = self.counter.count(is_success);
        self.outputs.push_back(Output::Result(outcome, duration));
        match step {
            Step::Rose => self.outputs.push_back(Output::Health(Health::Up)),
            Step::Fell => self.outputs.push_back(Output::Health(Health::Down)),
            Step::Same => {}
        }
        if self.counter.level() == Level::Down {
            self.suspicion = None;
        }
        self.phase = Phase::Waiting { until: (since + self.pause()).max(now) };
    }

    fn pause(&self) -> Duration {
        if self.counter.is_changing() {
            self.check.fast_interval
        } else if self.counter.level() == Level::Down {
            self.check.down_interval
        } else {
            self.check.interval
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn passed() -> Outcome {
        Outcome::new(Code::L4Ok, "")
    }

    fn refused() -> Outcome {
        Outcome::new(Code::L4Con, "Connection refused")
    }

    fn outputs(machine: &mut Machine) -> Vec<Output> {
        std::iter::from_fn(|| machine.poll_output()).collect()
    }

    /// Runs one probe at its time, ending `took` ms later; tells when it started and what health came of it.
    fn probe(machine: &mut Machine, took: u64, outcome: Outcome) -> (Instant, Option<Health>) {
        let start = machine.poll_timeout();
        machine.handle_timeout(start);
        assert_eq!(outputs(machine), [Output::Start]);
        machine.handle_input(start + Duration::from_millis(took), Input::Finished(outcome));
        let health = outputs(machine).into_iter().find_map(|output| match output {
            Output::Health(health) => Some(health),
            _ => None,
        });
        (start, health)
    }

    fn settled() -> Machine {
        let mut machine = Machine::new(&fixture::check(), Health::Starting, at(0));
        assert_eq!(probe(&mut machine, 1, passed()), (at(0), Some(Health::Up)));
        machine
    }

    #[test]
    fn first_success_is_up_and_first_failure_is_down() {
        settled();
        let mut machine = Machine::new(&fixture::check(), Health::Starting, at(0));
        assert_eq!(probe(&mut machine, 1, refused()), (at(0), Some(Health::Down)));
        assert_eq!(machine.poll_timeout(), at(4000));
    }

    #[test]
    fn failing_server_is_probed_fast_until_it_is_down() {
        let mut machine = settled();
        assert_eq!(probe(&mut machine, 1, refused()), (at(2000), None));
        assert_eq!(probe(&mut machine, 1, refused()), (at(2500), None));
        assert_eq!(probe(&mut machine, 1, refused()), (at(3000), Some(Health::Down)));
        assert_eq!(machine.poll_timeout(), at(7000));
    }

    #[test]
    fn returning_server_is_probed_fast_until_it_is_up() {
        let mut machine = Machine::new(&fixture::check(), Health::Down, at(0));
        assert_eq!(probe(&mut machine, 1, passed()), (at(0), None));
        assert_eq!(probe(&mut machine, 1, passed()), (at(500), Some(Health::Up)));
        assert_eq!(machine.poll_timeout(), at(2500));
    }

    #[test]
    fn known_health_is_not_announced_again() {
        let mut machine = Machine::new(&fixture::check(), Health::Up, at(0));
        assert_eq!(probe(&mut machine, 1, passed()), (at(0), None));
    }

    #[test]
    fn probe_without_an_answer_is_abandoned_in_time() {
        let mut machine = settled();
        machine.handle_timeout(at(2000));
        outputs(&mut machine);
        machine.handle_timeout(at(2999));
        assert_eq!(outputs(&mut machine), []);
        machine.handle_timeout(at(3000));
        let result = Output::Result(Outcome::new(Code::L4Tout, ""), Duration::from_secs(1));
        assert_eq!(outputs(&mut machine), [Output::Abandon, result]);
        assert_eq!(machine.poll_timeout(), at(3000));
    }

    #[test]
    fn response_without_an_end_is_a_layer_7_timeout() {
        let http = crate::model::check::HttpProbe {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: Vec::new(),
            status: vec![(200, 200)],
            body_contains: None,
        };
        let check = Check { probe: Probe::Http(http), ..fixture::check() };
        let mut machine = Machine::new(&check, Health::Up, at(0));
        machine.handle_timeout(at(0));
        machine.handle_input(at(900), Input::Connected);
        machine.handle_timeout(at(1000));
        assert!(
            outputs(&mut machine).contains(&Output::Result(Outcome::new(Code::L7Tout, ""), Duration::from_secs(1)))
        );
    }

    #[test]
    fn result_of_an_abandoned_probe_does_not_count() {
        let mut machine = settled();
        machine.handle_timeout(at(2000));
        machine.handle_timeout(at(3000));
        outputs(&mut machine);
        machine.handle_input(at(3000), Input::Finished(passed()));
        machine.handle_input(at(3000), Input::Connected);
        assert_eq!(outputs(&mut machine), []);
    }

    #[test]
    fn suspect_is_probed_at_once_and_one_failure_takes_it_down() {
        let mut machine = settled();
        machine.handle_input(at(700), Input::Suspected(Suspicion::Failing));
        assert_eq!(probe(&mut machine, 1, refused()), (at(700), Some(Health::Down)));
    }

    #[test]
    fn silent_suspect_is_down_after_its_patience() {
        let mut machine = settled();
        machine.handle_input(at(700), Input::Suspected(Suspicion::Failing));
        machine.handle_timeout(at(700));
        assert_eq!(machine.poll_timeout(), at(1200));
        machine.handle_timeout(at(1200));
        assert!(outputs(&mut machine).contains(&Output::Health(Health::Down)));
    }

    #[test]
    fn suspicion_shortens_the_probe_under_way() {
        let mut machine = settled();
        machine.handle_timeout(at(2000));
        machine.handle_input(at(2100), Input::Suspected(Suspicion::Failing));
        assert_eq!(machine.poll_timeout(), at(2500));
        machine.handle_timeout(at(2500));
        assert!(outputs(&mut machine).contains(&Output::Health(Health::Down)));
    }

    #[test]
    fn slow_server_is_probed_at_once_but_needs_every_failure() {
        let mut machine = settled();
        machine.handle_input(at(700), Input::Suspected(Suspicion::Slow));
        assert_eq!(probe(&mut machine, 1, refused()), (at(700), None));
        assert_eq!(probe(&mut machine, 1, refused()), (at(1200), None));
        assert_eq!(probe(&mut machine, 1, refused()), (at(1700), Some(Health::Down)));
    }

    #[test]
    fn suspicions_do_not_make_a_flood_of_probes() {
        let mut machine = settled();
        machine.handle_input(at(10), Input::Suspected(Suspicion::Slow));
        assert_eq!(machine.poll_timeout(), at(100));
    }

    #[test]
    fn success_clears_suspicion() {
        let mut machine = settled();
        machine.handle_input(at(700), Input::Suspected(Suspicion::Failing));
        assert_eq!(probe(&mut machine, 1, passed()), (at(700), None));
        assert_eq!(machine.poll_timeout(), at(2700));
        assert_eq!(probe(&mut machine, 1, refused()), (at(2700), None));
    }

    #[test]
    fn server_that_is_far_away_gets_more_patience() {
        let mut machine = Machine::new(&fixture::check(), Health::Starting, at(0));
        assert_eq!(machine.patience(), Duration::from_secs(1));
        probe(&mut machine, 200, passed());
        assert_eq!(machine.patience(), Duration::from_millis(800));
    }

    #[test]
    fn server_that_is_down_keeps_its_schedule_under_suspicion() {
        let mut machine = Machine::new(&fixture::check(), Health::Down, at(4000));
        machine.handle_input(at(100), Input::Suspected(Suspicion::Failing));
        assert_eq!(machine.poll_timeout(), at(4000));
    }

    #[test]
    fn server_in_maintenance_is_asked_about_again_later() {
        let mut machine = settled();
        machine.handle_timeout(at(2000));
        machine.handle_input(at(2000), Input::Skipped);
        assert!(!machine.is_probing());
        assert_eq!(machine.poll_timeout(), at(4000));
    }

    #[test]
    fn first_probes_are_spread() {
        let check = fixture::check();
        let firsts: Vec<_> = (0..5).map(|index| Machine::first_probe(at(0), &check, index, 5)).collect();
        assert_eq!(firsts, [at(0), at(100), at(200), at(300), at(400)]);
    }
}
