//! Rules of a response: `http-response` and `http-after-response`, the backend's before the frontend's.

use crate::http::{BodyFraming, ConnectionField, Head, Message, write_data, write_edited_response, write_response};
use crate::rule::caching::would_keep_cookies;
use crate::rule::{Data, Progress, RuleSet, Stage, Transaction, Verdict, Wait};
use crate::time::Instant;

use super::super::account;
use super::super::failure::By;
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::super::stream::Request;
use super::answer::{self, Asked, Manner, sections};
use super::{RuleState, World, persistence};

/// What was written in place of a response head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Responded {
    /// The head, as rules left it.
    Forwarded {
        status: u16,
        /// Whether a field of it may be about cookies.
        has_cookies: bool,
    },
    /// A response of ours, whole: the server's is not wanted. Says whose doing it is, and whether the client's connection
    /// persists.
    Answered { by: By, status: u16, persists: bool },
    /// Nothing: rules wait, and are to be asked again with what has come by then.
    Waits(Wait),
    /// The same when more has come, or `inspect-delay` is over.
    Listens { until: Instant },
}

/// What came of a response's body with its head.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Arrived<'b> {
    /// As received.
    pub(in crate::proxy) bytes: &'b [u8],
    pub(in crate::proxy) framing: BodyFraming,
    /// Whether that is all.
    pub(in crate::proxy) is_whole: bool,
    /// Whether no more comes before it is forwarded, whatever was announced.
    pub(in crate::proxy) is_last: bool,
}

