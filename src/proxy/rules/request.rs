//! Rules of a request: `tcp-request content`, `http-request`, `redirect`, `use_backend`, and the backend's own.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::http::{
    BodyFraming, FieldKind, Head, Message, Parsed, Version, parse_request, path_and_query, write_data,
    write_edited_request,
};
use crate::rule::forwarding;
use crate::rule::options::OddNames;
use crate::rule::scope::Slots;
use crate::rule::transaction::{LogLevel, Waiting};
use crate::rule::{Condition, Data, Outcome, Progress, Section, Stage, Target, Verdict, Wait};
use crate::time::Instant;

use super::super::account;
use super::super::buffers::Chunk;
use super::super::failure::{By, Cause, Failure, Phase};
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::super::stream::{Ends, Request, refusal_of_body, request_edit};
use super::answer::{self, Asked, Manner};
use super::statistics::{self, SentForm, Visit};
use super::{RuleState, World, exporter, persistence};

/// A response in place of a server's.
#[derive(Debug)]
pub(in crate::proxy) struct Answer {
    pub(in crate::proxy) bytes: Chunk,
    pub(in crate::proxy) status: u16,
    /// For the log.
    pub(in crate::proxy) failure: Failure,
    pub(in crate::proxy) persists: bool,
    /// The backend whose rule it was, or that had been chosen before.
    pub(in crate::proxy) backend: Option<Rc<LocalBackend>>,
    /// How long the client is held before it gets it.
    pub(in crate::proxy) delay: Option<Duration>,
    /// What stands for a server in the log: `<STATS>` and the like.
    pub(in crate::proxy) service: Option<&'static str>,
}

impl Answer {
    /// Nobody is there to get it: the client left before its request was whole.
    pub(in crate::proxy) fn withhold(&mut self) {
        self.bytes.storage().clear();
        (self.status, self.persists, self.delay) = (400, false, None);
        self.failure = Failure::new(By::Client, Cause::Abort, Phase::Request);
    }
}

/// What becomes of a request.
#[derive(Debug)]
pub(in crate::proxy) enum Decision {
    /// It goes to this backend; `None` has none.
    Forward(Option<Rc<LocalBackend>>),
    /// It waits, and is to be decided again.
    Wait(Awaited),
    /// It is answered here.
    Answer(Box<Answer>),
    /// A form was sent to a statistics page.
    Form(Box<SentForm>),
    /// It closes without a word, by a rule of a backend if there is one. One that is unread closes before its request is known.
    Close { is_unread: bool, backend: Option<Rc<LocalBackend>> },
    /// The connection is forgotten; with `hops` by a reset that dies after so many.
    Drop { hops: Option<u8>, is_unread: bool },
}

/// What a request waits for before its rules go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Awaited {
    /// Its body, at most for a time: all of it or so many bytes. The client may want to be told to send it.
    /// With `is_received`, the request counts as received only then.
    Body { time: Duration, at_least: usize, says_continue: bool, is_received: bool },
    /// A time.
    Time(Duration),
    /// The address of a name.
    Name,
    /// More of its body, or the end of `inspect-delay`.
    Content { until: Instant },
}

/// Where rules go on after a wait.
#[derive(Debug)]
pub(super) struct Resume {
    /// Whether those of the backend wait.
    is_backends: bool,
    step: usize,
    progress: Progress,
    /// When `inspect-delay` ends, if rules about content wait.
    until: Option<Instant>,
    /// The backend chosen so far.
    backend: Option<Rc<LocalBackend>>,
}

/// A request in front of the rules of one section.
#[derive(Clone, Copy)]
pub(super) struct Case<'c> {
    pub(super) frontend: &'c LocalFrontend,
    /// The backend whose rules they are, or that was chosen before; `None` for those of the frontend.
    pub(super) backend: Option<&'c Rc<LocalBackend>>,
    pub(super) request: &'c Request,
    /// What came of its body.
    pub(super) body: Data<'c>,
}

/// What a section does to a request, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Content,
    Monitor,
    Names,
    Buffer,
    Request,
    Statistics,
    Redirects,
}

const STEPS: [Step; 7] =
    [Step::Content, Step::Monitor, Step::Names, Step::Buffer, Step::Request, Step::Statistics, Step::Redirects];

