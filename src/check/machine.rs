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

use crate::model::check::{Check, InitialState, OnError};
use crate::state::levels::Level;
use crate::state::servers::Health;
use crate::time::Instant;

use super::counter::Counter;
use super::outcome::{Code, Effect, Outcome};

/// Least time that a suspect's connection may take.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);
/// First probes are spread over this time, or the interval if that is shorter.
const SPREAD: Duration = Duration::from_millis(500);

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Where the probe under way is, told again whenever that changes.
    Reached(Stage),
    /// The probe under way has ended.
    Finished(Outcome),
    /// Traffic has trouble with this server.
    Suspected(Suspicion),
    /// A probe that [`Output::Start`] asked for was not made (the server is in maintenance).
    Skipped,
    /// The server comes back from maintenance: up until the first failure, and probed now.
    Resumed,
    /// Traffic failed too often in a row: what that does, and the result that it stands for.
    Observed(OnError, Outcome),
    /// The operator says how the server is: for certain, until probes say otherwise.
    Told {
        /// Whether it is up.
        is_up: bool,
    },
}

/// Where a probe is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Whether it has its connection; one that has not is about to be made.
    pub is_connected: bool,
    /// What it comes to if it takes too long here.
    pub on_timeout: Outcome,
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
    /// What a probe found. The counter holds it already.
    Result {
        /// What.
        outcome: Outcome,
        /// How long it took.
        duration: Duration,
        /// Whether it is another result than before, or the state is still changing.
        is_news: bool,
    },
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
    /// What the probe under way comes to if it takes too long.
    on_timeout: Outcome,
    /// Code of the last result.
    last_code: Option<Code>,
    /// Whether it asks an agent, whose words decide at once and whose silence says nothing.
    is_agent: bool,
    spread: Spread,
    outputs: VecDeque<Output>,
}

/// By how much pauses vary at random.
#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    percent: u8,
    state: u64,
}