/// Writes the head that the client gets. Where the client's connection may persist after a response of ours in place of
/// the server's, `request` is there.
pub(in crate::proxy) fn respond(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    (bytes, head, arrived): (&[u8], &Head, Arrived<'_>),
    (connection, request): (ConnectionField, Option<&Request>),
    out: &mut Vec<u8>,
) -> Responded {
    if !frontend.runs_rules && !backend.runs_rules {
        write_response(out, bytes, head, connection);
        return Responded::Forwarded { status: head.status, has_cookies: head.has_cookies };
    }
    let manner = request.map_or(Manner { is_head: false, persists: None }, |request| Manner::of(request, session));
    let mut state = session.take_rules(frontend);
    let now = session.now();
    match frontend.others.rules.globals.blame(head.status) {
        _ if state.response_resume.is_some() || state.content_wait.is_some() => {}
        (true, _) => state.tracking().count_error(now),
        (_, true) => state.tracking().count_failure(now),
        _ => {}
    }
    let mut decoded = None;
    if arrived.framing == BodyFraming::Chunked {
        let data = decoded.insert(session.worker.buffers.chunk());
        write_data(arrived.bytes, data.storage());
    }
    let announced = match arrived.framing {
        BodyFraming::Length(length) => Some(length),
        _ => None,
    };
    let body = Data { bytes: decoded.as_deref().unwrap_or(arrived.bytes), is_final: arrived.is_whole, announced };
    let body = (body, arrived.is_last);
    let mut world = World::new(session, frontend, Some(backend));
    let responded = run(&mut world, &mut state, frontend, backend, (bytes, head, body), (connection, manner), out);
    session.rules = Some(state);
    responded
}

fn run(
    world: &mut World<'_>,
    state: &mut RuleState,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    (bytes, head, (body, is_last)): (&[u8], &Head, (Data<'_>, bool)),
    (connection, manner): (ConnectionField, Manner),
    out: &mut Vec<u8>,
) -> Responded {
    let mut edits = std::mem::take(&mut state.response_edits);
    let (first, mut progress) = match state.response_resume.take() {
        Some(resume) => {
            state.effects.waiting = None;
            resume
        }
        None => {
            if state.content_wait.is_none() {
                edits.clear();
                if let Some(logging) = frontend.logging() {
                    logging.capture_response(&Message { bytes, head, edits: &mut edits }, &state.captures);
                }
            }
            match begin(world, state, backend, Message { bytes, head, edits: &mut edits }, (body, is_last)) {
                Begun::Passes => {}
                Begun::Waits { until } => {
                    state.response_edits = edits;
                    return Responded::Listens { until };
                }
                Begun::Refused => {
                    // Nothing more is said: the connection closes.
                    state.response_edits = edits;
                    return Responded::Answered { by: By::Proxy, status: 502, persists: false };
                }
            }
            (0, Progress::default())
        }
    };
    let both = sections(frontend, Some(backend));
    let checks_caching = backend.rules.as_ref().is_some_and(|section| section.options.checks_caching);
    let after = both.iter().flatten().count();
    let sets = both.into_iter().flatten().map(|section| &section.response);
    let sets = sets.chain(both.into_iter().flatten().map(|section| &section.after_response));
    let mut ended = None;
    for (number, set) in sets.enumerate().skip(first) {
        if checks_caching && number == after && progress == Progress::default() {
            let RuleState { received, head: asked, edits: of_request, .. } = &mut *state;
            let request = (!received.is_empty()).then_some(Message { bytes: received, head: asked, edits: of_request });
            if would_keep_cookies(request.as_ref(), &Message { bytes, head, edits: &mut edits }) {
                account::deny_response(world.facts.session(), frontend, backend);
                let verdict = Verdict::Failed { status: 502 };
                let message = Message { bytes, head, edits: &mut edits };
                ended = Some(replace(world, state, (frontend, backend), &verdict, (message, body, manner), out));
                break;
            }
        }
        let message = Message { bytes, head, edits: &mut edits };
        let verdict = world.run_on_response(set, state, message, body, &mut progress);
        match verdict {
            Verdict::Continue => progress = Progress::default(),
            Verdict::Wait(what) => {
                (state.response_edits, state.response_resume) = (edits, Some((number, progress)));
                return Responded::Waits(what);
            }
            verdict => {
                account::response_verdict(world.facts.session(), frontend, backend, &verdict);
                if matches!(verdict, Verdict::Deny(_)) {
                    let now = world.facts.session().now();
                    state.tracking().count_failure(now);
                }
                let message = Message { bytes, head, edits: &mut edits };
                ended = Some(replace(world, state, (frontend, backend), &verdict, (message, body, manner), out));
                break;
            }
        }
    }
    let responded = match ended {
        Some((by, status, persists)) => {
            answer::edit(world, state, frontend, Some(backend), out);
            Responded::Answered { by, status, persists }
        }
        None => {
            let message = Message { bytes, head, edits: &mut edits };
            let status = message.status();
            write_edited_response(out, &message, connection);
            Responded::Forwarded { status, has_cookies: head.has_cookies || edits.adds_cookies() }
        }
    };
    state.response_edits = edits;
    responded
}

/// Writes the answer of a verdict in place of a response: whose doing it is, its status, and whether the client's
/// connection persists.
fn replace(
    world: &mut World<'_>,
    state: &mut RuleState,
    (frontend, backend): (&LocalFrontend, &LocalBackend),
    verdict: &Verdict<'_>,
    (message, body, manner): (Message<'_>, Data<'_>, Manner),
    out: &mut Vec<u8>,
) -> (By, u16, bool) {
    let transaction = world.response_transaction(Stage::HttpResponse, state, message, body);
    let asked = Asked { frontend, backend: Some(backend) };
    let (status, persists) = answer::write(verdict, asked, &transaction, manner, out).unwrap_or((502, false));
    (answer::by(verdict), status, persists)
}

/// What became of the rules about the content of a response.
enum Begun {
    Passes,
    Waits { until: Instant },
    Refused,
}

/// What happens once for each response: `tcp-response content`, and the server is remembered.
fn begin(
    world: &mut World<'_>,
    state: &mut RuleState,
    backend: &LocalBackend,
    message: Message<'_>,
    (body, is_last): (Data<'_>, bool),
) -> Begun {
    let Some(section) = &backend.rules else { return Begun::Passes };
    let Message { bytes, head, edits } = message;
    let now = world.facts.session().now();
    let delay = || now + section.response_delay.unwrap_or_default();
    let (mut progress, until) = state.content_wait.take().unwrap_or_else(|| (Progress::default(), delay()));
    let is_over = section.response_delay.is_none() || body.is_final || is_last || until <= now;
    state.effects.delays = !is_over;
    let data = Data { is_final: body.is_final || is_over, ..body };
    let content = Message { bytes, head, edits: &mut *edits };
    let verdict = world.run_on_response(&section.response_content, state, content, data, &mut progress);
    state.effects.delays = false;
    match verdict {
        Verdict::Continue => {}
        Verdict::Wait(_) if !is_over => {
            state.content_wait = Some((progress, until));
            return Begun::Waits { until };
        }
        _ => return Begun::Refused,
    }
    if let Some(server) = state.server {
        let mut persistence = std::mem::take(&mut state.persistence);
        world.facts.look(state);
        let message = Message { bytes, head, edits };
        let transaction = world.response_transaction(Stage::HttpResponse, state, message, body);
        persistence::remember(backend, Some(&transaction), &mut persistence, server, now);
        state.persistence = persistence;
    }
    Begun::Passes
}

impl World<'_> {
    /// Runs a set over a response, from where it stopped.
    pub(super) fn run_on_response<'r>(
        &mut self,
        set: &'r RuleSet,
        state: &mut RuleState,
        response: Message<'_>,
        body: Data<'_>,
        progress: &mut Progress,
    ) -> Verdict<'r> {
        if set.rules.is_empty() {
            return Verdict::Continue;
        }
        self.facts.look(state);
        let Message { bytes, head, edits } = response;
        loop {
            let response = Message { bytes, head, edits: &mut *edits };
            let status = response.status();
            let mut transaction = self.response_transaction(set.stage, state, response, body);
            match set.run(&mut transaction, progress) {
                Verdict::Wait(Wait::Line) => self.write_line(set, progress, state, status),
                verdict => return verdict,
            }
        }
    }

    fn response_transaction<'t>(
        &'t self,
        stage: Stage,
        state: &'t mut RuleState,
        response: Message<'t>,
        body: Data<'t>,
    ) -> Transaction<'t> {
        let is_known = !state.received.is_empty();
        let transaction = self.transaction(stage, state, &[], is_known);
        Transaction { response: Some(response), response_data: body, ..transaction }
    }
}
