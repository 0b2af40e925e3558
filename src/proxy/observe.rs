//! What traffic says of a server's health, where `observe` asks for it (HAProxy manual §5.2).

use std::sync::atomic::Ordering;

use crate::model::check::Layer;
use crate::state::command::Suspect;

use super::backend::Slot;
use super::failure::{By, Cause, Failure, Phase};
use super::local::Worker;

/// Something that happened between a server and a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A connection came about.
    Connected,
    /// None did.
    Refused,
    /// A response came with this status.
    Answered(u16),
    /// None came.
    Failed(Failure),
}

/// What it means.
enum Verdict {
    Good,
    Bad(&'static str),
    Nothing,
}

/// Counts what was seen, and tells vg-check when it was too much.
pub(super) fn note(worker: &Worker, slot: &Slot, seen: Seen) {
    let model = slot.model();
    let Some(observe) = model.care.observe.filter(|_| model.check.is_some()) else { return };
    let server = slot.state();
    let errors = &server.observed_errors;
    match verdict(observe.layer, seen) {
        Verdict::Nothing => {}
        Verdict::Good => {
            // Most of the time it is zero: a look is cheaper than a store that every worker feels.
            if errors.load(Ordering::Relaxed) != 0 {
                errors.store(0, Ordering::Relaxed);
            }
        }
        Verdict::Bad(last) => {
            let count = errors.fetch_add(1, Ordering::Relaxed) + 1;
            let suspect = || Suspect::Observed { server: server.clone(), count, last };
            // Where vg-check has too much to do, the next error tells it again.
            if count >= observe.limit && worker.tell(suspect()) {
                errors.store(0, Ordering::Relaxed);
            }
        }
    }
}

fn verdict(layer: Layer, seen: Seen) -> Verdict {
    match (layer, seen) {
        (_, Seen::Refused) => Verdict::Bad("L4 unsuccessful connection"),
        (Layer::Layer4, Seen::Connected) => Verdict::Good,
        (Layer::Layer4, _) | (Layer::Layer7, Seen::Connected) => Verdict::Nothing,
        // Clients can make a server say 501 and 505.
        (Layer::Layer7, Seen::Answered(100..=499 | 501 | 505)) => Verdict::Good,
        (Layer::Layer7, Seen::Answered(_)) => Verdict::Bad("Wrong http response"),
        (Layer::Layer7, Seen::Failed(failure)) => match (failure.by, failure.at, failure.cause) {
            (By::Proxy, Phase::Headers, _) => Verdict::Bad("Invalid http response (headers)"),
            (By::Server, Phase::Headers, Cause::Timeout) => Verdict::Bad("Read timeout (http)"),
            (By::Server, Phase::Headers, _) => Verdict::Bad("Close from server (http)"),
            _ => Verdict::Nothing,
        },
    }
}
