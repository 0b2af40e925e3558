//! Sample fetches: where the values of rules come from (HAProxy manual §7.3.2-7.3.7).
//!
//! Decides what each name returns at which stage; looks at nothing but the [`Transaction`]. The tables ([`rows`]) come
//! first: a row is a name with its arguments, type, place, support and documentation, and `explain` prints them. What the
//! rows call is below them, a file for each kind of thing looked at.

mod rows;
mod rows_http;
mod rows_tls;
mod rows_counter;
mod rows_refused;
mod constant;
mod connection;
mod process;
mod line;
pub(super) mod header;
mod cookie;
mod query;
pub(super) mod auth;
mod buffer;
mod hello;
mod counter;

use super::argument::{Argument, Spec};
use super::error::Support;
use super::facts::{Address, Measured, Number, Words};
use super::sample::{Kind, Sample};
use super::stage::Needs;
use super::transaction::Transaction;

pub(super) use auth::known_user;
pub(super) use cookie::{cookie_in, cookie_set_in};
pub(super) use counter::read as read_counter;
pub use counter::{Counter, Deed, Whose};
pub(super) use line::{path_of, path_start};

/// What a fetch is told beside its arguments, and what it says beside its value.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    /// An ACL asks for each value in turn, not for the one that an expression would get.
    pub iterates: bool,
    /// Which value, 0-, when iterating.
    pub nth: usize,
    /// Set when there may be another value after this one.
    pub has_more: bool,
    /// Set when more data could change the answer.
    pub may_change: bool,
}

/// A fetch that has to look for its value.
pub type Function = for<'t, 'a> fn(&'t Transaction<'a>, &'t [Argument], &mut Cursor) -> Option<Sample<'t>>;

/// How a row gets its value.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// By looking.
    Function(Function),
    /// A number, its first argument being a name.
    Number(Number),
    /// A number that is a boolean.
    Flag(Number),
    /// A text.
    Words(Words),
    /// An address.
    Address(Address),
    /// The port of it.
    Port(Address),
    /// A figure of the client's TCP connection.
    Measured(Measured),
    /// What stick tables know.
    Counter(Counter),
    /// Never: the row is refused.
    Nothing,
}

/// A fetch.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: &'static [Spec],
    /// How many of them have to be there.
    pub needed: usize,
    /// Type of its value.
    pub output: Kind,
    /// What it looks at.
    pub needs: Needs,
    /// How far it is supported.
    pub support: Support,
    /// How it gets its value.
    pub run: Run,
    /// What it returns: a sentence.
    pub doc: &'static str,
}

impl Row {
    /// Its value.
    #[inline]
    pub fn value<'t>(
        &self,
        transaction: &'t Transaction<'_>,
        arguments: &'t [Argument],
        cursor: &mut Cursor,
    ) -> Option<Sample<'t>> {
        let facts = transaction.facts;
        let name = || arguments.first().and_then(Argument::name);
        match self.run {
            Run::Function(function) => function(transaction, arguments, cursor),
            Run::Number(question) => facts.number(question, name()).map(Sample::Int),
            Run::Flag(question) => facts.number(question, name()).map(|value| Sample::Bool(value != 0)),
            Run::Words(question) => facts.words(question).map(Sample::str),
            Run::Address(question) => connection::address(transaction, question),
            Run::Port(question) => connection::port(transaction, question),
            Run::Measured(question) => connection::measured(transaction, question, arguments),
            Run::Counter(counter) => counter.value(transaction, arguments, cursor),
            Run::Nothing => None,
        }
    }
}

/// Every fetch, table after table.
pub fn all() -> impl Iterator<Item = &'static Row> {
    let tables: [&'static [Row]; 5] =
        [rows::ROWS, rows_http::ROWS, rows_tls::ROWS, rows_counter::ROWS, rows_refused::ROWS];
    tables.into_iter().flatten()
}

/// The fetch of that name.
pub fn by_name(name: &str) -> Option<&'static Row> {
    all().find(|row| row.name == name)
}

const fn row(
    name: &'static str,
    (arguments, needed): (&'static [Spec], usize),
    output: Kind,
    needs: Needs,
    run: Run,
    doc: &'static str,
) -> Row {
    Row { name, arguments, needed, output, needs, support: Support::Full, run, doc }
}

const fn refused(name: &'static str, output: Kind, why: &'static str, doc: &'static str) -> Row {
    Row {
        name,
        arguments: &[],
        needed: 0,
        output,
        needs: Needs::Internal,
        support: Support::Refused(why),
        run: Run::Nothing,
        doc,
    }
}
