//! Weighted round robin that spreads a heavy server's turns over the cycle.

/// Credits of servers. Each turn gives every candidate its weight, and the richest pays the sum of all weights: over a
/// cycle each server is chosen exactly as often as its weight says, and never in one run.
#[derive(Debug)]
pub(super) struct Smooth(Box<[i64]>);

impl Smooth {
    /// No credit for `servers` servers.
    pub fn new(servers: usize) -> Smooth {
        Smooth(vec![0; servers].into_boxed_slice())
    }

    /// The next server; `weight` is asked once for each and answers zero for one that does not compete.
    pub fn next(&mut self, weight: impl Fn(usize) -> u16) -> Option<usize> {
        let mut total = 0;
        let mut best: Option<usize> = None;
        for server in 0..self.0.len() {
            let weight = i64::from(weight(server));
            if weight == 0 {
                continue;
            }
            total += weight;
            self.0[server] += weight;
            if best.is_none_or(|best| self.0[server] > self.0[best]) {
                best = Some(server);
            }
        }
        let best = best?;
        self.0[best] -= total;
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heavy_server_is_not_served_in_one_run() {
        let mut smooth = Smooth::new(3);
        let turns: Vec<_> = (0..7).filter_map(|_| smooth.next(|server| [5, 1, 1][server])).collect();
        assert_eq!(turns, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn equal_servers_take_turns_in_order() {
        let mut smooth = Smooth::new(3);
        let turns: Vec<_> = (0..6).filter_map(|_| smooth.next(|_| 100)).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn absence_does_not_earn_a_burst() {
        let mut smooth = Smooth::new(2);
        for _ in 0..1000 {
            smooth.next(|server| [0, 1][server]);
        }
        let first: usize = (0..10).filter(|_| smooth.next(|_| 1) == Some(0)).count();
        assert_eq!(first, 5);
    }

    #[test]
    fn nobody_is_none() {
        assert_eq!(Smooth::new(0).next(|_| 1), None);
        assert_eq!(Smooth::new(2).next(|_| 0), None);
    }
}
