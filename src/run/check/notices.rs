//! Lines about servers on their way out: to the operator's messages, to the log of the backend, and by mail where somebody
//! asked for it.

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::model::check::Mail;
use crate::model::log::Level;
use crate::state::log::Journal;
use crate::sys::clock;

use super::mail;

/// Mails that may wait; more are dropped: a mail server that hangs must hold up nothing.
const MAX_MAILS: usize = 64;

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// Name of the backend.
    pub(super) backend: &'a str,
    /// How grave it is.
    pub(super) level: Level,
    /// What mails count it as; `None` sends none.
    pub(super) mailed_as: Option<Level>,
    /// The line.
    pub(super) text: &'a str,
}

/// Where lines go.
pub(super) struct Notices {
    mails: mpsc::Sender<mail::Letter>,
}

impl Notices {
    /// Starts what sends mails.
    pub(super) fn new() -> Notices {
        let (mails, letters) = mpsc::channel(MAX_MAILS);
        tokio::task::spawn_local(mail::deliver(letters));
        Notices { mails }
    }

    /// Writes a line.
    pub(super) fn write(&self, entry: &Entry<'_>, journal: &Journal, mail: Option<&Rc<Mail>>) {
        let Entry { backend, text, .. } = *entry;
        match entry.level {
            Level::Emerg => tracing::error!(backend, "{text}"),
            level if level <= Level::Warning => tracing::warn!(backend, "{text}"),
            _ => tracing::info!(backend, "{text}"),
        }
        journal.say(entry.level, clock::wall(), text);
        let Some((mail, level)) = mail.zip(entry.mailed_as) else { return };
        if level > mail.level {
            return;
        }
        for mailer in &mail.mailers {
            let letter = mail::Letter { mailer: *mailer, mail: Rc::clone(mail), text: Arc::from(text) };
            if self.mails.try_send(letter).is_err() {
                tracing::warn!(%mailer, "a mail about a server is dropped: too many wait");
            }
        }
    }
}
