//! Changes of request targets.

use crate::http::Message;

use super::super::fetch::path_start;
use super::Part;

/// Where a part of a target is: from, to. `None` where there is no path.
pub(super) fn find(target: &[u8], part: Part) -> Option<(usize, usize)> {
    let end = target.len();
    let mark = target.iter().position(|byte| *byte == b'?').unwrap_or(end);
    match part {
        Part::Whole => Some((0, end)),
        Part::Path => path_start(target).map(|start| (start, mark.max(start))),
        Part::PathAndQuery => path_start(target).map(|start| (start, end)),
        Part::Query => Some(((mark + 1).min(end), end)),
    }
}

/// Writes a value in place of a part. `false` if the result is no request target.
pub(super) fn set(message: &mut Message<'_>, part: Part, value: &[u8], scratch: &mut Vec<u8>) -> bool {
    let target = message.target();
    let Some((start, end)) = find(target, part) else { return false };
    scratch.clear();
    scratch.extend_from_slice(&target[..start]);
    if part == Part::Query {
        // The question mark goes with the query.
        if scratch.last() == Some(&b'?') {
            scratch.pop();
        }
        if !value.is_empty() && value.first() != Some(&b'?') {
            scratch.push(b'?');
        }
    }
    scratch.extend_from_slice(value);
    scratch.extend_from_slice(&target[end..]);
    message.set_target(scratch)
}
