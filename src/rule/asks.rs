//! What the expressions of a section ask for that is not at hand: it is looked up for those who ask, and costs nobody else.

use super::facts::Address;
use super::fetch::Run;
use super::format::Tag;

/// Whether something is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Our end of the connection to a server.
    pub own_ends: bool,
    /// What the kernel measures of it.
    pub server_figures: bool,
}

impl Asks {
    /// Notes what a fetch looks at.
    pub(super) fn note(&mut self, run: Run) {
        match run {
            Run::Address(end) | Run::Port(end) => self.note_end(end),
            Run::Measured(question) => self.server_figures |= question.is_of_server(),
            _ => {}
        }
    }

    /// Notes what a tag stands for.
    pub(super) fn note_tag(&mut self, tag: Tag) {
        if let Tag::Address(end) | Tag::Port(end) = tag {
            self.note_end(end);
        }
    }

    /// Those of both.
    pub fn and(self, other: Asks) -> Asks {
        Asks { own_ends: self.own_ends || other.own_ends, server_figures: self.server_figures || other.server_figures }
    }

    fn note_end(&mut self, end: Address) {
        self.own_ends |= end == Address::ServerLocal;
    }
}
