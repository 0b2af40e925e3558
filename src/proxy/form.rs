//! A form that changes servers: its orders go to vg-ctl, the browser goes back to the page.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::state::command::ServerOrder;
use crate::stats::action::{Form, is_meant};
use crate::stats::outcome::Outcome;

use super::local::LocalFrontend;
use super::rules::{Decision, SentForm, back_to_page};
use super::session::Session;
use super::stream::Request;

/// Has done what the form asks for, and answers.
pub(super) async fn handle(session: &Session, frontend: &LocalFrontend, request: &Request, sent: SentForm) -> Decision {
    let outcome = match &sent.form {
        Ok(form) => change(session, frontend, form).await,
        Err(outcome) => *outcome,
    };
    back_to_page(session, request, sent, outcome)
}

/// Has servers changed; says what came of it as HAProxy does.
async fn change(session: &Session, frontend: &LocalFrontend, form: &Form) -> Outcome {
    let generation = &frontend.others.generation;
    let is_it = |name: &str| generation.number_of(name).is_some_and(|number| is_meant(&form.backend, name, number));
    let backend = generation.backends.iter().find(|backend| is_it(&backend.model.name));
    // Where nothing is asked for, or of nobody, nothing is wrong.
    if !form.has_action || form.backend.is_empty() || form.servers.is_empty() {
        return Outcome::Nothing;
    }
    let (Some(backend), Some(change)) = (backend, form.action) else { return Outcome::Invalid };
    let (mut total, mut changed) = (0, 0);
    for meant in &form.servers {
        let known = backend.model.servers.iter().zip(&backend.state.servers).zip(1..);
        let named = known.into_iter().find(|((model, _), number)| is_meant(meant, &model.name, *number));
        let concerned = named.is_none_or(|((model, state), _)| change.concerns(model, state));
        total += usize::from(concerned);
        let Some(((_, server), _)) = named.filter(|_| concerned) else { continue };
        let (done, is_done) = oneshot::channel();
        // Nobody waits any more if the session is gone.
        let done = Box::new(move || _ = done.send(()));
        let order = ServerOrder { server: Arc::clone(server), change, whence: "Web interface", done };
        if session.worker.orders.send(order).await.is_ok() && is_done.await.is_ok() {
            changed += 1;
        }
    }
    match (total, changed) {
        (0, _) => Outcome::Nothing,
        (_, 0) => Outcome::Invalid,
        (all, changed) if changed < all => Outcome::Partly,
        _ => Outcome::Done,
    }
}