impl Step {
    /// Whether there is anything to do in a section. After the first, requests are counted whatever it says.
    fn is_in(self, section: &Section) -> bool {
        match self {
            Step::Content => true,
            Step::Monitor => section.options.monitor.is_some(),
            Step::Names => section.options.odd_names != OddNames::Preserve,
            Step::Buffer => section.options.buffers_request,
            Step::Request => !section.request.rules.is_empty(),
            Step::Statistics => section.statistics.is_some(),
            Step::Redirects => !section.redirects.rules.is_empty(),
        }
    }
}

/// Runs the rules of a request and changes it as they say.
pub(in crate::proxy) fn decide(session: &mut Session, frontend: &Rc<LocalFrontend>, request: &mut Request) -> Decision {
    if !frontend.runs_rules {
        if let Some(state) = &mut session.rules {
            // What rules of an earlier generation decided is over.
            state.effects.clear();
        }
        return Decision::Forward(frontend.backend.clone());
    }
    let mut state = session.take_rules(frontend);
    let is_there = state.resume.is_some() || look(session, frontend, &mut state);
    let gone = Decision::Close { is_unread: false, backend: None };
    let decision = if is_there { run(session, frontend, request, &mut state) } else { gone };
    session.rules = Some(state);
    session.set_client_options();
    decision
}

/// Ends a request that waited in vain.
pub(in crate::proxy) fn give_up(
    session: &mut Session,
    frontend: &Rc<LocalFrontend>,
    request: &Request,
    failure: Failure,
) -> Decision {
    let status = match (failure.by, failure.cause) {
        (By::Killed, _) => return Decision::Close { is_unread: false, backend: None },
        (_, Cause::Timeout) => 408,
        _ => 400,
    };
    let mut state = session.take_rules(frontend);
    let backend = state.resume.take().and_then(|resume| resume.backend);
    let mut world = World::new(session, frontend, backend.as_deref());
    let verdict = Verdict::Failed { status };
    let case = Case { frontend, backend: backend.as_ref(), request, body: Data::default() };
    let decision = answer(&mut world, &verdict, case, &mut state);
    session.rules = Some(state);
    match decision {
        Decision::Answer(answer) => Decision::Answer(Box::new(Answer { failure, ..*answer })),
        other => other,
    }
}

/// Begins with the head that was kept: notes what lines will show of it and makes the request's id. `false` if there is
/// none.
fn look(session: &mut Session, frontend: &LocalFrontend, state: &mut RuleState) -> bool {
    state.begin(frontend.rules.as_ref().map_or(&Slots::NONE, |section| &section.slots));
    state.effects.is_message = true;
    session.unique_id.clear();
    if state.received.is_empty() {
        return false;
    }
    if frontend.rules.as_ref().is_some_and(|section| section.options.speaks_as_proxy) {
        let target = state.head.target.of(&state.received);
        state.effects.is_proxied = !matches!(target, [b'/' | b'*', ..]);
    }
    let Some(logging) = frontend.logging() else { return true };
    let message = Message { bytes: &state.received, head: &state.head, edits: &mut state.edits };
    logging.capture_request(&message, &state.captures);
    write_unique_id(session, frontend, state);
    true
}

/// Makes the id of the present stream, if it has none and the frontend says how.
pub(super) fn make_unique_id(session: &mut Session, frontend: &LocalFrontend) {
    if session.unique_id.is_empty() {
        let mut state = session.take_rules(frontend);
        write_unique_id(session, frontend, &mut state);
        session.rules = Some(state);
    }
}

fn write_unique_id(session: &mut Session, frontend: &LocalFrontend, state: &mut RuleState) {
    let id = frontend.logging().and_then(|logging| logging.unique_id.as_ref());
    let Some(format) = id.and_then(|id| id.format.as_ref()) else { return };
    let mut id = std::mem::take(&mut session.unique_id);
    let mut world = World::new(session, frontend, None);
    world.facts.look(state);
    let is_http = !state.received.is_empty();
    format.render(&world.transaction(super::stage(is_http), state, &[], is_http), &mut id);
    session.unique_id = id;
}

