//! Where the busy part of a connection lives while there is one.
//!
//! The state of a request takes ten times the memory of an idle connection. It is kept in a seat, which the connection
//! takes with its request and leaves with the response; a worker keeps as many seats as it had requests at a time.
//! A seat's memory is used again, so a request allocates nothing.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::session::Session;
use super::stream::Received;

/// A place for the future that answers what a connection received.
pub(super) trait Seat {
    /// Puts a future into the empty seat.
    fn begin(&mut self, session: Box<Session>, received: Received);
    /// Runs it. When it is ready, with the session if the connection goes on, the seat is empty.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Box<Session>>>;
}

impl fmt::Debug for dyn Seat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Seat")
    }
}

struct Reused<Answer, Answering> {
    answer: Answer,
    answering: Pin<Box<Option<Answering>>>,
}

/// An empty seat for what `answer` returns.
pub(super) fn seat<Answering>(answer: impl Fn(Box<Session>, Received) -> Answering + 'static) -> Box<dyn Seat>
where
    Answering: Future<Output = Option<Box<Session>>> + 'static,
{
    Box::new(Reused { answer, answering: Box::pin(None) })
}

impl<Answer, Answering> Seat for Reused<Answer, Answering>
where
    Answer: Fn(Box<Session>, Received) -> Answering,
    Answering: Future<Output = Option<Box<Session>>>,
{
    fn begin(&mut self, session: Box<Session>, received: Received) {
        let answering = (self.answer)(session, received);
        self.answering.set(Some(answering));
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Box<Session>>> {
        let Some(answering) = self.answering.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let session = std::task::ready!(answering.poll(context));
        self.answering.set(None);
        Poll::Ready(session)
    }
}
