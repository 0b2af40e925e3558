//! Rules of a request: `tcp-request content`, `http-request`, `redirect`, `use_backend`, and the backend's own.

use std::rc::Rc;
use std::sync::Arc;

use crate::http::{Message, Parsed, parse_request, path_and_query, write_edited_request};
use crate::rule::{Outcome, Section, Stage, Target, Verdict};

use super::super::account;
use super::super::buffers::Chunk;
use super::super::failure::{By, Cause, Failure, Phase};
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::super::stream::{Request, refusal_of_body, request_edit};
use super::answer::{self, Asked, Manner};
use super::{RuleState, World};

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
}

/// What becomes of a request.
#[derive(Debug)]
pub(in crate::proxy) enum Decision {
    /// It goes to this backend; `None` has none.
    Forward(Option<Rc<LocalBackend>>),
    /// It is answered here.
    Answer(Box<Answer>),
    /// The connection closes without a word.
    Close,
    /// The connection is forgotten: a reset that dies after so many hops.
    Drop { hops: u8 },
}

/// Runs the rules of a request and changes it as they say.
pub(in crate::proxy) fn decide(session: &mut Session, frontend: &Rc<LocalFrontend>, request: &mut Request) -> Decision {
    if !frontend.runs_rules {
        return Decision::Forward(frontend.backend.clone());
    }
    let mut state = session.take_rules(frontend);
    let decision = run(session, frontend, request, &mut state);
    session.rules = Some(state);
    decision
}

