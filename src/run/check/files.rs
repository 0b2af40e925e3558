//! Tracked files and processes: looked at once in a while, in the blocking pool, since a file may lie on a dead mount.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use crate::model::Model;
use crate::model::track::Object;
use crate::state::levels::{Board, Level};
use crate::sys;
use crate::time::Instant;

use super::Event;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// How much of a file is read, bytes.
const MOST: u64 = 64;

/// What a look found: a level for each object number.
pub(super) struct Looked {
    /// The look belongs to this configuration.
    epoch: u64,
    levels: Vec<(usize, Level)>,
}

/// Every tracked file and process.
pub(super) struct Files {
    objects: Arc<Vec<(usize, String, Object)>>,
    board: Arc<Board>,
    epoch: u64,
    next: Instant,
    events: mpsc::UnboundedSender<Event>,
    levels_changed: Arc<Notify>,
}

impl Files {
    pub(super) fn new(events: mpsc::UnboundedSender<Event>, levels_changed: Arc<Notify>) -> Files {
        let (objects, board) = (Arc::default(), Arc::new(Board::new(0)));
        Files { objects, board, epoch: 0, next: Instant::FAR_FUTURE, events, levels_changed }
    }

    /// Takes the files and processes of a new model and looks at them at once.
    pub(super) fn configure(&mut self, now: Instant, model: &Model, board: Arc<Board>) {
        let is_ours = |object: &Object| matches!(object, Object::File(_) | Object::Process(_));
        let objects = model.objects.iter().enumerate().filter(|(_, tracked)| is_ours(&tracked.object));
        self.objects =
            Arc::new(objects.map(|(object, tracked)| (object, tracked.name.clone(), tracked.object.clone())).collect());
        self.board = board;
        self.epoch += 1;
        self.next = if self.objects.is_empty() { Instant::FAR_FUTURE } else { now };
        self.handle_timeout(now);
    }

    pub(super) fn wake(&self) -> Instant {
        self.next
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if now < self.next {
            return;
        }
        // The end of the look sets the next one.
        self.next = Instant::FAR_FUTURE;
        let (objects, epoch, events) = (Arc::clone(&self.objects), self.epoch, self.events.clone());
        tokio::task::spawn_blocking(move || {
            let levels = objects.iter().map(|(object, _, what)| (*object, look(what))).collect();
            // Fails only while the thread ends.
            let _ = events.send(Event::Files(Looked { epoch, levels }));
        });
    }

    pub(super) fn handle_looked(&mut self, now: Instant, looked: Looked) {
        if looked.epoch != self.epoch {
            return;
        }
        self.next = now + PAUSE;
        for ((object, level), (_, name, _)) in looked.levels.into_iter().zip(self.objects.iter()) {
            let before = self.board.level(object);
            if self.board.set(object, level) {
                self.levels_changed.notify_one();
                match (before, level) {
                    (_, Level::Down) => tracing::warn!(object = name, "tracked object is DOWN"),
                    (Level::Down, Level::Up) => tracing::info!(object = name, "tracked object is UP"),
                    _ => tracing::debug!(object = name, ?level, "tracked object is known"),
                }
            }
        }
    }
}

fn look(object: &Object) -> Level {
    match object {
        Object::File(path) => Level::from(is_file_well(path)),
        // Without /proc nothing can be said.
        Object::Process(name) => sys::processes::is_running(name).map_or(Level::Unknown, Level::from),
        _ => Level::Unknown,
    }
}

/// Absent, empty (between truncation and writing) or beginning with the number 0.
fn is_file_well(path: &Path) -> bool {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return error.kind() == ErrorKind::NotFound,
    };
    let mut text = Vec::new();
    if file.take(MOST).read_to_end(&mut text).is_err() {
        return false;
    }
    let text = String::from_utf8_lossy(&text);
    let first = text.split_whitespace().next();
    first.is_none_or(|number| number.parse() == Ok(0_i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_empty_and_zero_are_well_and_anything_else_is_not() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("state");
        assert!(is_file_well(&path));
        for (text, is_well) in
            [("", true), ("0\n", true), (" 0 because", true), ("1", false), ("-5", false), ("x", false)]
        {
            std::fs::write(&path, text).expect("written");
            assert_eq!(is_file_well(&path), is_well, "{text:?}");
        }
        assert!(!is_file_well(directory.path()));
    }
}
