//! HAProxy's weighted round robin, turn for turn: a heavy server's turns are spread over the cycle, and a weight that
//! changes takes effect at once.
//!
//! Time is counted in turns. Each server has a position at which it is next due; whoever is due first is served, and is due
//! again after as many turns as the sum of all weights has of its own, with the rest of the division carried on. A
//! server stands in one of three lines: those who were not served in this window yet (heaviest first), those who are due
//! in this window, and those who are due in the next. Between equals it is first come, first served.

/// Weights are counted in sixteenths, so that a server that has just come can have a part of its own.
pub(super) const SCALE: u32 = 16;
/// Positions are the high part of a key, weights the low one.
const RANGE: i64 = 256;
const HEAVIEST: i64 = RANGE * SCALE as i64;

/// The line in which a server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// None: it takes no sessions, or is just being looked at.
    None,
    /// Not served in this window yet.
    New,
    /// Due in this window.
    Now,
    /// Due in the next window.
    Later,
}

#[derive(Clone, Debug)]
struct Seat {
    line: Line,
    /// Less is sooner; between equals, `arrival` counts.
    key: i64,
    arrival: u64,
    /// Turn at which it is due, and was due last.
    due: i64,
    was_due: i64,
    /// What is left over of dividing the sum of weights by its own.
    rest: i64,
    weight: i64,
}

/// Whose turn it is among some of the servers of a backend.
#[derive(Debug)]
pub(super) struct Rotation {
    seats: Box<[Seat]>,
    arrivals: u64,
    /// The present turn.
    position: i64,
    /// Length of the present window: the sum of weights when it began.
    window: i64,
    /// The sum of weights.
    total: i64,
    is_begun: bool,
    /// Servers that were passed over in the present call.
    aside: Vec<usize>,
}

impl Rotation {
    /// For `servers` servers, none of which takes part.
    pub fn new(servers: usize) -> Rotation {
        let seat = Seat { line: Line::None, key: 0, arrival: 0, due: 0, was_due: 0, rest: 0, weight: 0 };
        Rotation {
            seats: vec![seat; servers].into_boxed_slice(),
            arrivals: 0,
            position: 0,
            window: 0,
            total: 0,
            is_begun: false,
            aside: Vec::with_capacity(servers),
        }
    }

    /// Takes over the weights, in units of 1/[`SCALE`]; zero takes no part.
    pub fn update(&mut self, weight: impl Fn(usize) -> u32) {
        if !self.is_begun {
            self.begin(weight);
            return;
        }
        for server in 0..self.seats.len() {
            let (before, after) = (self.seats[server].weight, i64::from(weight(server)));
            match (before, after) {
                _ if before == after => {}
                (_, 0) => self.leave(server),
                (0, _) => self.enter(server, after),
                _ => self.reweigh(server, after),
            }
        }
    }

    fn begin(&mut self, weight: impl Fn(usize) -> u32) {
        self.is_begun = true;
        for server in 0..self.seats.len() {
            self.seats[server].weight = i64::from(weight(server));
            self.total += self.seats[server].weight;
        }
        (self.position, self.window) = (self.total, self.total);
        for server in 0..self.seats.len() {
            if self.seats[server].weight > 0 {
                self.line_up_by_weight(server, Line::New);
            }
        }
    }

    fn leave(&mut self, server: usize) {
        let seat = &mut self.seats[server];
        self.total -= seat.weight;
        (seat.line, seat.weight) = (Line::None, 0);
    }

    fn enter(&mut self, server: usize, weight: i64) {
        self.total += weight;
        let seat = &mut self.seats[server];
        seat.weight = weight;
        seat.due = self.position + (self.total + self.window - self.position) / weight;
        self.line_up(server);
    }

    fn reweigh(&mut self, server: usize, weight: i64) {
        let seat = &mut self.seats[server];
        self.total += weight - seat.weight;
        seat.weight = weight;
        if seat.line == Line::New {
            self.line_up_by_weight(server, Line::New);
            return;
        }
        if seat.line == Line::Later {
            seat.due += self.window;
        }
        let (step, before) = (self.total / weight, seat.due);
        seat.due = (seat.was_due + step).min(before);
        seat.rest = 0;
        if seat.due < self.position + 2 {
            seat.due = self.position + step;
        }
        self.line_up(server);
    }

    fn line_up_by_weight(&mut self, server: usize, line: Line) {
        let weight = self.seats[server].weight;
        self.stand(server, line, HEAVIEST - weight);
    }

    /// Into the line of this window or of the next, by when it is due.
    fn line_up(&mut self, server: usize) {
        let seat = &mut self.seats[server];
        if seat.weight == 0 {
            seat.line = Line::None;
        } else if seat.due >= 2 * self.window || seat.due >= self.window + self.total {
            seat.due -= self.window;
            self.line_up_by_weight(server, Line::Later);
        } else {
            let key = RANGE * seat.due + (HEAVIEST + seat.rest - seat.weight) / i64::from(SCALE);
            self.stand(server, Line::Now, key);
        }
    }

