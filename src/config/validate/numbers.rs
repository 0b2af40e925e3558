//! Numbers of proxies: what `show stat` calls `iid` (HAProxy manual §4.2, `id`).

use std::collections::{BTreeSet, HashMap};

use crate::diag::{Span, Spanned};
use crate::model::Model;

use super::Context;

/// Gives every frontend and backend its number: the one that is written, or the next free one in the order of the files.
/// A frontend and a backend of one name are one proxy. The first one is 2 where there is a runtime socket, as in HAProxy.
pub(super) fn assign(context: &Context<'_>, model: &mut Model) {
    let frontends = context.draft.frontends.iter().map(|one| (&one.name, one.id));
    let backends = context.draft.backends.iter().map(|one| (&one.name, one.id));
    let mut proxies: HashMap<&str, Proxy> = HashMap::new();
    for (name, id) in frontends.chain(backends) {
        let proxy = proxies.entry(&name.value).or_insert(Proxy { place: name.span, id });
        proxy.id = proxy.id.or(id);
    }
    let mut in_order: Vec<(&str, &Proxy)> = proxies.iter().map(|(name, proxy)| (*name, proxy)).collect();
    in_order.sort_by_key(|(_, proxy)| (proxy.place.source, proxy.place.start));
    let mut taken = BTreeSet::new();
    for (_, proxy) in &in_order {
        let Some(id) = proxy.id else { continue };
        if !taken.insert(id.value) {
            let message = format!("another proxy has the number {}", id.value);
            context.error("E-DUPLICATE", id.span, message, "write different `id`s");
        }
    }
    let mut next = first(model);
    let mut numbers = HashMap::new();
    for (name, proxy) in in_order {
        let written = proxy.id.map(|id| u32::try_from(id.value).unwrap_or(u32::MAX));
        numbers.insert(name, written.unwrap_or_else(|| next_free(&mut next, &taken)));
    }
    let of = |name: &str| numbers.get(name).copied().unwrap_or_default();
    model.frontends.iter_mut().for_each(|one| one.id = of(&one.name));
    model.backends.iter_mut().for_each(|one| one.id = of(&one.name));
}

struct Proxy {
    place: Span,
    id: Option<Spanned<u64>>,
}

/// The first number that is given away.
fn first(model: &Model) -> u64 {
    1 + u64::from(!model.process.runtime.sockets.is_empty())
}

fn next_free(next: &mut u64, taken: &BTreeSet<u64>) -> u32 {
    while taken.contains(next) {
        *next += 1;
    }
    *next += 1;
    u32::try_from(*next - 1).unwrap_or(u32::MAX)
}

/// The proxies of a model that need an `id` in a file that has the frontends first and the backends then.
pub fn unnatural(model: &Model) -> BTreeSet<u32> {
    let mut seen = BTreeSet::new();
    let ids = model.frontends.iter().map(|one| one.id).chain(model.backends.iter().map(|one| one.id));
    let ids: Vec<u32> = ids.filter(|id| seen.insert(*id)).collect();
    let start = u32::try_from(first(model)).unwrap_or(1);
    let is_natural = ids.iter().copied().eq((start..).take(ids.len()));
    if is_natural { BTreeSet::new() } else { seen }
}
