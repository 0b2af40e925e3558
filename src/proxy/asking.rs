//! Names that rules ask for (`do-resolve`): the question goes to vg-ctl, and the stream waits for the address.

use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::oneshot;

use crate::state::naming::Question;
use crate::time::Instant;

use super::failure::{By, Cause, Failure, Phase};
use super::local::LocalFrontend;
use super::session::{Interrupt, Session};

/// Asks what a rule left to be asked, and gives its variable the address that the name has, if it has one; `until` is when
/// nobody waits any longer. An error ends the stream: the client broke its connection, or may no longer have it.
pub(super) async fn ask(
    session: &mut Session,
    frontend: &LocalFrontend,
    until: Option<Instant>,
) -> Result<(), Failure> {
    let Some(asked) = session.rules.as_mut().and_then(|rules| rules.take_asked()) else { return Ok(()) };
    let (sender, receiver) = oneshot::channel();
    let question = Question {
        section: asked.section,
        name: asked.name,
        preference: asked.preference,
        generation: frontend.others.generation.number,
        // Whoever asked may be gone.
        answer: Box::new(move |address| {
            let _ = sender.send(address);
        }),
    };
    // So many questions wait already that this one has no address: name servers would be as late.
    let is_sent = session.worker.questions.try_send(question).is_ok();
    let address = if is_sent { wait(session, receiver, until).await? } else { None };
    if let (Some(address), Some(rules)) = (address, &mut session.rules) {
        rules.learn(&asked.variable, address);
    }
    Ok(())
}

async fn wait(
    session: &mut Session,
    mut answer: oneshot::Receiver<Option<IpAddr>>,
    until: Option<Instant>,
) -> Result<Option<IpAddr>, Failure> {
    // Name servers have their own limits of time.
    session.set_deadline(until.unwrap_or(Instant::FAR_FUTURE));
    poll_fn(|context| {
        let fail = |by| Poll::Ready(Err(Failure::new(by, Cause::Abort, Phase::Request)));
        match session.interrupt(context, session.now()) {
            Some(Interrupt::Killed) => return fail(By::Killed),
            Some(Interrupt::Expired) => return Poll::Ready(Ok(None)),
            None => {}
        }
        if let Poll::Ready(answer) = Pin::new(&mut answer).poll(context) {
            return Poll::Ready(Ok(answer.ok().flatten()));
        }
        if session.client.poll_broken(context).is_ready() {
            return fail(By::Client);
        }
        Poll::Pending
    })
    .await
}
