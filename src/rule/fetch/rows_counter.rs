//! The table: stick tables (HAProxy manual §7.3.3, `sc_` and `src_`). A row of [`ROWS`] for each prefix of a name.

use super::super::argument::Spec::{self, Int, Table};
use super::super::sample::Kind;
use super::super::stage::Needs;
use super::counter::{Counter, Deed, Whose, count};
use super::{Row, Run, row};
use crate::model::stick::DataType;

const TABLE: (&[Spec], usize) = (&[Table], 0);
const NUMBER: (&[Spec], usize) = (&[Int, Table], 1);
const ELEMENT: (&[Spec], usize) = (&[Int, Table], 2);
const ELEMENT_AND_NUMBER: (&[Spec], usize) = (&[Int, Int, Table], 2);

const fn of(
    name: &'static str,
    arguments: (&'static [Spec], usize),
    whose: Whose,
    deed: Deed,
    doc: &'static str,
) -> Row {
    let output = match deed {
        Deed::IsTracked => Kind::Bool,
        Deed::Key => Kind::Any,
        _ => Kind::Int,
    };
    let needs = match whose {
        Whose::Source => Needs::Client,
        _ => Needs::Internal,
    };
    row(name, arguments, output, needs, Run::Counter(Counter { whose, deed }), doc)
}

/// `sc_`, `sc0_` to `sc2_` and `src_` of each name; `of_counters` without the last; `arrays` with an element first.
macro_rules! rows {
    (all: $($name:literal $deed:expr, $doc:literal;)* of_counters: $($own:literal $own_deed:expr, $own_doc:literal;)*
     arrays: $($array:literal $array_deed:expr, $array_doc:literal;)*) => {
        &[
            $(
                of(concat!("sc_", $name), NUMBER, Whose::Named, $deed, concat!("of a counter's entry: ", $doc)),
                of(concat!("sc0_", $name), TABLE, Whose::Counter(0), $deed, concat!("of counter 0's entry: ", $doc)),
                of(concat!("sc1_", $name), TABLE, Whose::Counter(1), $deed, concat!("of counter 1's entry: ", $doc)),
                of(concat!("sc2_", $name), TABLE, Whose::Counter(2), $deed, concat!("of counter 2's entry: ", $doc)),
                of(concat!("src_", $name), TABLE, Whose::Source, $deed, concat!("of the client's address: ", $doc)),
            )*
            $(
                of(concat!("sc_", $own), NUMBER, Whose::Named, $own_deed, $own_doc),
                of(concat!("sc0_", $own), TABLE, Whose::Counter(0), $own_deed, $own_doc),
                of(concat!("sc1_", $own), TABLE, Whose::Counter(1), $own_deed, $own_doc),
                of(concat!("sc2_", $own), TABLE, Whose::Counter(2), $own_deed, $own_doc),
            )*
            $(
                of(concat!("sc_", $array), ELEMENT_AND_NUMBER, Whose::Named, $array_deed, concat!("of a counter's entry: ", $array_doc)),
                of(concat!("src_", $array), ELEMENT, Whose::Source, $array_deed, concat!("of the client's address: ", $array_doc)),
            )*
            of("src_updt_conn_cnt", TABLE, Whose::Source, Deed::Increment(DataType::ConnCnt, DataType::ConnCnt), "one more connection of the client's address; how many"),
            row("table_avl", TABLE, Kind::Int, Needs::Internal, Run::Function(count::<true>), "entries that a table can still take"),
            row("table_cnt", TABLE, Kind::Int, Needs::Internal, Run::Function(count::<false>), "entries of a table now"),
        ]
    };
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = rows! {
    all:
    "bytes_in_rate" Deed::Read(DataType::BytesInRate), "bytes from clients in the period";
    "bytes_out_rate" Deed::Read(DataType::BytesOutRate), "bytes to clients in the period";
    "clr_gpc0" Deed::Clear(DataType::Gpc0), "the first general counter, which is cleared";
    "clr_gpc1" Deed::Clear(DataType::Gpc1), "the second general counter, which is cleared";
    "conn_cnt" Deed::Read(DataType::ConnCnt), "connections";
    "conn_cur" Deed::Read(DataType::ConnCur), "connections now";
    "conn_rate" Deed::Read(DataType::ConnRate), "connections in the period";
    "get_gpc0" Deed::Read(DataType::Gpc0), "the first general counter";
    "get_gpc1" Deed::Read(DataType::Gpc1), "the second general counter";
    "get_gpt0" Deed::Read(DataType::Gpt0), "the first general tag";
    "glitch_cnt" Deed::Read(DataType::GlitchCnt), "glitches of HTTP/2 and HTTP/3, which are not spoken yet";
    "glitch_rate" Deed::Read(DataType::GlitchRate), "glitches in the period";
    "gpc0_rate" Deed::Read(DataType::Gpc0Rate), "steps of the first general counter in the period";
    "gpc1_rate" Deed::Read(DataType::Gpc1Rate), "steps of the second general counter in the period";
    "http_err_cnt" Deed::Read(DataType::HttpErrCnt), "requests that clients are to blame for";
    "http_err_rate" Deed::Read(DataType::HttpErrRate), "the same in the period";
    "http_fail_cnt" Deed::Read(DataType::HttpFailCnt), "requests that servers are to blame for";
    "http_fail_rate" Deed::Read(DataType::HttpFailRate), "the same in the period";
    "http_req_cnt" Deed::Read(DataType::HttpReqCnt), "requests";
    "http_req_rate" Deed::Read(DataType::HttpReqRate), "requests in the period";
    "inc_gpc0" Deed::Increment(DataType::Gpc0, DataType::Gpc0Rate), "the first general counter after one step";
    "inc_gpc1" Deed::Increment(DataType::Gpc1, DataType::Gpc1Rate), "the second general counter after one step";
    "kbytes_in" Deed::Kibibytes(DataType::BytesInCnt), "KiB from clients";
    "kbytes_out" Deed::Kibibytes(DataType::BytesOutCnt), "KiB to clients";
    "sess_cnt" Deed::Read(DataType::SessCnt), "accepted sessions";
    "sess_rate" Deed::Read(DataType::SessRate), "accepted sessions in the period";
    of_counters:
    "key" Deed::Key, "the key that is tracked";
    "tracked" Deed::IsTracked, "whether something is tracked";
    "trackers" Deed::Trackers, "how many track the same key now";
    arrays:
    "clr_gpc" Deed::Clear(DataType::Gpc), "a general counter, which is cleared";
    "get_gpc" Deed::Read(DataType::Gpc), "a general counter";
    "get_gpt" Deed::Read(DataType::Gpt), "a general tag";
    "gpc_rate" Deed::Read(DataType::GpcRate), "steps of a general counter in the period";
    "inc_gpc" Deed::Increment(DataType::Gpc, DataType::GpcRate), "a general counter after one step";
};
