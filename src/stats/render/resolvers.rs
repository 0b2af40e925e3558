//! `show stat domain resolvers`: a row for each name server.

use std::fmt::Write;

use crate::state::naming::Tally;
use crate::stats::catalog::Described;
use crate::stats::select::{Form, StatRequest};
use crate::stats::snapshot::NameServer;

use super::{json, typed};

/// Names of the server and of its section; what is counted follows them.
const NAMES: [Described; 2] = [
    Described { name: "id", tags: "CGP", doc: "Name of the name server" },
    Described { name: "pid", tags: "CGP", doc: "Name of its section" },
];
/// Tags of what is counted.
const TAGS: &str = "MGP";

/// The answer, without the empty line that ends it.
pub(super) fn rows(servers: &[NameServer], request: &StatRequest) -> String {
    match request.form {
        Form::Plain => table(servers),
        Form::Typed => lines(servers, request.is_described),
        Form::Json => json::name_servers(servers.iter().map(columns)) + "\n",
    }
}

/// What stands in a column.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// A name.
    Text(&'a str),
    /// A counter.
    Count(u64),
}

/// The columns of a row, in their order.
fn columns(server: &NameServer) -> Vec<(Described, Content<'_>)> {
    let names = NAMES.into_iter().zip([server.name.as_str(), server.section.as_str()].map(Content::Text));
    let counts = Tally::ALL.into_iter().map(|(tally, _, name)| {
        (Described { name, tags: TAGS, doc: tally.meaning() }, Content::Count(server.counts[tally as usize]))
    });
    names.chain(counts).collect()
}

// Writing to a String cannot fail, here and below.
fn table(servers: &[NameServer]) -> String {
    let mut out = "# id,pid,".to_owned();
    for (_, _, name) in Tally::ALL {
        let _ = write!(out, "{name},");
    }
    out.push('\n');
    for server in servers {
        for (_, content) in columns(server) {
            let _ = match content {
                Content::Text(text) => write!(out, "{text},"),
                Content::Count(count) => write!(out, "{count},"),
            };
        }
        out.push('\n');
    }
    out
}

fn lines(servers: &[NameServer], is_described: bool) -> String {
    let mut out = String::new();
    for server in servers {
        for (position, (Described { name, tags, doc }, content)) in columns(server).into_iter().enumerate() {
            let _ = match content {
                Content::Text(text) => write!(out, "N.{position}.{name}:{tags}:str:{text}"),
                Content::Count(count) => write!(out, "N.{position}.{name}:{tags}:u64:{count}"),
            };
            typed::end(&mut out, is_described.then_some(doc));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> NameServer {
        let mut counts = [0; Tally::ALL.len()];
        counts[Tally::Sent as usize] = 7;
        NameServer { section: "dns".to_owned(), name: "d1".to_owned(), counts }
    }

    #[test]
    fn a_name_server_has_a_row_in_every_form() {
        let of = |form| rows(&[server()], &StatRequest { form, ..StatRequest::default() });
        assert!(of(Form::Plain).ends_with("outdated,\nd1,dns,7,0,0,0,0,0,0,0,0,0,0,0,0,0,0,\n"), "{}", of(Form::Plain));
        assert!(of(Form::Typed).starts_with("N.0.id:CGP:str:d1\nN.1.pid:CGP:str:dns\nN.2.sent:MGP:u64:7\n"));
        let json = of(Form::Json);
        let expected = r#"[[{"field":{"pos":0,"name":"id"},"tags":{"origin":"Config","nature":"Gauge","scope":"Process"},"value":{"type":"str","value":"d1"}},"#;
        assert!(json.starts_with(expected), "{json}");
    }
}
