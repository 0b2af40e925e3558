//! The table: what stick tables know about a value.

use super::super::argument::Spec::{self, Int, Table};
use super::super::sample::Kind;
use super::table::{clear, increment, is_in, kibibytes, number, time, trackers};
use super::{Row, row};
use crate::model::stick::DataType as T;

const TABLE: (&[Spec], usize) = (&[Table], 1);
const ELEMENT: (&[Spec], usize) = (&[Int, Table], 2);
const DEFAULT: (&[Spec], usize) = (&[Table, Int], 1);

/// A value that is kept.
const fn kept(name: &'static str, arguments: (&'static [Spec], usize), run: super::Function, doc: &'static str) -> Row {
    row(name, arguments, Kind::Any, Kind::Int, run, doc)
}

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("in_table", TABLE, Kind::Any, Kind::Bool, is_in, "whether the value is a key of the table"),
    kept("table_bytes_in_rate", TABLE, number::<{ T::BytesInRate as usize }>, "bytes from clients in the period"),
    kept("table_bytes_out_rate", TABLE, number::<{ T::BytesOutRate as usize }>, "bytes to clients in the period"),
    kept("table_clr_gpc", ELEMENT, clear::<{ T::Gpc as usize }>, "a general counter, which is cleared"),
    kept("table_clr_gpc0", TABLE, clear::<{ T::Gpc0 as usize }>, "the first general counter, which is cleared"),
    kept("table_clr_gpc1", TABLE, clear::<{ T::Gpc1 as usize }>, "the second general counter, which is cleared"),
    kept("table_conn_cnt", TABLE, number::<{ T::ConnCnt as usize }>, "connections"),
    kept("table_conn_cur", TABLE, number::<{ T::ConnCur as usize }>, "connections now"),
    kept("table_conn_rate", TABLE, number::<{ T::ConnRate as usize }>, "connections in the period"),
    kept("table_expire", DEFAULT, time::<true>, "milliseconds that the entry has left"),
    kept("table_glitch_cnt", TABLE, number::<{ T::GlitchCnt as usize }>, "glitches"),
    kept("table_glitch_rate", TABLE, number::<{ T::GlitchRate as usize }>, "glitches in the period"),
    kept("table_gpc", ELEMENT, number::<{ T::Gpc as usize }>, "a general counter"),
    kept("table_gpc0", TABLE, number::<{ T::Gpc0 as usize }>, "the first general counter"),
    kept("table_gpc0_rate", TABLE, number::<{ T::Gpc0Rate as usize }>, "steps of the first general counter in the period"),
    kept("table_gpc1", TABLE, number::<{ T::Gpc1 as usize }>, "the second general counter"),
    kept("table_gpc1_rate", TABLE, number::<{ T::Gpc1Rate as usize }>, "steps of the second general counter in the period"),
    kept("table_gpc_rate", ELEMENT, number::<{ T::GpcRate as usize }>, "steps of a general counter in the period"),
    kept("table_gpt", ELEMENT, number::<{ T::Gpt as usize }>, "a general tag"),
    kept("table_gpt0", TABLE, number::<{ T::Gpt0 as usize }>, "the first general tag"),
    kept("table_http_err_cnt", TABLE, number::<{ T::HttpErrCnt as usize }>, "requests that clients are to blame for"),
    kept("table_http_err_rate", TABLE, number::<{ T::HttpErrRate as usize }>, "the same in the period"),
    kept("table_http_fail_cnt", TABLE, number::<{ T::HttpFailCnt as usize }>, "requests that servers are to blame for"),
    kept("table_http_fail_rate", TABLE, number::<{ T::HttpFailRate as usize }>, "the same in the period"),
    kept("table_http_req_cnt", TABLE, number::<{ T::HttpReqCnt as usize }>, "requests"),
    kept("table_http_req_rate", TABLE, number::<{ T::HttpReqRate as usize }>, "requests in the period"),
    kept("table_idle", DEFAULT, time::<false>, "milliseconds since the entry was last used"),
    kept("table_inc_gpc", ELEMENT, increment::<{ T::Gpc as usize }, { T::GpcRate as usize }>, "a general counter after one step"),
    kept("table_inc_gpc0", TABLE, increment::<{ T::Gpc0 as usize }, { T::Gpc0Rate as usize }>, "the first general counter after one step"),
    kept("table_inc_gpc1", TABLE, increment::<{ T::Gpc1 as usize }, { T::Gpc1Rate as usize }>, "the second general counter after one step"),
    kept("table_kbytes_in", TABLE, kibibytes::<{ T::BytesInCnt as usize }>, "KiB from clients"),
    kept("table_kbytes_out", TABLE, kibibytes::<{ T::BytesOutCnt as usize }>, "KiB to clients"),
    kept("table_server_id", TABLE, number::<{ T::ServerId as usize }>, "number of the server that is remembered"),
    kept("table_sess_cnt", TABLE, number::<{ T::SessCnt as usize }>, "accepted sessions"),
    kept("table_sess_rate", TABLE, number::<{ T::SessRate as usize }>, "accepted sessions in the period"),
    kept("table_trackers", TABLE, trackers, "how many track the key now"),
];