    fn stand(&mut self, server: usize, line: Line, key: i64) {
        self.arrivals += 1;
        let seat = &mut self.seats[server];
        (seat.line, seat.key, seat.arrival) = (line, key, self.arrivals);
    }

    fn first_of(&self, line: Line) -> Option<usize> {
        let standing = self.seats.iter().enumerate().filter(|(_, seat)| seat.line == line);
        standing.min_by_key(|(_, seat)| (seat.key, seat.arrival)).map(|(server, _)| server)
    }

    /// Who is due, or one who was not served yet where nobody is.
    fn first(&mut self) -> Option<usize> {
        let waiting = self.first_of(Line::Now);
        if waiting.is_some_and(|server| self.seats[server].due <= self.position) {
            return waiting;
        }
        match self.first_of(Line::New) {
            Some(server) => {
                (self.seats[server].due, self.seats[server].rest) = (0, 0);
                Some(server)
            }
            None => waiting,
        }
    }

    /// The next window begins.
    fn turn_over(&mut self) {
        for seat in &mut self.seats {
            seat.line = match seat.line {
                Line::New => Line::Later,
                Line::Later => Line::New,
                other => other,
            };
        }
        (self.window, self.position) = (self.total, self.total);
    }

    /// When a server that was served is due again.
    fn advance(&mut self, server: usize) {
        let (position, total) = (self.position, self.total);
        let seat = &mut self.seats[server];
        if seat.due == 0 {
            seat.due = position;
        }
        seat.was_due = seat.due;
        seat.due += total / seat.weight;
        seat.rest += total % seat.weight;
        if seat.rest >= seat.weight {
            seat.rest -= seat.weight;
            seat.due += 1;
        }
        seat.line = Line::None;
    }

    /// The next server with room; `avoid` only if no other has.
    pub fn next(&mut self, avoid: Option<usize>, has_room: impl Fn(usize) -> bool) -> Option<usize> {
        self.aside.clear();
        let (mut has_turned, mut avoided) = (false, None);
        let chosen = loop {
            if self.window == 0 {
                (self.position, self.window) = (self.total, self.total);
            }
            let Some(server) = self.first() else {
                if !has_turned {
                    has_turned = true;
                    self.turn_over();
                    continue;
                }
                break avoided;
            };
            self.advance(server);
            self.position += 1;
            if has_room(server) {
                if Some(server) != avoid || avoided.is_some() {
                    break Some(server);
                }
                avoided = Some(server);
            }
            self.aside.push(server);
        };
        if let Some(server) = chosen {
            self.line_up(server);
        }
        while let Some(server) = self.aside.pop() {
            match has_turned {
                _ if Some(server) == chosen => {}
                true => self.line_up_by_weight(server, Line::New),
                false => self.line_up(server),
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(rotation: &mut Rotation, count: usize) -> Vec<usize> {
        (0..count).filter_map(|_| rotation.next(None, |_| true)).collect()
    }

    fn of(weights: &[u32]) -> Rotation {
        let mut rotation = Rotation::new(weights.len());
        rotation.update(|server| weights[server] * SCALE);
        rotation
    }

    #[test]
    fn equal_servers_take_turns_in_order() {
        assert_eq!(turns(&mut of(&[100, 100, 100]), 6), [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn a_heavy_server_is_not_served_in_one_run() {
        let turns = turns(&mut of(&[5, 1, 1]), 7);
        assert_eq!(turns.iter().filter(|server| **server == 0).count(), 5);
        assert!(!turns.windows(4).any(|run| run == [0, 0, 0, 0]), "{turns:?}");
    }

    #[test]
    fn absence_does_not_earn_a_burst() {
        let mut rotation = of(&[1, 1]);
        rotation.update(|server| [0, SCALE][server]);
        assert_eq!(turns(&mut rotation, 100), [1; 100]);
        rotation.update(|_| SCALE);
        let first = turns(&mut rotation, 10).iter().filter(|server| **server == 0).count();
        assert_eq!(first, 5);
    }

    #[test]
    fn a_weight_that_changes_meanwhile_is_taken_as_it_was_first() {
        let asked = std::cell::Cell::new(0);
        let mut rotation = Rotation::new(1);
        rotation.update(|_| if asked.replace(asked.get() + 1) == 0 { 0 } else { SCALE });
        assert_eq!(rotation.next(None, |_| true), None);
        rotation.update(|_| SCALE);
        assert_eq!(turns(&mut rotation, 2), [0, 0]);
    }

    #[test]
    fn a_full_server_is_passed_over_and_nobody_is_none() {
        let mut rotation = of(&[1, 1, 1]);
        assert_eq!(rotation.next(None, |server| server == 2), Some(2));
        assert_eq!(rotation.next(None, |_| false), None);
        assert_eq!(rotation.next(Some(1), |server| server == 1), Some(1));
        assert_eq!(Rotation::new(0).next(None, |_| true), None);
    }
}
