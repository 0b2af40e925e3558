//! How many answers of a check a server has, and how its state reads.

use std::sync::atomic::{AtomicU32, Ordering};

use super::servers::{Admin, Health};

/// HAProxy's `check_health`, `check_rise` and `check_fall`: up from `rise` on, at most `rise + fall - 1`. Written by
/// vg-check alone; the three may be a moment apart. A `fall` of 0 is no check.
#[derive(Debug, Default)]
pub struct Gauge {
    value: AtomicU32,
    rise: AtomicU32,
    fall: AtomicU32,
}

impl Gauge {
    /// Stores value, rise and fall (vg-check only).
    pub fn store(&self, (value, rise, fall): (u32, u32, u32)) {
        self.rise.store(rise, Ordering::Relaxed);
        self.fall.store(fall, Ordering::Relaxed);
        self.value.store(value, Ordering::Relaxed);
    }

    /// Value, rise and fall; `None` without a check.
    pub fn load(&self) -> Option<(u32, u32, u32)> {
        let load = |of: &AtomicU32| of.load(Ordering::Relaxed);
        (load(&self.fall) > 0).then(|| (load(&self.value), load(&self.rise), load(&self.fall)))
    }
}

/// A server's state as far as it is shown. `check` and `agent` are those of the server that it tracks, if it does.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// What the operator says.
    pub admin: Admin,
    /// Whether it has no address.
    pub lacks_address: bool,
    /// The server that it tracks, `backend/server`, and what the operator says of that.
    pub shared: Option<(&'a str, Admin)>,
    /// What the checks say.
    pub health: Health,
    /// Value, rise and fall of the health check.
    pub check: Option<(u32, u32, u32)>,
    /// Value, rise and fall of the agent.
    pub agent: Option<(u32, u32, u32)>,
}

impl Shown<'_> {
    /// As `show stat` prints it (management guide §9.1, `status`): `UP 1/3`, `DOWN 1/2`, `NOLB`, `MAINT (via b/s)`,
    /// `no check`.
    pub fn text(&self) -> String {
        let admin = match self.shared {
            _ if self.lacks_address => return "MAINT (resolution)".to_owned(),
            _ if self.admin == Admin::Maint => return "MAINT".to_owned(),
            Some((via, Admin::Maint)) => return format!("MAINT (via {via})"),
            Some((_, shared)) => self.admin.max(shared),
            None => self.admin,
        };
        let (value, rise, fall) = self.check.unwrap_or_default();
        let is_full = value + 1 >= rise + fall;
        let up = (value + 1).saturating_sub(rise);
        match self.health {
            Health::Down if self.agent.is_some_and(|(value, ..)| value == 0) => "DOWN (agent)".to_owned(),
            Health::Down if value == 0 || self.check.is_none() => "DOWN".to_owned(),
            Health::Down => format!("DOWN {value}/{rise}"),
            Health::Stopping if is_full || self.check.is_none() => "NOLB".to_owned(),
            Health::Stopping => format!("NOLB {up}/{fall}"),
            Health::Unchecked | Health::Starting | Health::Up => match (admin, self.check) {
                (Admin::Drain, _) if self.agent.is_some() => "DRAIN (agent)".to_owned(),
                (Admin::Drain, Some(_)) if !is_full => format!("DRAIN {up}/{fall}"),
                (Admin::Drain, _) => "DRAIN".to_owned(),
                (_, None) => "no check".to_owned(),
                (_, Some(_)) if is_full => "UP".to_owned(),
                (_, Some(_)) => format!("UP {up}/{fall}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_as_show_stat_prints_them() {
        let shown = Shown {
            admin: Admin::Ready,
            lacks_address: false,
            shared: None,
            health: Health::Up,
            check: Some((4, 2, 3)),
            agent: None,
        };
        assert_eq!(shown.text(), "UP");
        assert_eq!(Shown { check: Some((2, 2, 3)), ..shown }.text(), "UP 1/3");
        assert_eq!(Shown { check: Some((1, 2, 3)), health: Health::Down, ..shown }.text(), "DOWN 1/2");
        assert_eq!(Shown { check: Some((0, 2, 3)), health: Health::Down, ..shown }.text(), "DOWN");
        assert_eq!(Shown { agent: Some((0, 1, 1)), health: Health::Down, ..shown }.text(), "DOWN (agent)");
        assert_eq!(Shown { check: None, ..shown }.text(), "no check");
        assert_eq!(Shown { admin: Admin::Drain, ..shown }.text(), "DRAIN");
        assert_eq!(Shown { lacks_address: true, admin: Admin::Maint, ..shown }.text(), "MAINT (resolution)");
        assert_eq!(Shown { health: Health::Stopping, ..shown }.text(), "NOLB");
        assert_eq!(Shown { check: Some((3, 2, 3)), health: Health::Stopping, ..shown }.text(), "NOLB 2/3");
        assert_eq!(Shown { shared: Some(("b/s", Admin::Maint)), ..shown }.text(), "MAINT (via b/s)");
        assert_eq!(Shown { shared: Some(("b/s", Admin::Drain)), admin: Admin::Maint, ..shown }.text(), "MAINT");
    }

    #[test]
    fn a_server_is_drained_with_the_one_that_it_tracks() {
        let shown = Shown {
            admin: Admin::Ready,
            lacks_address: false,
            shared: Some(("b/s", Admin::Drain)),
            health: Health::Up,
            check: Some((4, 2, 3)),
            agent: None,
        };
        assert_eq!(shown.text(), "DRAIN");
        assert_eq!(Shown { agent: Some((1, 1, 1)), ..shown }.text(), "DRAIN (agent)");
        assert_eq!(Shown { shared: Some(("b/s", Admin::Ready)), ..shown }.text(), "UP");
    }

    #[test]
    fn gauge_without_a_check_shows_nothing() {
        let gauge = Gauge::default();
        assert_eq!(gauge.load(), None);
        gauge.store((1, 2, 3));
        assert_eq!(gauge.load(), Some((1, 2, 3)));
    }
}
