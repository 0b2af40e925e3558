//! Addresses on their way to another node: the workers finish what is under way, requests for new connections wait, and
//! go to the new owner when the addresses are away.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::sys::new_connections::{self, Requests};
use crate::time::Instant;

/// What the clients need to hear the new owner's announcement. Their answers to it would come here before.
const ANNOUNCED: Duration = Duration::from_millis(3);

/// A listening socket and the address that it is bound to.
type Listener = (SocketAddr, Arc<TcpListener>);

/// One instance's addresses.
#[derive(Debug)]
pub(super) struct Finishing {
    /// Instance number.
    pub(super) instance: usize,
    unfinished: mpsc::Receiver<Infallible>,
    /// The router knows that nothing is under way any more.
    is_reported: bool,
    addresses: Vec<IpAddr>,
    waiting: Vec<Requests>,
    /// When the waiting requests are sent on; `None` while the addresses are here.
    sent_on_at: Option<Instant>,
}

/// Every instance's.
#[derive(Debug, Default)]
pub(super) struct AllFinishing(Vec<Finishing>);

impl AllFinishing {
    /// Begins. `addresses` come with the number of the interface that they are on. Who drops the sender has finished.
    pub(super) fn begin(
        &mut self,
        instance: usize,
        places: &[(IpAddr, u32)],
        listeners: &[Listener],
    ) -> mpsc::Sender<Infallible> {
        let (sender, unfinished) = mpsc::channel(1);
        let waiting = places.iter().filter_map(|(address, interface)| match Requests::to(*address, *interface) {
            Ok(requests) => Some(requests),
            Err(error) => {
                tracing::warn!(%address, %error, "clients that connect during the hand-over have to ask again");
                None
            }
        });
        let waiting = waiting.collect();
        let addresses: Vec<_> = places.iter().map(|(address, _)| *address).collect();
        each_on(&addresses, listeners, new_connections::hold_back);
        self.0.push(Finishing { instance, unfinished, is_reported: false, addresses, waiting, sent_on_at: None });
        sender
    }

    /// Ready when somebody has finished, once for each change.
    pub(super) fn poll_finished(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let unreported = self.0.iter_mut().filter(|finishing| !finishing.is_reported);
        // Everybody has to be asked, so that each of them wakes this task.
        let finished = unreported.filter_map(|finishing| match finishing.unfinished.poll_recv(context) {
            Poll::Ready(_) => Some(()),
            Poll::Pending => None,
        });
        if finished.count() > 0 { Poll::Ready(()) } else { Poll::Pending }
    }

    /// An instance that has nothing under way any more; each is told once.
    pub(super) fn finished(&mut self) -> Option<usize> {
        let is_news = |finishing: &&mut Finishing| !finishing.is_reported && finishing.unfinished.is_closed();
        let finishing = self.0.iter_mut().find(is_news)?;
        finishing.is_reported = true;
        Some(finishing.instance)
    }

    /// Whether an instance's addresses are on their way and still here.
    pub(super) fn is_here(&self, instance: usize) -> bool {
        self.0.iter().any(|finishing| finishing.instance == instance && finishing.sent_on_at.is_none())
    }

    /// The addresses of an instance have left.
    pub(super) fn leave(&mut self, now: Instant, instance: usize, listeners: &[Listener]) {
        let here = |finishing: &&mut Finishing| finishing.instance == instance && finishing.sent_on_at.is_none();
        for finishing in self.0.iter_mut().filter(here) {
            finishing.sent_on_at = Some(now + ANNOUNCED);
            each_on(&finishing.addresses, listeners, |listener, _| new_connections::let_in(listener));
        }
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

/// Does something with each listening socket that takes connections to one of these addresses.
fn each_on(addresses: &[IpAddr], listeners: &[Listener], action: impl Fn(&TcpListener, IpAddr) -> io::Result<()>) {
    for address in addresses {
        let is_on = |bound: &SocketAddr| bound.ip() == *address || bound.ip().is_unspecified();
        for (_, listener) in listeners.iter().filter(|(bound, _)| is_on(bound)) {
            if let Err(error) = action(listener, *address) {
                tracing::warn!(%address, %error, "new connections cannot be held back during the hand-over");
            }
        }
    }
}