fn run(session: &Session, frontend: &Rc<LocalFrontend>, request: &mut Request, state: &mut RuleState) -> Decision {
    let resume = match state.resume.take() {
        Some(resume) => {
            state.effects.waiting = None;
            resume
        }
        None => {
            let backend = frontend.backend.clone();
            Resume { is_backends: false, step: 0, progress: Progress::default(), until: None, backend }
        }
    };
    let decoded = request.is_chunked.then(|| {
        let mut data = session.worker.buffers.chunk();
        write_data(request.arrived(), data.storage());
        data
    });
    let body = body_of(request, decoded.as_ref(), &state.head);
    let Resume { is_backends, step, progress, until, mut backend } = resume;
    let mut place = (step, progress, until);
    if !is_backends {
        if let Some(section) = &frontend.rules {
            let mut world = World::new(session, frontend, None);
            let case = Case { frontend, backend: None, request, body };
            if let Some(decision) = pass(&mut world, section, case, state, place) {
                return wait_at(decision, state, false, backend);
            }
            if let Some(chosen) = choose(&mut world, section, frontend, state, body.bytes) {
                backend = Some(chosen);
            }
        }
        place = (0, Progress::default(), None);
    }
    let own = backend.as_ref().and_then(|backend| backend.rules.as_ref());
    let is_same = own.zip(frontend.rules.as_ref()).is_some_and(|(own, first)| Arc::ptr_eq(own, first));
    if !is_backends && !is_same && backend.is_some() {
        // Timeouts of the server's side are the backend's from here on.
        let effects = &mut state.effects;
        (effects.server_timeout, effects.connect_timeout) = (None, None);
        (effects.queue_timeout, effects.tunnel_timeout) = (None, None);
    }
    if let Some(section) = own.filter(|_| !is_same) {
        let mut world = World::new(session, frontend, backend.as_deref());
        let case = Case { frontend, backend: backend.as_ref(), request, body };
        if let Some(decision) = pass(&mut world, section, case, state, place) {
            return wait_at(decision, state, true, backend);
        }
    }
    if let Some(header) = frontend.logging().and_then(|logging| logging.unique_id.as_ref()?.header.as_deref())
        && !session.unique_id.is_empty()
    {
        let mut message = Message { bytes: &state.received, head: &state.head, edits: &mut state.edits };
        message.add(header, &session.unique_id);
    }
    if let Some(backend) = &backend {
        persistence::prefer(session, frontend, backend, state, (body.bytes, true));
        tell_ends(session, frontend, backend, state);
    }
    if !rewrite(session, frontend, backend.as_deref(), request, state) {
        let mut world = World::new(session, frontend, backend.as_deref());
        let verdict = Verdict::Failed { status: 500 };
        let body = body_of(request, decoded.as_ref(), &state.head);
        return answer(&mut world, &verdict, Case { frontend, backend: backend.as_ref(), request, body }, state);
    }
    Decision::Forward(backend)
}

/// What came of a request's body; `decoded` without its chunks, if it is in chunks.
fn body_of<'b>(request: &'b Request, decoded: Option<&'b Chunk>, head: &Head) -> Data<'b> {
    let announced = match head.request_framing() {
        BodyFraming::Length(length) => Some(length),
        _ => None,
    };
    let is_final = request.body.is_done() || request.is_cut;
    let bytes = decoded.map_or(request.arrived(), |data| data);
    Data { bytes, is_final, announced }
}

/// Notes which side waits.
fn wait_at(
    decision: Decision,
    state: &mut RuleState,
    is_backends: bool,
    backend: Option<Rc<LocalBackend>>,
) -> Decision {
    if let Some(resume) = &mut state.resume {
        (resume.is_backends, resume.backend) = (is_backends, backend);
    }
    decision
}

/// Whether a request for the monitor is to fail; `None` if it is none. A URI that begins with a slash is compared with path
/// and query, another one with the whole target.
fn monitor(world: &World<'_>, section: &Section, state: &mut RuleState) -> Option<bool> {
    let uri = section.options.monitor.as_deref()?;
    let target = state.head.target.of(&state.received);
    let is_path = uri.first() == Some(&b'/') && path_and_query(target) == Some(uri);
    if !is_path && target != uri {
        return None;
    }
    let transaction = world.transaction(Stage::HttpRequest, state, &[], true);
    Some(section.options.monitor_fails.iter().any(|condition| condition.outcome(&transaction) == Outcome::Match))
}

