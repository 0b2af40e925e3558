//! The intervals of RFC 9568 §6.1 and RFC 3768 §6.1.

use std::time::Duration;

use crate::model::vrrp::{Instance, Version};

/// Skew_Time: the better the priority, the earlier a Backup moves. Version 2 counts in seconds whatever the interval.
pub fn skew(version: Version, priority: u8, interval: Duration) -> Duration {
    let unit = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => interval,
    };
    unit * (256 - u32::from(priority)) / 256
}

/// Master_Down_Interval: silence after which the Master counts as gone.
pub fn master_down(version: Version, priority: u8, interval: Duration, adverts: u32) -> Duration {
    interval.saturating_mul(adverts) + skew(version, priority, interval)
}

/// How long addresses are offered when this node may keep them: a Backup that hears the first or the second offer has
/// claimed by then, a degraded Backup (which waits a whole Master_Down) has not.
pub fn offer(config: &Instance) -> Duration {
    config.advert_interval.saturating_mul(config.down_adverts)
}

/// How long addresses are offered before a stop takes them away: the worst Backup's Master_Down, and half an interval for
/// its way.
pub fn farewell(config: &Instance) -> Duration {
    let unit = match config.version {
        Version::V2 => config.advert_interval.max(Duration::from_secs(1)),
        Version::V3 => config.advert_interval,
    };
    config.advert_interval.saturating_mul(config.down_adverts) + unit + config.advert_interval / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn skew_at_one_second_is_the_remaining_256ths() {
        assert_eq!(skew(Version::V3, 100, SECOND), Duration::from_nanos(609_375_000));
        assert_eq!(skew(Version::V2, 200, SECOND), Duration::from_nanos(218_750_000));
    }

    #[test]
    fn version_2_skew_is_seconds_whatever_the_interval() {
        assert_eq!(skew(Version::V2, 100, SECOND * 2), skew(Version::V2, 100, SECOND));
        assert_eq!(skew(Version::V3, 100, SECOND * 2), 2 * skew(Version::V3, 100, SECOND));
    }

    #[test]
    fn master_down_is_three_intervals_and_skew() {
        let interval = Duration::from_millis(100);
        assert_eq!(master_down(Version::V3, 100, interval, 3), Duration::from_nanos(360_937_500));
    }
}
