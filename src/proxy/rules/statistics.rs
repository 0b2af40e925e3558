//! A request for a statistics page: who may see it, what it gets, and forms that change servers.

use std::rc::Rc;

use crate::generation::Surroundings;
use crate::http::path_and_query;
use crate::rule::statistics::StatsPage;
use crate::rule::{Section, Stage, Verdict};
use crate::stats::action::Form;
use crate::stats::address::{Address, Wanted};
use crate::stats::outcome::Outcome;
use crate::stats::render::html::{self, Page};
use crate::stats::{self, Snapshot};
use crate::sys::clock;

use super::super::account;
use super::super::buffers::Chunk;
use super::super::failure::{By, Cause, Failure, Phase};
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::super::stream::Request;
use super::answer::{self, Manner};
use super::request::{Answer, Case, Decision};
use super::{RuleState, World};

/// HAProxy's name of the page.
const SERVICE: &str = "<STATS>";

/// A form that was sent to a page.
#[derive(Debug)]
pub(in crate::proxy) struct SentForm {
    /// Where the page is.
    uri: String,
    /// What followed that.
    address: Address,
    /// What it asks for, or why that is not done.
    pub(in crate::proxy) form: Result<Form, Outcome>,
    backend: Option<Rc<LocalBackend>>,
}

/// What a request has to do with the page.
#[derive(Debug)]
pub(super) enum Visit {
    /// Nothing.
    Elsewhere,
    /// It is a form, whose end has not come.
    Unfinished,
    /// This becomes of it.
    Answered(Box<Decision>),
}

/// Looks at a request that may be one for the page of the section.
pub(super) fn ask(world: &mut World<'_>, section: &Section, case: Case<'_>, state: &mut RuleState) -> Visit {
    let Case { frontend, backend, request, body } = case;
    let Some(page) = section.statistics.as_deref() else { return Visit::Elsewhere };
    let Some(target) = path_and_query(state.head.target.of(&state.received)) else { return Visit::Elsewhere };
    let method = state.head.line.of(&state.received).split(|&byte| byte == b' ').next();
    if !page.is_at(target) || !matches!(method, Some(b"GET" | b"HEAD" | b"POST")) {
        return Visit::Elsewhere;
    }
    let is_form = method == Some(b"POST");
    let uri = String::from_utf8_lossy(&page.uri).into_owned();
    let address = Address::read(&String::from_utf8_lossy(target.get(page.uri.len()..).unwrap_or_default()));
    world.facts.look(state);
    let (verdict, may_change) = {
        let mut transaction = world.transaction(Stage::HttpRequest, state, body.bytes, true);
        (page.admit(&mut transaction), page.may_change(&transaction))
    };
    if !matches!(verdict, Verdict::Continue) {
        account::verdict(world.facts.session(), frontend, backend.map(Rc::as_ref), &verdict);
        let refused = super::request::answer(world, &verdict, case, state);
        return Visit::Answered(Box::new(refused));
    }
    let form = match body.is_final {
        _ if !may_change => Err(Outcome::Denied),
        true => Ok(Form::read(body.bytes)),
        false if request.held.len() >= frontend.max_head => Err(Outcome::TooLong),
        false if is_form => return Visit::Unfinished,
        false => Err(Outcome::Invalid),
    };
    let session = world.facts.session();
    frontend.counters(&session.worker).intercepted.add(1);
    if is_form {
        return Visit::Answered(Box::new(Decision::Form(Box::new(SentForm {
            uri,
            address,
            form,
            backend: backend.cloned(),
        }))));
    }
    let own = backend.map_or(&frontend.running.model.name, |backend| &backend.running.model.name);
    let manner = Manner::of(request, session);
    let mut bytes = session.worker.buffers.chunk();
    let asked = AskedPage { uri: &uri, address, may_change, own };
    let persists = asked.write(page, &snapshot(session, frontend), manner, bytes.storage());
    answer::edit(world, state, frontend, backend.map(Rc::as_ref), bytes.storage());
    Visit::Answered(Box::new(answered(SERVICE, (bytes, 200, persists), backend.cloned())))
}

/// The answer of a service of ours, which the log names in place of a server.
pub(super) fn answered(
    service: &'static str,
    (bytes, status, persists): (Chunk, u16, bool),
    backend: Option<Rc<LocalBackend>>,
) -> Decision {
    let failure = Failure::new(By::Local, Cause::Abort, Phase::Request);
    let service = Some(service);
    Decision::Answer(Box::new(Answer { bytes, status, failure, persists, backend, delay: None, service }))
}

pub(super) fn snapshot(session: &Session, frontend: &LocalFrontend) -> Snapshot {
    let worker = &session.worker;
    let around = Surroundings {
        now: session.now(),
        facts: &worker.facts,
        sessions: &worker.process,
        used: clock::used(),
        idle: &*worker.shared_pools,
    };
    frontend.others.generation.snapshot(&around)
}

struct AskedPage<'a> {
    uri: &'a str,
    address: Address,
    may_change: bool,
    /// Name of the proxy that has the page.
    own: &'a str,
}

impl AskedPage<'_> {
    /// Writes the whole response; says whether the connection persists.
    fn write(self, page: &StatsPage, snapshot: &Snapshot, manner: Manner, out: &mut Vec<u8>) -> bool {
        let named = |name: &String| if name == "." { self.own.to_owned() } else { name.clone() };
        let scope: Vec<String> = page.scope.iter().map(named).collect();
        let process = &snapshot.process;
        let refresh = page.refresh.filter(|_| !self.address.stays);
        let (kind, body) = match self.address.wanted {
            Wanted::Schema => ("application/json", stats::show_schema()),
            Wanted::Rows(form) => {
                let request = self.address.request(&scope, page.shows_legends);
                let kind = if form == stats::Form::Json { "application/json" } else { "text/plain" };
                // No proxy is named, so none is missing.
                (kind, stats::show_stat(snapshot, &request).unwrap_or_default())
            }
            Wanted::Page => {
                let page = Page {
                    uri: self.uri,
                    address: self.address,
                    refreshes: page.refresh.is_some(),
                    hides_version: page.hides_version,
                    shows_legends: page.shows_legends,
                    node: page.node.clone().map(|node| node.unwrap_or_else(|| process.node.clone())),
                    description: page.description.clone().and_then(|text| text.or_else(|| process.description.clone())),
                    scope,
                    may_change: self.may_change,
                };
                ("text/html", html::page(snapshot, &page))
            }
        };
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\ncache-control: no-cache\r\n");
        out.extend_from_slice(format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len()).as_bytes());
        if let Some(refresh) = refresh {
            out.extend_from_slice(format!("refresh: {}\r\n", refresh.as_secs()).as_bytes());
        }
        let persists = answer::finish(manner, out);
        if !manner.is_head {
            out.extend_from_slice(body.as_bytes());
        }
        persists
    }
}

/// The answer to a form: back to the page, which says what came of it.
pub(in crate::proxy) fn back_to_page(
    session: &Session,
    request: &Request,
    form: SentForm,
    outcome: Outcome,
) -> Decision {
    let address = Address { outcome: Some(outcome), ..form.address };
    let mut bytes = session.worker.buffers.chunk();
    let head = "HTTP/1.1 303 See Other\r\ncache-control: no-cache\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n";
    bytes.push(head.as_bytes());
    bytes.push(format!("location: {}{}\r\n", form.uri, address.suffix()).as_bytes());
    let persists = answer::finish(Manner::of(request, session), bytes.storage());
    answered(SERVICE, (bytes, 303, persists), form.backend)
}
