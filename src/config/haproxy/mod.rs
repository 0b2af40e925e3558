//! HAProxy's configuration language, read as it is.
//!
//! Lines become words ([`lex`]), conditional blocks are carried out and lines put under their sections ([`read`]), every
//! word is held against the keyword table ([`table`]), and what is honoured is lowered into the draft ([`lower`]). Nothing
//! here reads a file or resolves a name: [`HostFacts`] says what variables and host names are. Start with [`table`].

mod environment;
mod lex;
mod dialect;
mod condition;
mod block;
pub mod table;
mod section;
mod read;
mod lower;
mod alert;

use std::collections::BTreeMap;

use crate::diag::{Problems, Source};

use super::draft::{Draft, Start};
use super::{AccountKind, HostFacts};

pub use alert::alert;
pub use dialect::Dialect;

use condition::Facts;
use environment::Environment;
use lower::Context;
pub(super) use lower::value;

/// What HAProxy's `httplog`, `tcplog` and `httpslog` stand for, as log-format strings (manual §8.2).
const FORMATS: [(&str, &str); 3] = [
    (
        "HAPROXY_HTTP_LOG_FMT",
        "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r",
    ),
    (
        "HAPROXY_HTTPS_LOG_FMT",
        "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r \
         %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc",
    ),
    ("HAPROXY_TCP_LOG_FMT", "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"),
];

/// What the files say together. The numbers are those of the sources in the list that diagnostics refer to.
pub fn read(sources: &[(usize, &Source)], host: &HostFacts, problems: &Problems) -> Draft {
    load(sources, host, problems).0
}

/// What the files say of the start, which `vipgate haproxy` carries out.
pub fn start(sources: &[(usize, &Source)], host: &HostFacts) -> Start {
    let dialect = Dialect::of(sources, &host.environment, &Problems::default());
    Start { version: dialect.version(), ..load(sources, host, &Problems::default()).0.start }
}

/// Host names that the files use and that `host` does not know.
pub fn host_names(sources: &[(usize, &Source)], host: &HostFacts) -> Vec<String> {
    load(sources, host, &Problems::default()).1.missing
}

/// Users and groups that the files name.
pub fn accounts(sources: &[(usize, &Source)], host: &HostFacts) -> Vec<(AccountKind, String)> {
    load(sources, host, &Problems::default()).1.accounts
}

/// What the files name and only the machine knows.
struct Named {
    /// Host names that it does not know.
    missing: Vec<String>,
    /// Users and groups.
    accounts: Vec<(AccountKind, String)>,
}

fn load(sources: &[(usize, &Source)], host: &HostFacts, problems: &Problems) -> (Draft, Named) {
    let dialect = Dialect::of(sources, &host.environment, problems);
    let mut environment = self::environment(sources, host, dialect);
    let read = |(number, source): &(usize, &Source)| read::file(source, *number, dialect, &mut environment, problems);
    let sections: Vec<_> = sources.iter().flat_map(read).collect();
    let context = Context::new(problems, host, &environment, dialect);
    let draft = lower::draft(&sections, &context);
    (draft, Named { missing: context.missing(), accounts: context.accounts() })
}

fn environment(sources: &[(usize, &Source)], host: &HostFacts, dialect: Dialect) -> Environment {
    let files = sources.iter().map(|(_, source)| source.name.as_str()).collect::<Vec<_>>().join(";");
    let formats = FORMATS.iter().map(|(name, format)| ((*name).to_owned(), (*format).to_owned()));
    let own = [
        ("HAPROXY_BRANCH".to_owned(), dialect.version().branch()),
        ("HAPROXY_CFGFILES".to_owned(), files),
        ("HAPROXY_LOCALPEER".to_owned(), host.node.clone()),
        ("HAPROXY_VERSION".to_owned(), dialect.version().told()),
    ];
    Environment::new(&host.environment, own.into_iter().chain(formats))
}

/// Whether a condition such as `version_atleast(2.8) && !feature(LUA)` holds.
///
/// # Errors
/// It is no condition; the sentence says why.
pub fn condition(text: &str, variables: &BTreeMap<String, String>) -> Result<bool, String> {
    let dialect = Dialect::of(&[], variables, &Problems::default());
    let environment = Environment::new(variables, []);
    let place = lex::Place { file: "-cc", line: 1, section: "" };
    let words = lex::words(text, 0, 0, &environment, place).map_err(|(error, _)| error.to_string())?;
    let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let facts = Facts { environment: &environment, version: &dialect.version() };
    condition::evaluate(&text, &facts).map_err(|error| error.to_string())
}

/// What `feature()` finds, as HAProxy's `-vv` prints it.
pub fn features() -> Vec<String> {
    condition::FEATURES.iter().map(|name| format!("+{name}")).collect()
}
