//! What one virtual router says by itself: limits of its version, once for both address families.

use std::time::Duration;

use crate::config::draft::{self, PerNode};
use crate::config::yaml::duration_text;
use crate::diag::Span;
use crate::model::vrrp::Version;

use super::instances::{SECOND, lease};
use super::{Context, count, or};

/// Below it, scheduling noise of a busy machine costs adverts.
const INTERVAL_CAREFUL: Duration = Duration::from_millis(50);
/// Centiseconds; what is shorter was found out of range where it was read.
const INTERVAL_STEP: Duration = Duration::from_millis(10);
/// 12 bits of centiseconds (RFC 9568 §5.2.7).
const INTERVAL_V3_MAX: Duration = Duration::from_millis(40_950);

/// Reports what its version does not allow.
pub fn check(context: &Context<'_>, draft: &draft::Instance) {
    let version = or(&draft.version, Version::V3);
    let has_v4 = draft.addresses.iter().any(|address| address.network.address.is_ipv4());
    if let Some(written) = draft.version
        && written.value == Version::V2
        && !has_v4
        && !draft.addresses.is_empty()
    {
        context.error("E-VERSION", written.span, "version 2 carries no IPv6 addresses", "remove `version`");
    }
    if let Some(interval) = draft.advert_interval {
        self::interval(context, interval.value, interval.span, version, draft);
    }
    if let Some(pass) = &draft.pass {
        if version == Version::V3 {
            let hint = "remove `auth`, or add `version: 2` if the peers need it";
            context.error("E-AUTH", pass.span, "version 3 has no authentication (RFC 9568 §9)", hint);
        }
        if pass.is_empty() || pass.len() > 8 {
            let message = format!("a password has 1-8 bytes, this one has {}", pass.len());
            context.error("E-AUTH", pass.span, message, "keepalived cuts it after 8 bytes: write those");
        }
    }
    if let Some(lease) = draft.lease
        && lease.value.is_some_and(|lease| lease.subsec_nanos() > 0)
    {
        context.error("E-RANGE", lease.span, "the kernel counts a lease in whole seconds", "write whole seconds");
    }
    let shortest = lease(or(&draft.advert_interval, SECOND), count(&draft.down_adverts, 3));
    if let Some(lease) = draft.lease
        && lease.value.is_some_and(|lease| lease < shortest)
    {
        let message = "the addresses of a node that is only late may go before a peer takes over";
        let hint = format!("write at least `{}`", duration_text(shortest));
        context.warning("W-LEASE", lease.span, message, hint);
    }
    let names = || context.draft.nodes.iter().map(|node| node.name.value.as_str());
    if let Some(PerNode::Each(each)) = &draft.interface {
        for (name, _) in each {
            context.find("node", name, name.span, names());
        }
    }
    if let Some(PerNode::Each(each)) = &draft.priority {
        for (name, _) in each {
            context.find("node", name, name.span, names());
        }
    }
}

fn interval(context: &Context<'_>, interval: Duration, span: Span, version: Version, draft: &draft::Instance) {
    let nanos = interval.as_nanos();
    match version {
        Version::V2 if !nanos.is_multiple_of(1_000_000_000) => {
            let message = format!("version 2 counts in whole seconds, not {}", duration_text(interval));
            context.error("E-INTERVAL", span, message, "write `1s`, or use version 3");
        }
        Version::V3 if interval > INTERVAL_V3_MAX => {
            let message = format!("version 3 allows at most 40.95s, not {}", duration_text(interval));
            context.error("E-INTERVAL", span, message, "write `40s` or less");
        }
        Version::V3 if interval >= INTERVAL_STEP && !nanos.is_multiple_of(INTERVAL_STEP.as_nanos()) => {
            let message = format!("version 3 counts in steps of 10ms, which {} is not", duration_text(interval));
            context.error("E-INTERVAL", span, message, "write a multiple of 10ms");
        }
        Version::V3 if interval < INTERVAL_CAREFUL => {
            let message = format!("at {} a busy machine may lose an election by being late", duration_text(interval));
            context.warning("W-INTERVAL", span, message, "100ms takes over within 0.4s and is safe");
        }
        _ => {}
    }
    let has = |is_v4: bool| draft.addresses.iter().any(|address| address.network.address.is_ipv4() == is_v4);
    if version == Version::V2 && has(true) && has(false) && interval > INTERVAL_V3_MAX {
        let message = "the IPv6 half of this router speaks version 3, which allows at most 40.95s";
        context.error("E-INTERVAL", span, message, "write `40s` or less");
    }
}
