//! Levels of tracked objects.

use std::sync::atomic::{AtomicU8, Ordering};

/// Whether a tracked object is up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Level {
    /// Nobody has looked yet: neither good nor bad, but the node is not ready.
    #[default]
    Unknown = 0,
    /// Up.
    Up = 1,
    /// Down.
    Down = 2,
}

impl Level {
    fn from_u8(value: u8) -> Level {
        match value {
            1 => Level::Up,
            2 => Level::Down,
            _ => Level::Unknown,
        }
    }
}

impl From<bool> for Level {
    fn from(is_up: bool) -> Level {
        if is_up { Level::Up } else { Level::Down }
    }
}

/// One level for each object number of a model, as a value.
pub type Levels = Vec<Level>;

/// The levels that other threads report to vg-vrrp, by object number of one generation: scripts, processes and files
/// (written by vg-check), binds (written by main). Levels of workers, interfaces, backends and servers are read by
/// vg-vrrp where they live, so their cells stay `Unknown`. One writer for each cell; only the latest value counts.
#[derive(Debug)]
pub struct Board(Box<[AtomicU8]>);

impl Board {
    /// `objects` cells, all unknown.
    pub fn new(objects: usize) -> Board {
        Board((0..objects).map(|_| AtomicU8::new(0)).collect())
    }

    /// Stores a level and tells whether it differs from the last one. An object out of range is ignored.
    pub fn set(&self, object: usize, level: Level) -> bool {
        self.0.get(object).is_some_and(|cell| cell.swap(level as u8, Ordering::AcqRel) != level as u8)
    }

    /// The level of an object; unknown if out of range.
    pub fn level(&self, object: usize) -> Level {
        self.0.get(object).map_or(Level::Unknown, |cell| Level::from_u8(cell.load(Ordering::Acquire)))
    }
}