fn run(session: &Session, frontend: &Rc<LocalFrontend>, request: &mut Request, state: &mut RuleState) -> Decision {
    let slots = frontend.rules.as_ref().map_or((0, 0), |section| section.slots);
    state.begin(slots);
    let RuleState { received, head, .. } = state;
    // It was parsed when it came; a second time is what keeps requests without rules free of copies.
    if !matches!(parse_request(received, head), Ok(Parsed::Complete)) {
        return Decision::Close;
    }
    let body_start = memchr::memmem::find(request.held.all(), b"\r\n\r\n").map_or(0, |end| end + 4);
    let body = session.worker.buffers.chunk_of(&request.held.all()[body_start..]);
    let mut world = World::new(session, frontend, None);
    let mut backend = frontend.backend.clone();
    if let Some(section) = &frontend.rules {
        if let Some(fails) = monitor(&world, section, state) {
            let verdict = Verdict::Failed { status: if fails { 503 } else { 200 } };
            return answer(&mut world, &verdict, frontend, None, request, state, &body);
        }
        if let Some(decision) = requests(&mut world, section, frontend, None, request, state, &body) {
            return decision;
        }
        if let Some(chosen) = choose(&mut world, section, frontend, state, &body) {
            backend = Some(chosen);
        }
    }
    let own = backend.as_ref().and_then(|backend| backend.rules.as_ref());
    let is_same = own.zip(frontend.rules.as_ref()).is_some_and(|(own, first)| Arc::ptr_eq(own, first));
    if let Some(section) = own.filter(|_| !is_same) {
        let mut world = World::new(session, frontend, backend.as_deref());
        let found = requests(&mut world, section, frontend, backend.as_ref(), request, state, &body);
        if let Some(decision) = found {
            return decision;
        }
    }
    if !state.edits.is_empty() && !rewrite(session, frontend, request, state, &body) {
        let mut world = World::new(session, frontend, backend.as_deref());
        let verdict = Verdict::Failed { status: 500 };
        return answer(&mut world, &verdict, frontend, backend.as_ref(), request, state, &body);
    }
    Decision::Forward(backend)
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

/// Runs the rules of a section; `None` goes on.
fn requests(
    world: &mut World<'_>,
    section: &Section,
    frontend: &LocalFrontend,
    backend: Option<&Rc<LocalBackend>>,
    request: &Request,
    state: &mut RuleState,
    body: &[u8],
) -> Option<Decision> {
    for set in [&section.content, &section.request, &section.redirects] {
        let verdict = world.run(set, state, body, true);
        match verdict {
            Verdict::Continue => continue,
            Verdict::Reject | Verdict::Close | Verdict::SilentDrop { .. } => {
                account::verdict(world.facts.session(), frontend, backend.map(Rc::as_ref), &verdict);
                return Some(match verdict {
                    Verdict::SilentDrop { hops } => Decision::Drop { hops: hops.unwrap_or(1) },
                    _ => Decision::Close,
                });
            }
            _ => {}
        }
        account::verdict(world.facts.session(), frontend, backend.map(Rc::as_ref), &verdict);
        return Some(answer(world, &verdict, frontend, backend, request, state, body));
    }
    None
}

/// The answer of a verdict that ends the request.
fn answer(
    world: &mut World<'_>,
    verdict: &Verdict<'_>,
    frontend: &LocalFrontend,
    backend: Option<&Rc<LocalBackend>>,
    request: &Request,
    state: &mut RuleState,
    body: &[u8],
) -> Decision {
    let session = world.facts.session();
    let manner = Manner::of(request, session);
    let mut bytes = session.worker.buffers.chunk();
    let is_ours = matches!(verdict, Verdict::Redirect(_) | Verdict::Return(_) | Verdict::Auth(_));
    let asked = Asked { frontend, backend: backend.map(Rc::as_ref) };
    let written = {
        let transaction = world.transaction(Stage::HttpRequest, state, body, true);
        answer::write(verdict, asked, &transaction, manner, bytes.storage())
    };
    let Some((status, persists)) = written else { return Decision::Close };
    answer::edit(world, state, frontend, asked.backend, bytes.storage());
    let by = if is_ours { By::Local } else { By::Proxy };
    let failure = Failure::new(by, Cause::Abort, Phase::Request);
    Decision::Answer(Box::new(Answer { bytes, status, failure, persists, backend: backend.cloned() }))
}

/// The first `use_backend` that applies; one that names no backend is passed over.
pub(super) fn choose(
    world: &mut World<'_>,
    section: &Section,
    frontend: &LocalFrontend,
    state: &mut RuleState,
    body: &[u8],
) -> Option<Rc<LocalBackend>> {
    if section.choices.is_empty() {
        return None;
    }
    world.facts.look(state);
    let is_http = section.request.stage == Stage::HttpRequest && !state.received.is_empty();
    let stage = if is_http { Stage::HttpRequest } else { Stage::TcpRequest };
    let transaction = world.transaction(stage, state, body, is_http);
    for choice in &section.choices {
        let is_it = choice.condition.as_ref().is_none_or(|condition| condition.outcome(&transaction) == Outcome::Match);
        if !is_it {
            continue;
        }
        match &choice.target {
            Target::Named(name) => return frontend.others.backend(name).cloned(),
            Target::Computed(format) => {
                let mut name = Vec::new();
                format.render(&transaction, &mut name);
                // As in HAProxy, a name that no backend has leaves the choice to `default_backend`.
                return std::str::from_utf8(&name).ok().and_then(|name| frontend.others.backend(name)).cloned();
            }
        }
    }
    None
}

/// Writes the head anew with what rules changed. `false` if the method came to be one whose response has another form.
fn rewrite(
    session: &Session,
    frontend: &LocalFrontend,
    request: &mut Request,
    state: &mut RuleState,
    body: &[u8],
) -> bool {
    let RuleState { received, head, edits, .. } = state;
    let edit = request_edit(head, received, session, frontend);
    let message = Message { bytes: received, head, edits };
    let is_special = |method: &[u8]| method == b"HEAD" || method == b"CONNECT";
    if message.method() != message.received_method()
        && (is_special(message.method()) || is_special(message.received_method()))
    {
        return false;
    }
    let mut held = session.worker.buffers.chunk();
    write_edited_request(held.storage(), &message, edit);
    if message.method() != message.received_method() {
        let mut parsed = session.worker.buffers.head.borrow_mut();
        let is_whole = matches!(parse_request(held.all(), &mut parsed), Ok(Parsed::Complete));
        if !is_whole || refusal_of_body(&parsed, held.all()).is_some() {
            return false;
        }
        request.method = parsed.method;
    }
    held.push(body);
    request.held = held;
    true
}
