//! A transaction for tests: the request and the surroundings under which the recorded values of HAProxy 2.6 were taken.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::http::{self, Edits, Head, Message};

use crate::model::stick::{self, DataType};
use crate::stick::Tables;

use super::facts::{Address, Facts, Measured, Number, Words, Zone};
use super::pattern::Registry;
use super::scope::{Files, Scope, Slots};
use super::stage::{Side, Stage};
use super::transaction::{Captures, Data, Effects, Transaction};
use super::userlist::{Password, User, Userlist};
use super::variable::Variables;

pub(super) const REQUEST: &[u8] = b"GET /a/b/c.html?x=1&y=two;z=3 HTTP/1.1\r\nHost: www.Example.com:8080\r\n\
    Accept: text/html, */*\r\nX-Multi: one, two\r\nX-Multi: three\r\nCookie: sid=abc; lang=en; sid=def\r\n\
    Accept-Language: da, en-gb;q=0.8, fr;q=0.9\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nUser-Agent: ua \"q\"\r\n\
    Authorization: Basic YTpi\r\nContent-Length: 11\r\n\r\n";

pub(super) const RESPONSE: &[u8] = b"HTTP/1.1 301 Gone Away\r\nServer: x\r\nSet-Cookie: s=1; path=/\r\n\
    Set-Cookie: t=2; expires=Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Count: 7\r\n\r\n";

pub(super) struct Surroundings;

impl Facts for Surroundings {
    fn number(&self, question: Number, name: Option<&str>) -> Option<i64> {
        Some(match (question, name) {
            (Number::UsableServers, Some("be")) => 1,
            (Number::UsableServers, Some("down")) => 0,
            (Number::BackendQueue, _) => 3,
            (Number::ServerIsUp, Some("be/s1")) => 1,
            (Number::ProcessId, _) => 4711,
            (Number::ListenerConnections | Number::FrontendSessions | Number::ProcessSessions, _) => 1,
            (Number::AcceptDate | Number::RequestDate, _) => 1_000_000_000_655_000,
            (Number::Status, _) => 200,
            (Number::IsFirstRequest, _) => 1,
            (Number::ActiveTime | Number::TotalTime, _) => 109,
            (Number::WaitTime, _) => 0,
            (Number::RequestTime, _) => 10,
            (Number::ConnectTime, _) => 30,
            (Number::ResponseTime, _) => 69,
            (Number::BytesToClient, _) => 2750,
            (Number::ServerConnections | Number::BackendSessions, _) => 1,
            (Number::ConnectRetries | Number::QueuedBeforeInServer | Number::QueuedBeforeInBackend, _) => 0,
            _ => return None,
        })
    }

    fn words(&self, question: Words) -> Option<&[u8]> {
        Some(match question {
            Words::Hostname => b"lb1",
            Words::Frontend => b"fe",
            Words::Backend => b"be",
            Words::Server => b"s1",
            Words::TerminationState => b"--NI",
            _ => return None,
        })
    }

    fn address(&self, question: Address) -> Option<SocketAddr> {
        let text = match question {
            Address::Source | Address::ClientPeer => "127.0.0.1:33317",
            Address::Destination | Address::ClientLocal => "127.0.0.2:80",
            _ => return None,
        };
        text.parse().ok()
    }

    fn proxy_header_value(&self, kind: u8) -> Option<&[u8]> {
        (kind == 0xea).then_some(b"tlv")
    }

    fn measured(&self, question: Measured) -> Option<i64> {
        Some(match question {
            Measured::RoundTrip => 1600,
            Measured::RoundTripVariance => 400,
            Measured::Unacknowledged => 3,
            _ => return None,
        })
    }

    fn environment(&self, name: &str) -> Option<&[u8]> {
        (name == "HOME").then_some(b"/root")
    }

    fn now(&self) -> crate::time::Instant {
        crate::time::Instant::from_nanos(1_000_000_000_000)
    }

    fn wall_clock(&self) -> Duration {
        Duration::from_micros(1_000_000_000_123_456)
    }

    fn zone(&self, _: i64) -> Zone {
        Zone { offset: 7200, name: "CEST" }
    }

    fn random(&self) -> u32 {
        0x8000_0001
    }
}

