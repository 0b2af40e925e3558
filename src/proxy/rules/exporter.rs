//! `use-service prometheus-exporter`: metrics in answer to a request.

use std::rc::Rc;

use crate::http::path_and_query;
use crate::rule::Verdict;
use crate::stats::render::prometheus::{self, Table};

use super::answer::{self, Manner};
use super::request::{Case, Decision};
use super::statistics::{answered, snapshot};
use super::{RuleState, World};

/// HAProxy's name of the exporter.
const SERVICE: &str = "<PROMEX>";

/// The answer: what the query of the target asks for, or 400 where it asks for something that there is not.
pub(super) fn answer(world: &mut World<'_>, case: Case<'_>, state: &mut RuleState) -> Decision {
    let Case { frontend, backend, request, .. } = case;
    let session = world.facts.session();
    let asked = {
        let target = path_and_query(state.head.target.of(&state.received)).unwrap_or_default();
        let query = memchr::memchr(b'?', target).map_or(&[][..], |mark| &target[mark + 1..]);
        prometheus::Request::read(&String::from_utf8_lossy(query))
    };
    let Some(asked) = asked else {
        let refusal = Verdict::Failed { status: 400 };
        return super::request::answer(world, &refusal, case, state);
    };
    frontend.counters(&session.worker).intercepted.add(1);
    let now = session.now();
    let tables = frontend.others.rules.tables.iter();
    let tables: Vec<Table> = tables
        .map(|table| Table {
            name: table.name.clone(),
            kind: table.key.name(),
            size: table.size(),
            used: table.count(now),
        })
        .collect();
    let text = prometheus::text(&snapshot(session, frontend), &tables, &asked);
    let manner = Manner::of(request, session);
    let mut bytes = session.worker.buffers.chunk();
    let head = "HTTP/1.1 200 OK\r\ncache-control: no-cache\r\ncontent-type: text/plain; version=0.0.4\r\n";
    bytes.push(head.as_bytes());
    bytes.push(format!("content-length: {}\r\n", text.len()).as_bytes());
    let persists = answer::finish(manner, bytes.storage());
    if !manner.is_head {
        bytes.push(text.as_bytes());
    }
    answer::edit(world, state, frontend, backend.map(Rc::as_ref), bytes.storage());
    answered(SERVICE, (bytes, 200, persists), backend.cloned())
}