impl Spread {
    /// A pause made longer or shorter.
    fn vary(&mut self, pause: Duration) -> Duration {
        if self.percent == 0 {
            return pause;
        }
        // xorshift: any numbers that differ between servers will do.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let most = f64::from(self.percent) / 100.0;
        let part = (self.state >> 11) as f64 / (1_u64 << 53) as f64;
        pause.mul_f64(1.0 - most + 2.0 * most * part)
    }
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
            Health::Unchecked | Health::Starting if check.initial == InitialState::FullyUp => Level::Up,
            Health::Unchecked | Health::Starting => Level::Unknown,
            Health::Up | Health::Stopping => Level::Up,
            Health::Down => Level::Down,
        };
        Machine {
            check: check.clone(),
            counter: Counter::new(check.rise, check.fall, level),
            phase: Phase::Waiting { until: first },
            usual: None,
            last_start: None,
            suspicion: None,
            on_timeout: Outcome::new(Code::L4Tout, ""),
            last_code: None,
            is_agent: false,
            spread: Spread::default(),
            outputs: VecDeque::new(),
        }
    }

    /// One that asks an agent: its words decide at once, and a connection that fails says nothing.
    pub fn of_agent(check: &Check, first: Instant) -> Machine {
        Machine { is_agent: true, ..Machine::new(check, Health::Starting, first) }
    }

    /// Makes pauses longer or shorter by up to so much per cent, at random from this seed (HAProxy's `spread-checks`).
    pub fn spread(&mut self, percent: u8, seed: u64) {
        self.spread = Spread { percent, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 };
    }

    /// One success suffices to bring it up (HAProxy's `init-state down`, before the first probe).
    pub fn hope(&mut self) {
        self.counter.hope();
    }

    /// How many answers it has, as statistics show it.
    pub fn counter(&self) -> &Counter {
        &self.counter
    }

    /// When the first probe of server `index` of `total` is due, so that they do not all start at once.
    pub fn first_probe(now: Instant, check: &Check, index: usize, total: usize) -> Instant {
        let share = index as f64 / total.max(1) as f64;
        now + SPREAD.min(check.interval).mul_f64(share)
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
            (Input::Reached(stage), Phase::Connecting { since, deadline } | Phase::Connected { since, deadline }) => {
                self.on_timeout = stage.on_timeout;
                let was_connected = matches!(self.phase, Phase::Connected { .. });
                self.phase = match (was_connected, stage.is_connected) {
                    // What is left of a shortened limit for connections is no limit for answers.
                    (false, true) => {
                        let limit = self.check.answer_timeout.map(|limit| now + limit);
                        Phase::Connected { since, deadline: limit.unwrap_or(deadline.max(since + self.check.timeout)) }
                    }
                    (true, false) => Phase::Connecting { since, deadline: now + self.check.timeout },
                    (true, true) => Phase::Connected { since, deadline },
                    (false, false) => Phase::Connecting { since, deadline },
                };
            }
            (Input::Finished(outcome), Phase::Connecting { since, .. } | Phase::Connected { since, .. }) => {
                self.finish(now, since, outcome);
            }
            (Input::Skipped, Phase::Connecting { .. }) => {
                self.suspicion = None;
                self.phase = Phase::Waiting { until: now + self.check.interval };
            }
            (Input::Suspected(suspicion), _) => self.suspect(now, suspicion),
            (Input::Resumed, _) => {
                if self.is_probing() {
                    self.outputs.push_back(Output::Abandon);
                }
                self.counter = Counter::new(self.check.rise, self.check.fall, Level::Unknown);
                self.phase = Phase::Waiting { until: now };
            }
            (Input::Observed(on_error, outcome), _) => self.observed(now, on_error, outcome),
            (Input::Told { is_up }, _) => _ = self.counter.settle(is_up),
            (Input::Reached(_) | Input::Finished(_) | Input::Skipped, _) => {}
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
                self.on_timeout = Outcome::new(Code::L4Tout, "");
                self.outputs.push_back(Output::Start);
            }
            Phase::Connecting { since, .. } | Phase::Connected { since, .. } => self.give_up(now, since),
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

    fn observed(&mut self, now: Instant, on_error: OnError, outcome: Outcome) {
        match on_error {
            OnError::FastInter => {}
            OnError::FailCheck => self.judge(outcome, Duration::ZERO),
            OnError::SuddenDeath => {
                self.counter.doubt_but_one();
                self.judge(outcome, Duration::ZERO);
            }
            OnError::MarkDown => {
                self.counter.doubt();
                self.judge(outcome, Duration::ZERO);
            }
        }
        if let Phase::Waiting { until } = self.phase {
            self.phase = Phase::Waiting { until: until.min(now + self.check.fast_interval) };
        }
    }

    fn give_up(&mut self, now: Instant, since: Instant) {
        self.outputs.push_back(Output::Abandon);
        self.finish(now, since, self.on_timeout.clone());
    }

    fn finish(&mut self, now: Instant, since: Instant, outcome: Outcome) {
        let duration = now.since(since);
        if outcome.code.is_success() {
            self.usual = Some(duration);
            self.suspicion = None;
        }
        self.judge(outcome, duration);
        if self.counter.level() == Level::Down {
            self.suspicion = None;
        }
        let pause = self.pause();
        let pause = self.spread.vary(pause);
        self.phase = Phase::Waiting { until: (since + pause).max(now) };
    }

    fn judge(&mut self, outcome: Outcome, duration: Duration) {
        let before = self.counter.value();
        match outcome.code.effect() {
            Effect::Neutral => {}
            Effect::Failed if self.is_agent && !outcome.code.has_status() => {}
            effect if self.is_agent => _ = self.counter.settle(effect != Effect::Failed),
            effect => _ = self.counter.count(effect != Effect::Failed),
        }
        let is_other = self.last_code.replace(outcome.code) != Some(outcome.code);
        let is_news = outcome.code.effect() != Effect::Neutral && (is_other || before != self.counter.value());
        self.outputs.push_back(Output::Result { outcome, duration, is_news });
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

    fn reached(is_connected: bool) -> Input {
        let code = if is_connected { Code::L7Tout } else { Code::L4Tout };
        Input::Reached(Stage { is_connected, on_timeout: Outcome::new(code, "") })
    }

    fn is_result(output: &Output, code: Code) -> bool {
        matches!(output, Output::Result { outcome, .. } if outcome.code == code)
    }

    fn outputs(machine: &mut Machine) -> Vec<Output> {
        std::iter::from_fn(|| machine.poll_output()).collect()
    }

    /// Runs one probe at its time, ending `took` ms later; tells when it started and what health came of it.
    fn probe(machine: &mut Machine, took: u64, outcome: Outcome) -> (Instant, Option<Health>) {
        let start = machine.poll_timeout();
        let before = machine.counter().level();
        machine.handle_timeout(start);
        assert_eq!(outputs(machine), [Output::Start]);
        machine.handle_input(start + Duration::from_millis(took), Input::Finished(outcome));
        assert!(matches!(outputs(machine)[..], [Output::Result { .. }]));
        let after = machine.counter().level();
        (start, (before != after).then_some(if after == Level::Up { Health::Up } else { Health::Down }))
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
        let result =
            Output::Result { outcome: Outcome::new(Code::L4Tout, ""), duration: Duration::from_secs(1), is_news: true };
        assert_eq!(outputs(&mut machine), [Output::Abandon, result]);
        assert_eq!(machine.poll_timeout(), at(3000));
    }

    #[test]
    fn response_without_an_end_is_a_layer_7_timeout() {
        let mut machine = Machine::new(&fixture::check(), Health::Up, at(0));
        machine.handle_timeout(at(0));
        machine.handle_input(at(900), reached(true));
        machine.handle_timeout(at(1000));
        assert!(outputs(&mut machine).iter().any(|output| is_result(output, Code::L7Tout)));
    }

    #[test]
    fn answer_has_its_own_limit_where_it_is_set_and_another_connection_begins_anew() {
        let check = Check { answer_timeout: Some(Duration::from_millis(300)), ..fixture::check() };
        let mut machine = Machine::new(&check, Health::Up, at(0));
        machine.handle_timeout(at(0));
        machine.handle_input(at(900), reached(true));
        assert_eq!(machine.poll_timeout(), at(1200));
        machine.handle_input(at(1000), reached(false));
        assert_eq!(machine.poll_timeout(), at(2000));
    }

    #[test]
    fn words_of_an_agent_decide_at_once_and_its_silence_says_nothing() {
        let mut machine = Machine::of_agent(&Check { rise: 1, fall: 1, ..fixture::check() }, at(0));
        let down = || Outcome::new(Code::L7Sts, "via agent : down");
        assert_eq!(probe(&mut machine, 1, down()).1, Some(Health::Down));
        assert_eq!(probe(&mut machine, 1, refused()).1, None);
        assert_eq!(probe(&mut machine, 1, Outcome::new(Code::Checked, "")).1, None);
        assert_eq!(probe(&mut machine, 1, Outcome::new(Code::L7Ok, "via agent : up")).1, Some(Health::Up));
        assert_eq!(probe(&mut machine, 1, refused()).1, None);
    }

    #[test]
    fn server_that_comes_back_from_maintenance_is_up_until_its_first_failure() {
        let mut machine = Machine::new(&fixture::check(), Health::Down, at(4000));
        machine.handle_input(at(100), Input::Resumed);
        assert_eq!((machine.counter().value().0, machine.poll_timeout()), (2, at(100)));
        assert_eq!(probe(&mut machine, 1, refused()).1, Some(Health::Down));
    }

    #[test]
    fn pauses_vary_no_more_than_they_may() {
        let mut spread = Spread { percent: 20, state: 1 };
        let pauses: Vec<_> = (0..100).map(|_| spread.vary(Duration::from_secs(1))).collect();
        assert!(pauses.iter().all(|pause| (800..=1200).contains(&pause.as_millis())));
        assert!(
            pauses.iter().any(|pause| pause.as_millis() < 900) && pauses.iter().any(|pause| pause.as_millis() > 1100)
        );
    }

    #[test]
    fn result_of_an_abandoned_probe_does_not_count() {
        let mut machine = settled();
        machine.handle_timeout(at(2000));
        machine.handle_timeout(at(3000));
        outputs(&mut machine);
        machine.handle_input(at(3000), Input::Finished(passed()));
        machine.handle_input(at(3000), reached(true));
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
        assert_eq!(machine.counter().level(), Level::Down);
    }

    #[test]
    fn suspicion_shortens_the_probe_under_way() {
        let mut machine = settled();
        machine.handle_timeout(at(2000));
        machine.handle_input(at(2100), Input::Suspected(Suspicion::Failing));
        assert_eq!(machine.poll_timeout(), at(2500));
        machine.handle_timeout(at(2500));
        assert_eq!(machine.counter().level(), Level::Down);
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
