//! What came of an action on the page: a code in the address that the browser is sent to, a sentence there.

/// What came of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every server was changed.
    Done,
    /// No server was chosen.
    Nothing,
    /// Some names were not those of servers.
    Partly,
    /// What was sent makes no sense.
    Invalid,
    /// It was more than is read.
    TooLong,
    /// Whoever asked may not.
    Denied,
    /// A code of nobody's.
    Unknown,
}

impl Outcome {
    /// HAProxy's code.
    pub const fn code(self) -> &'static str {
        match self {
            Outcome::Done => "DONE",
            Outcome::Nothing => "NONE",
            Outcome::Partly => "PART",
            Outcome::Invalid => "ERRP",
            Outcome::TooLong => "EXCD",
            Outcome::Denied => "DENY",
            Outcome::Unknown => "UNKN",
        }
    }

    /// The outcome of a code.
    pub fn read(code: &str) -> Outcome {
        use Outcome::{Denied, Done, Invalid, Nothing, Partly, TooLong, Unknown};
        let known = [Done, Nothing, Partly, Invalid, TooLong, Denied];
        known.into_iter().find(|outcome| outcome.code() == code).unwrap_or(Unknown)
    }

    /// The class that colours the sentence on the page, and the sentence, which is HTML.
    pub const fn said(self) -> (&'static str, &'static str) {
        match self {
            Outcome::Done => ("active_up", "Action processed successfully."),
            Outcome::Nothing => ("backup_down", "Nothing has changed."),
            Outcome::Partly => (
                "backup_down",
                "Action partially processed.<ul><li>Some server names are not known in that backend.</li></ul>",
            ),
            Outcome::Invalid => (
                "active_down",
                "Action not processed because of invalid parameters.<ul><li>The action is not known,</li>\
                 <li>or the backend is not known,</li><li>or none of the servers is.</li></ul>",
            ),
            Outcome::TooLong => {
                ("active_down", "<b>Action not processed: too much was sent.</b> Choose fewer servers at a time.")
            }
            Outcome::Denied => ("active_down", "<b>Action denied.</b>"),
            Outcome::Unknown => ("active_no_check", "Unexpected result."),
        }
    }
}