/// Takes fields with odd names out. `false` if the request is to be refused for them.
fn purge_names(policy: OddNames, state: &mut RuleState) -> bool {
    let RuleState { received, head, edits, .. } = state;
    let mut message = Message { bytes: received, head, edits };
    let is_odd = |name: &[u8]| !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    match policy {
        OddNames::Preserve => true,
        OddNames::Delete => {
            message.remove(|name, _| is_odd(name));
            true
        }
        OddNames::Reject => !message.fields().any(|field| is_odd(field.name)),
    }
}

/// Takes a request through a section, from the place on; `None` goes on behind it. A wait leaves in the state where.
fn pass(
    world: &mut World<'_>,
    section: &Section,
    case: Case<'_>,
    state: &mut RuleState,
    (first, mut progress, until): (usize, Progress, Option<Instant>),
) -> Option<Decision> {
    let Case { frontend, backend, request, .. } = case;
    let now = world.facts.session().now();
    state.effects.is_in_backend = backend.is_some();
    for (number, step) in STEPS.iter().enumerate().skip(first).filter(|(_, step)| step.is_in(section)) {
        state.effects.delays = *step == Step::Content && !is_over(section, (request, frontend.max_head), until, now);
        let verdict = match take(*step, world, section, case, state, &mut progress) {
            Ok(verdict) => verdict,
            Err(decision) => return Some(*decision),
        };
        // What content rules track sees the request; what later ones track counts it then.
        match backend {
            _ if *step != Step::Content || matches!(verdict, Verdict::Wait(_)) => {}
            None => state.tracking().count_request(now),
            Some(_) => state.tracking().count_request_of_backend(now),
        }
        if matches!(verdict, Verdict::Deny(_) | Verdict::Tarpit(_) | Verdict::Auth(_)) {
            state.tracking().count_error(now);
        }
        let next = if matches!(step, Step::Buffer) { number + 1 } else { number };
        match verdict {
            // It is HTTP already.
            Verdict::Continue | Verdict::SwitchToHttp => {
                (progress, state.effects.delays) = (Progress::default(), false);
                continue;
            }
            Verdict::UseExporter => {
                return Some(exporter::answer(world, case, state));
            }
            Verdict::Reject | Verdict::Close | Verdict::SilentDrop { .. } => {
                account::verdict(world.facts.session(), frontend, backend.map(Rc::as_ref), &verdict);
                // Rules about content come before HAProxy takes the request for one.
                let is_unread = *step == Step::Content && backend.is_none();
                return Some(match verdict {
                    Verdict::SilentDrop { hops } => Decision::Drop { hops, is_unread },
                    _ => Decision::Close { is_unread, backend: backend.cloned() },
                });
            }
            Verdict::Wait(what) => {
                let delay = || now + section.inspect_delay.unwrap_or_default();
                let until = (*step == Step::Content).then(|| until.unwrap_or_else(delay));
                let awaited = match (what, until) {
                    (Wait::Data, Some(until)) => Awaited::Content { until },
                    _ => awaited(what, *step, request, state),
                };
                if *step == Step::Buffer {
                    state.effects.waiting = Some(Waiting::Buffer);
                }
                state.resume = Some(Resume { is_backends: false, step: next, progress, until, backend: None });
                return Some(Decision::Wait(awaited));
            }
            _ => {}
        }
        if *step == Step::Monitor {
            // Nobody is to blame, and nothing is logged.
            state.effects.log_level = Some(LogLevel::Silent);
        } else {
            account::verdict(world.facts.session(), frontend, backend.map(Rc::as_ref), &verdict);
        }
        return Some(answer(world, &verdict, case, state));
    }
    None
}

/// Whether rules about content wait no longer: there is no `inspect-delay` or it has passed, or no more can come.
fn is_over(section: &Section, (request, full): (&Request, usize), until: Option<Instant>, now: Instant) -> bool {
    section.inspect_delay.is_none()
        || request.body.is_done()
        || until.is_some_and(|until| until <= now)
        || request.is_cut
        || request.held.len() >= full
}

