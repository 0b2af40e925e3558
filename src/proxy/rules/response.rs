//! Rules of a response: `http-response` and `http-after-response`, the backend's before the frontend's.

use crate::http::{ConnectionField, Head, Message, write_edited_response, write_response};
use crate::rule::{Data, Progress, RuleSet, Stage, Transaction, Verdict};

use super::super::account;
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::answer::{self, Asked, Manner, sections};
use super::{RuleState, World};

/// What was written in place of a response head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Responded {
    /// The head, as rules left it.
    Forwarded { status: u16 },
    /// A response of ours, whole: the server's is not wanted.
    Answered { status: u16 },
}

/// Writes the head that the client gets. `body` is what came with it.
pub(in crate::proxy) fn respond(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    (bytes, head, body): (&[u8], &Head, &[u8]),
    connection: ConnectionField,
    out: &mut Vec<u8>,
) -> Responded {
    if !frontend.runs_rules && !backend.runs_rules {
        write_response(out, bytes, head, connection);
        return Responded::Forwarded { status: head.status };
    }
    let mut state = session.take_rules(frontend);
    let mut world = World::new(session, frontend, Some(backend));
    let responded = run(&mut world, &mut state, frontend, backend, (bytes, head, body), connection, out);
    session.rules = Some(state);
    responded
}

fn run(
    world: &mut World<'_>,
    state: &mut RuleState,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    (bytes, head, body): (&[u8], &Head, &[u8]),
    connection: ConnectionField,
    out: &mut Vec<u8>,
) -> Responded {
    let mut edits = std::mem::take(&mut state.response_edits);
    edits.clear();
    let mut ended = None;
    'sets: for is_after in [false, true] {
        for section in sections(frontend, Some(backend)).into_iter().flatten() {
            let set = if is_after { &section.after_response } else { &section.response };
            let message = Message { bytes, head, edits: &mut edits };
            let verdict = world.run_on_response(set, state, message, body);
            if !matches!(verdict, Verdict::Continue) {
                account::response_verdict(world.facts.session(), frontend, backend, &verdict);
                let message = Message { bytes, head, edits: &mut edits };
                let manner = Manner { is_head: false, persists: None };
                let transaction = world.response_transaction(Stage::HttpResponse, state, message, body);
                let asked = Asked { frontend, backend: Some(backend) };
                let written = answer::write(&verdict, asked, &transaction, manner, out);
                ended = Some(written.map_or(502, |(status, _)| status));
                break 'sets;
            }
        }
    }
    let responded = match ended {
        Some(status) => {
            answer::edit(world, state, frontend, Some(backend), out);
            Responded::Answered { status }
        }
        None => {
            let message = Message { bytes, head, edits: &mut edits };
            let status = message.status();
            write_edited_response(out, &message, connection);
            Responded::Forwarded { status }
        }
    };
    state.response_edits = edits;
    responded
}

impl World<'_> {
    /// Runs a set over a response.
    pub(super) fn run_on_response<'r>(
        &mut self,
        set: &'r RuleSet,
        state: &mut RuleState,
        response: Message<'_>,
        body: &[u8],
    ) -> Verdict<'r> {
        if set.rules.is_empty() {
            return Verdict::Continue;
        }
        self.facts.look(state);
        let mut progress = Progress::default();
        let mut transaction = self.response_transaction(set.stage, state, response, body);
        match set.run(&mut transaction, &mut progress) {
            // Whatever waits was refused at load, and all data is said to be there.
            Verdict::Wait(_) => Verdict::Failed { status: 502 },
            verdict => verdict,
        }
    }

    fn response_transaction<'t>(
        &'t self,
        stage: Stage,
        state: &'t mut RuleState,
        response: Message<'t>,
        body: &'t [u8],
    ) -> Transaction<'t> {
        let is_known = !state.received.is_empty();
        let data = Data { bytes: body, is_final: true, announced: None };
        let transaction = self.transaction(stage, state, &[], is_known);
        Transaction { response: Some(response), response_data: data, ..transaction }
    }
}
