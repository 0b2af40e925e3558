//! What the weather does to the world when it strikes, and the repair of everything.

use vipgate::state::command::VrrpCommand;
use vipgate::vrrp::io::Input;

use crate::weather::{self, Stroke};
use crate::world::World;

impl World {
    pub fn strike(&mut self, stroke: Stroke) {
        self.note(format!("-- {stroke:?}"));
        self.tally.strokes += 1;
        match stroke {
            Stroke::Cut { from, to } => self.cut[from][to] = true,
            Stroke::Partition { mask } => {
                let ends = self.nodes.len() + usize::from(self.profile.is_lossy);
                let side = |index: usize| mask >> index & 1;
                for from in 0..ends {
                    for to in 0..ends {
                        self.cut[from][to] = side(from) != side(to);
                    }
                }
            }
            Stroke::Heal => self.cut.iter_mut().flatten().for_each(|cut| *cut = false),
            Stroke::Loss(percent) => self.loss = percent,
            Stroke::Crash(number) => {
                self.nodes[number].router = None;
                self.nodes[number].inbox.clear();
            }
            Stroke::Start(number) => {
                if self.nodes[number].router.is_none() {
                    self.start(number);
                }
            }
            // A sleeper that is put to sleep again does not know of a theft either.
            Stroke::Pause(number) => self.nodes[number].is_paused = true,
            Stroke::Resume(number) => self.resume(number),
            Stroke::KernelRefuses(number, refuses) => self.nodes[number].kernel.refuses = refuses,
            Stroke::KernelIsSlow(number, is_slow) => self.nodes[number].kernel.is_slow = is_slow,
            Stroke::Thief(number) => {
                if let Some((address, _)) = self.nodes[number].kernel.addresses.pop_first() {
                    // What is due just now is done before the news is read.
                    self.nodes[number].was_robbed = true;
                    self.wake(number);
                    self.nodes[number].was_robbed = self.nodes[number].is_paused;
                    self.input(number, Input::AddressRemoved { interface: "eth0".to_owned(), address });
                }
            }
            Stroke::Link(number, is_up) => {
                self.nodes[number].link_is_up = is_up;
                let link = self.nodes[number].link();
                self.input(number, Input::Link(link));
            }
            Stroke::Tracking(number, condition) => {
                let own = self.nodes[number].instances[0].priority;
                self.nodes[number].effective = condition.effective(own);
                self.tell_effective(number);
            }
            Stroke::Command(number, command) => {
                if let VrrpCommand::Maintenance(is_on) = command {
                    self.nodes[number].is_in_maintenance = is_on;
                }
                self.input(number, Input::Command(command));
            }
        }
    }

    /// Everything that the weather broke is repaired; what tracking says stays as it is by chance.
    pub fn calm_down(&mut self) {
        self.note("== calm".to_owned());
        self.is_calm = true;
        self.strike(Stroke::Heal);
        self.loss = 0;
        for number in 0..self.nodes.len() {
            for stroke in [
                Stroke::KernelRefuses(number, false),
                Stroke::KernelIsSlow(number, false),
                Stroke::Resume(number),
                Stroke::Start(number),
                Stroke::Link(number, true),
                Stroke::Command(number, VrrpCommand::Maintenance(false)),
                Stroke::Tracking(number, weather::Condition::in_the_end(&mut self.random, number)),
            ] {
                self.strike(stroke);
            }
        }
    }
}