/// What one step of a section makes of a request; a decision is final.
fn take<'s>(
    step: Step,
    world: &mut World<'_>,
    section: &'s Section,
    case: Case<'_>,
    state: &mut RuleState,
    progress: &mut Progress,
) -> Result<Verdict<'s>, Box<Decision>> {
    let Case { frontend, backend, body, .. } = case;
    let whole = Data { is_final: body.is_final || !state.effects.delays, ..body };
    let http_request = frontend.running.model.timeouts.http_request;
    Ok(match step {
        Step::Content => world.run_from(&section.content, state, whole, true, progress),
        Step::Request => world.run_from(&section.request, state, body, true, progress),
        Step::Statistics => match statistics::ask(world, section, case, state) {
            Visit::Elsewhere => Verdict::Continue,
            Visit::Unfinished => Verdict::Wait(Wait::Body { time: http_request, at_least: 0 }),
            Visit::Answered(decision) => return Err(decision),
        },
        Step::Redirects => world.run_from(&section.redirects, state, body, true, progress),
        Step::Monitor => match monitor(world, section, state).filter(|_| backend.is_none()) {
            Some(fails) => Verdict::Failed { status: if fails { 503 } else { 200 } },
            None => Verdict::Continue,
        },
        Step::Names if purge_names(section.options.odd_names, state) => Verdict::Continue,
        Step::Names => Verdict::Failed { status: 403 },
        Step::Buffer if section.options.buffers_request && !body.is_final => {
            Verdict::Wait(Wait::Body { time: http_request, at_least: 0 })
        }
        Step::Buffer => Verdict::Continue,
    })
}

/// What a request waits for when a step of its section says so.
fn awaited(what: Wait, step: Step, request: &Request, state: &mut RuleState) -> Awaited {
    match what {
        Wait::Body { time, at_least } => {
            let says_continue = says_continue(request, state);
            Awaited::Body { time, at_least, says_continue, is_received: step == Step::Buffer }
        }
        Wait::Pause(time) => Awaited::Time(time),
        Wait::Name => Awaited::Name,
        // All data is there, and there is no TLS.
        Wait::Data | Wait::Handshake | Wait::Line => Awaited::Time(Duration::ZERO),
    }
}

/// Whether the client waits for a word before it sends its body, which is to be forwarded without that question.
fn says_continue(request: &Request, state: &mut RuleState) -> bool {
    let asks = state.head.expects_continue && request.version == Version::Http11;
    if !asks || std::mem::replace(&mut state.has_continued, true) {
        return false;
    }
    let RuleState { received, head, edits, .. } = state;
    Message { bytes: received, head, edits }.remove(|_, kind| kind == FieldKind::Expect);
    request.arrived().is_empty()
}

/// The answer of a verdict that ends the request.
pub(super) fn answer(world: &mut World<'_>, verdict: &Verdict<'_>, case: Case<'_>, state: &mut RuleState) -> Decision {
    let Case { frontend, backend, request, body } = case;
    let session = world.facts.session();
    let manner = Manner::of(request, session);
    let mut bytes = session.worker.buffers.chunk();
    let asked = Asked { frontend, backend: backend.map(Rc::as_ref) };
    let written = {
        let mut transaction = world.transaction(Stage::HttpRequest, state, body.bytes, true);
        transaction.request_data = body;
        answer::write(verdict, asked, &transaction, manner, bytes.storage())
    };
    let Some((status, persists)) = written else { return Decision::Close { is_unread: false, backend: None } };
    answer::edit(world, state, frontend, asked.backend, bytes.storage());
    let tarpit = || state.effects.tarpit_timeout.or(tarpit_of(frontend)).unwrap_or_default();
    let delay = matches!(verdict, Verdict::Tarpit(_)).then(tarpit);
    let at = if delay.is_some() { Phase::Tarpit } else { Phase::Request };
    let failure = Failure::new(answer::by(verdict), Cause::Abort, at);
    let backend = backend.cloned();
    Decision::Answer(Box::new(Answer { bytes, status, failure, persists, backend, delay, service: None }))
}

/// `timeout tarpit` of a frontend, which is `timeout connect` where it has none.
pub(super) fn tarpit_of(frontend: &LocalFrontend) -> Option<Duration> {
    let own = frontend.rules.as_ref().and_then(|section| section.options.tarpit);
    own.or(frontend.backend.as_ref().map(|backend| backend.running.model.timeouts.connect))
}

