//! Addresses on their way to another node: the workers finish what is under way, requests for new connections wait, and
//! go to the new owner when the addresses are away.

use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::sys::new_connections::Requests;
use crate::time::Instant;

/// What the clients need to hear the new owner's announcement. Their answers to it would come here before.
const ANNOUNCED: Duration = Duration::from_millis(3);

/// One instance's addresses.
#[derive(Debug)]
pub(super) struct Finishing {
    /// Instance number.
    pub(super) instance: usize,
    unfinished: mpsc::Receiver<Infallible>,
    waiting: Vec<Requests>,
    /// When the waiting requests are sent on; `None` while the addresses are here.
    sent_on_at: Option<Instant>,
}

/// Every instance's.
#[derive(Debug, Default)]
pub(super) struct AllFinishing(Vec<Finishing>);

impl AllFinishing {
    /// Begins. `addresses` come with the number of the interface that they are on. Who drops the sender has finished.
    pub(super) fn begin(&mut self, instance: usize, addresses: &[(IpAddr, u32)]) -> mpsc::Sender<Infallible> {
        let (sender, unfinished) = mpsc::channel(1);
        let waiting = addresses.iter().filter_map(|(address, interface)| match Requests::to(*address, *interface) {
            Ok(requests) => Some(requests),
            Err(error) => {
                tracing::warn!(%address, %error, "clients that connect during the hand-over have to ask again");
                None
            }
        });
        self.0.push(Finishing { instance, unfinished, waiting: waiting.collect(), sent_on_at: None });
        sender
    }

    /// Ready when somebody has finished, once for each change.
    pub(super) fn poll_finished(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let here = self.0.iter_mut().filter(|finishing| finishing.sent_on_at.is_none());
        // Everybody has to be asked, so that each of them wakes this task.
        let finished = here.filter_map(|finishing| match finishing.unfinished.poll_recv(context) {
            Poll::Ready(_) => Some(()),
            Poll::Pending => None,
        });
        if finished.count() > 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    /// An instance that has nothing under way any more and whose addresses are still here.
    pub(super) fn finished(&mut self) -> Option<usize> {
        let is_finished = |finishing: &Finishing| finishing.sent_on_at.is_none() && finishing.unfinished.is_closed();
        self.0.iter().find(|finishing| is_finished(finishing)).map(|finishing| finishing.instance)
    }

    /// The addresses of an instance leave now; true if what was under way on them had been asked to finish.
    pub(super) fn leave(&mut self, now: Instant, instance: usize) -> bool {
        let here = |finishing: &&mut Finishing| finishing.instance == instance && finishing.sent_on_at.is_none();
        let finishing = self.0.iter_mut().find(here);
        finishing.map(|finishing| finishing.sent_on_at = Some(now + ANNOUNCED)).is_some()
    }

    /// Sends on what is due.
    pub(super) fn send_on(&mut self, now: Instant) {
        let is_due = |finishing: &mut Finishing| finishing.sent_on_at.is_some_and(|at| at <= now);
        for requests in self.0.extract_if(.., is_due).flat_map(|finishing| finishing.waiting) {
            match requests.send_on() {
                Ok(0) => {}
                Ok(count) => tracing::debug!(count, "new connections were sent on to the new owner"),
                Err(error) => tracing::warn!(%error, "new connections could not be sent on to the new owner"),
            }
        }
    }

    /// When [`AllFinishing::send_on`] has something to do.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().filter_map(|finishing| finishing.sent_on_at).min()
    }
}
