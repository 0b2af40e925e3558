//! The table: names that are known and refused, with their reason. Most ask about HAProxy's own
//! insides.

use super::super::sample::Kind;
use super::{Row, refused};

const INSIDE: &str = "it asks about HAProxy's own scheduler or buffers, which vipgate does not have";
const CACHE: &str = "vipgate has no cache";
const H2: &str = "vipgate does not count this of multiplexed connections";
const DEVICE: &str = "it needs a device detection library that is not part of vipgate";
const PROTOCOL: &str = "vipgate does not read the distcc protocol";
const ERROR: &str = "vipgate does not keep what the kernel says of connections to servers";

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    refused("51d.all", Kind::Str, DEVICE, "device properties"),
    refused("bc_err", Kind::Int, ERROR, "the error of a connection"),
    refused("bc_err_name", Kind::Str, ERROR, "the error of a connection"),
    refused("bc_err_str", Kind::Str, ERROR, "the error of a connection"),
    refused("bc_glitches", Kind::Int, H2, "of a multiplexed connection: bc_glitches"),
    refused("bc_nb_streams", Kind::Int, H2, "of a multiplexed connection: bc_nb_streams"),
    refused("bc_settings_streams_limit", Kind::Int, H2, "of a multiplexed connection: bc_settings_streams_limit"),
    refused("bs.aborted", Kind::Bool, H2, "of a multiplexed connection: bs.aborted"),
    refused("bs.debug_str", Kind::Str, INSIDE, "for developers: bs.debug_str"),
    refused("bs.id", Kind::Int, H2, "of a multiplexed connection: bs.id"),
    refused("bs.rst_code", Kind::Int, H2, "of a multiplexed connection: bs.rst_code"),
    refused("cpu_calls", Kind::Int, INSIDE, "for developers: cpu_calls"),
    refused("cpu_ns_avg", Kind::Int, INSIDE, "for developers: cpu_ns_avg"),
    refused("cpu_ns_tot", Kind::Int, INSIDE, "for developers: cpu_ns_tot"),
    refused("cpu_usage_grp", Kind::Int, INSIDE, "for developers: cpu_usage_grp"),
    refused("cpu_usage_proc", Kind::Int, INSIDE, "for developers: cpu_usage_proc"),
    refused("cpu_usage_thr", Kind::Int, INSIDE, "for developers: cpu_usage_thr"),
    refused("distcc_body", Kind::Bin, PROTOCOL, "a token of a distcc message"),
    refused("distcc_param", Kind::Int, PROTOCOL, "a token of a distcc message"),
    refused("fc_glitches", Kind::Int, H2, "of a multiplexed connection: fc_glitches"),
    refused("fc_nb_streams", Kind::Int, H2, "of a multiplexed connection: fc_nb_streams"),
    refused("fc_settings_streams_limit", Kind::Int, H2, "of a multiplexed connection: fc_settings_streams_limit"),
    refused("fs.aborted", Kind::Bool, H2, "of a multiplexed connection: fs.aborted"),
    refused("fs.debug_str", Kind::Str, INSIDE, "for developers: fs.debug_str"),
    refused("fs.id", Kind::Int, H2, "of a multiplexed connection: fs.id"),
    refused("fs.rst_code", Kind::Int, H2, "of a multiplexed connection: fs.rst_code"),
    refused("internal.htx.data", Kind::Int, INSIDE, "for developers: internal.htx.data"),
    refused("internal.htx.free", Kind::Int, INSIDE, "for developers: internal.htx.free"),
    refused("internal.htx.free_data", Kind::Int, INSIDE, "for developers: internal.htx.free_data"),
    refused("internal.htx.has_eom", Kind::Bool, INSIDE, "for developers: internal.htx.has_eom"),
    refused("internal.htx.nbblks", Kind::Int, INSIDE, "for developers: internal.htx.nbblks"),
    refused("internal.htx.size", Kind::Int, INSIDE, "for developers: internal.htx.size"),
    refused("internal.htx.used", Kind::Int, INSIDE, "for developers: internal.htx.used"),
    refused("internal.htx_blk.data", Kind::Bin, INSIDE, "for developers: internal.htx_blk.data"),
    refused("internal.htx_blk.hdrname", Kind::Str, INSIDE, "for developers: internal.htx_blk.hdrname"),
    refused("internal.htx_blk.hdrval", Kind::Str, INSIDE, "for developers: internal.htx_blk.hdrval"),
    refused("internal.htx_blk.size", Kind::Int, INSIDE, "for developers: internal.htx_blk.size"),
    refused("internal.htx_blk.start_line", Kind::Str, INSIDE, "for developers: internal.htx_blk.start_line"),
    refused("internal.htx_blk.type", Kind::Str, INSIDE, "for developers: internal.htx_blk.type"),
    refused("internal.strm.is_htx", Kind::Bool, INSIDE, "for developers: internal.strm.is_htx"),
    refused("lat_ns_avg", Kind::Int, INSIDE, "for developers: lat_ns_avg"),
    refused("lat_ns_tot", Kind::Int, INSIDE, "for developers: lat_ns_tot"),
    refused("res.cache_hit", Kind::Bool, CACHE, "HTTP cache: res.cache_hit"),
    refused("res.cache_name", Kind::Str, CACHE, "HTTP cache: res.cache_name"),
    refused("res.comp_algo", Kind::Str, INSIDE, "the compression in use"),
    refused("term_events", Kind::Str, INSIDE, "for developers: term_events"),
];