/// The first `use_backend` that applies; one that names a backend that is unpublished is passed over, where nothing admits it.
pub(super) fn choose(
    world: &mut World<'_>,
    section: &Section,
    frontend: &LocalFrontend,
    state: &mut RuleState,
    body: &[u8],
) -> Option<Rc<LocalBackend>> {
    if section.choices.is_empty() && section.admissions.is_empty() {
        return None;
    }
    world.facts.look(state);
    let is_http = section.request.stage == Stage::HttpRequest && !state.received.is_empty();
    let stage = super::stage(is_http);
    let transaction = world.transaction(stage, state, body, is_http);
    let holds = |condition: &Condition| condition.outcome(&transaction) == Outcome::Match;
    let admits = |backend: &Rc<LocalBackend>| backend.is_published() || section.admissions.iter().any(holds);
    for choice in section.choices.iter().filter(|choice| choice.condition.as_ref().is_none_or(holds)) {
        let chosen = match &choice.target {
            Target::Named(name) => frontend.others.backend(name),
            Target::Computed(format) => {
                let mut name = Vec::new();
                format.render(&transaction, &mut name);
                frontend.others.backend_for_traffic(&name)
            }
        };
        match chosen {
            Some(backend) if !admits(backend) => {}
            Some(backend) => return Some(Rc::clone(backend)),
            // As in HAProxy, a name that no backend has leaves the choice to `default_backend`.
            None => break,
        }
    }
    if frontend.backend.is_some() || section.admissions.is_empty() {
        return None;
    }
    // The default one is unpublished, or there is none.
    let default = frontend.running.model.default_backend.and_then(|number| frontend.others.numbered(number));
    default.filter(|backend| admits(backend)).cloned()
}

/// Adds the Forwarded field that the backend asks for.
fn tell_ends(session: &Session, frontend: &LocalFrontend, backend: &Rc<LocalBackend>, state: &mut RuleState) {
    let asked = backend.rules.as_ref().and_then(|section| section.options.forwarding.forwarded.as_ref());
    let Some(forwarded) = asked else { return };
    let mut value = Vec::new();
    let source = state.effects.source().unwrap_or_else(|| session.arrived_from());
    let destination = Some(state.effects.destination().unwrap_or_else(|| session.arrived_at()));
    let mut world = World::new(session, frontend, Some(backend));
    world.facts.look(state);
    let transaction = world.transaction(Stage::HttpRequest, state, &[], true);
    forwarded.write(&transaction, (Some(source), destination), &mut value);
    forwarding::add(&mut Message { bytes: &state.received, head: &state.head, edits: &mut state.edits }, &value);
}

/// Writes the head that goes to the server in place of the one that came. `false` if it came to be too long, or the method CONNECT or none.
fn rewrite(
    session: &Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    request: &mut Request,
    state: &mut RuleState,
) -> bool {
    let RuleState { received, head, edits, effects, .. } = state;
    let source = effects.source().unwrap_or_else(|| session.arrived_from());
    let destination = || Some(effects.destination().unwrap_or_else(|| session.arrived_at()));
    let message = Message { bytes: received, head, edits };
    let has_field = |name: &[u8]| message.value(name).is_some();
    let edit = request_edit(head, received, Ends { source, destination }, (frontend, backend), has_field);
    let is_tunnel = |method: &[u8]| method == b"CONNECT";
    let has_new_method = message.has_new_method();
    if has_new_method && is_tunnel(message.method()) != is_tunnel(message.received_method()) {
        return false;
    }
    let mut held = session.worker.buffers.chunk();
    write_edited_request(held.storage(), &message, edit);
    if held.len() > frontend.max_edited_head {
        return false;
    }
    if has_new_method {
        let mut parsed = session.worker.buffers.head.borrow_mut();
        parsed.leniency = frontend.leniency;
        let is_whole = matches!(parse_request(held.all(), &mut parsed), Ok(Parsed::Complete));
        if !is_whole || refusal_of_body(&parsed, held.all()).is_some() {
            return false;
        }
        request.method = parsed.method;
    }
    let head_length = held.len();
    held.push(request.arrived());
    (request.held, request.head_length) = (held, head_length);
    request.has_cookies |= edits.adds_cookies();
    true
}