impl Files for HashMap<&str, &str> {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.get(name).map(|text| text.as_bytes().to_vec()).ok_or_else(|| "no such file".into())
    }
}

fn table() -> stick::Table {
    use DataType::{BytesOutRate, ConnCnt, Gpc, Gpc0, Gpt0, HttpReqCnt};
    let types = [Gpt0, Gpc0, ConnCnt, HttpReqCnt, Gpc, BytesOutRate];
    let stored =
        |what: DataType| stick::Stored { what, elements: if what.is_array() { 2 } else { 1 }, period: Duration::ZERO };
    stick::Table {
        name: "own".to_owned(),
        key: stick::KeyType::Ip,
        size: 10,
        expire: None,
        nopurge: false,
        server_key: stick::ServerKey::Name,
        stores: types.map(stored).to_vec(),
        write_to: None,
        bytes_factor: 1,
    }
}

/// Everything that a scope and a transaction refer to.
pub(super) struct World {
    pub(super) files: HashMap<&'static str, &'static str>,
    pub(super) registry: Registry,
    pub(super) userlists: HashMap<String, Arc<Userlist>>,
    pub(super) variables: Variables,
    pub(super) captures: Captures,
    pub(super) effects: Effects,
    /// One table, `own`, of the section `own`.
    pub(super) tables: Tables,
    request: Head,
    request_edits: Edits,
    response: Head,
    response_edits: Edits,
    pub(super) body: Data<'static>,
    request_bytes: &'static [u8],
}

impl World {
    pub(super) fn new() -> World {
        World::of(REQUEST)
    }

    pub(super) fn of(request_bytes: &'static [u8]) -> World {
        let (mut request, mut response) = (Head::default(), Head::default());
        http::parse_request(request_bytes, &mut request).unwrap();
        http::parse_response(RESPONSE, &mut response).unwrap();
        let user = User { name: "a".into(), password: Some(Password::Plain("b".into())), groups: vec!["g".into()] };
        let list = Userlist { name: "ul".into(), users: vec![user] };
        let files = HashMap::from([
            ("hosts.map", "www.example.com one\nexample.org two\n"),
            ("nets.map", "127.0.0.0/8 5\n"),
            ("re.map", "^(.*)\\.com$ \\1-com\n"),
            ("/dev/null", ""),
            ("words.lst", "# c\none\n\ntwo\n"),
        ]);
        World {
            files,
            registry: Registry::default(),
            userlists: HashMap::from([("ul".into(), Arc::new(list))]),
            variables: Variables::default(),
            captures: Captures::default(),
            effects: Effects::default(),
            tables: Tables::resolve(&[table()], None),
            request,
            request_edits: Edits::default(),
            response,
            response_edits: Edits::default(),
            body: Data { bytes: b"k=v&k2=w%20", is_final: true, announced: Some(11) },
            request_bytes,
        }
    }

    /// Compiles with `compile` and gives the result to `run` with a transaction at that stage.
    pub(super) fn with<C, R>(
        &mut self,
        stage: Stage,
        compile: impl FnOnce(&mut Scope<'_>) -> C,
        run: impl FnOnce(&C, &mut Transaction<'_>) -> R,
    ) -> R {
        let mut scope = Scope::new(stage, &self.files, &mut self.registry, &self.userlists);
        (scope.tables, scope.home) = (&self.tables, "own");
        scope.side = Side::Frontend;
        scope.slots = Slots { request: vec![64, 8], response: vec![64] };
        let compiled = compile(&mut scope);
        let slots = std::mem::take(&mut scope.slots);
        drop(scope);
        self.captures.declare(&slots);
        let mut transaction = Transaction {
            stage,
            facts: &Surroundings,
            request: Some(Message { bytes: self.request_bytes, head: &self.request, edits: &mut self.request_edits }),
            response: Some(Message { bytes: RESPONSE, head: &self.response, edits: &mut self.response_edits }),
            request_data: self.body,
            response_data: Data { bytes: b"body", is_final: true, announced: None },
            variables: &self.variables,
            captures: &self.captures,
            patterns: &self.registry,
            effects: &mut self.effects,
        };
        run(&compiled, &mut transaction)
    }
}
