//! Commands about servers: their state and weight.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::generation::{Backend, Generation};
use crate::model::Weight;
use crate::model::naming::Naming;
use crate::model::runtime::Level;
use crate::state::command::ServerChange;
use crate::state::servers::Server;

use super::table::Command;
use super::{Answer, Call, dynamic, probing};

pub const COMMANDS: &[Command] = &[
    Command::now("get weight", Level::User, "get weight <bk>/<srv>", "report a server's current weight", |call| {
        answer(weight(call))
    }),
    Command::now(
        "set weight",
        Level::Admin,
        "set weight <bk>/<srv>  (DEPRECATED)",
        "change a server's weight (use 'set server' instead)",
        |call| answer(Chosen::find(call, 2).and_then(|chosen| chosen.set_weight(call.word(3)))),
    ),
    Command::later(
        "enable server",
        Level::Admin,
        "enable server  (DEPRECATED)",
        "enable a disabled server (use 'set server' instead)",
        |call| Box::pin(probing::put(call, ServerChange::Ready)),
    ),
    Command::later(
        "disable server",
        Level::Admin,
        "disable server (DEPRECATED)",
        "disable a server for maintenance (use 'set server' instead)",
        |call| Box::pin(probing::put(call, ServerChange::Maintenance)),
    ),
    Command::later(
        "set server",
        Level::Admin,
        "set server <bk>/<srv> [opts]",
        "change a server's state, weight, address or ssl",
        |call| {
            Box::pin(async move {
                let mut awaited = dynamic::OPTIONS.iter().chain(probing::OPTIONS);
                match awaited.find(|(word, _)| *word == call.word(3)) {
                    Some((_, change)) => change(call).await,
                    None => answer(Chosen::find(call, 2).and_then(|chosen| chosen.set(call))),
                }
            })
        },
    ),
];

/// Changes something about a server.
type Change = fn(&Chosen, &Call<'_>) -> Result<Answer, Answer>;

/// What is changed about a server, by the word that asks for it.
const OPTIONS: &[(&str, Change)] = &[
    // Connections to servers have no TLS that could be switched.
    ("ssl", |_, _| {
        Err(Answer::error("'set server <srv> ssl' cannot be set.  default-server should define ssl settings"))
    }),
    ("weight", |chosen, call| chosen.set_weight(call.word(4))),
];

fn answer(result: Result<Answer, Answer>) -> Answer {
    result.unwrap_or_else(|refusal| refusal)
}

/// A server that a command names.
pub struct Chosen {
    /// Its backend.
    pub backend: Arc<Backend>,
    /// Its number there.
    pub index: usize,
    /// Its state.
    pub server: Arc<Server>,
}

impl Chosen {
    /// The server that a word names as `backend/server`.
    ///
    /// # Errors
    /// What HAProxy answers where there is none.
    pub fn find(call: &Call<'_>, number: usize) -> Result<Chosen, Answer> {
        let generation = call.process.generation.load();
        let (backend, server) =
            call.word(number).split_once('/').ok_or_else(|| Answer::error("Require 'backend/server'."))?;
        let backend = find_backend(&generation, backend).ok_or_else(|| Answer::error("No such backend."))?;
        let index = backend.model.servers.iter().position(|known| known.name == server);
        let found = index.and_then(|index| Some((index, Arc::clone(backend.state.servers.get(index)?))));
        let (index, server) = found.ok_or_else(|| Answer::error("No such server."))?;
        Ok(Chosen { backend, index, server })
    }

    /// What the configuration says of its weight.
    fn initial_weight(&self) -> u16 {
        self.backend.model.servers.get(self.index).map_or(0, |server| server.weight.value())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        self.backend.model.servers.get(self.index).map_or(nowhere, |server| server.address)
    }

    /// What it is called in place of an address.
    pub fn naming(&self) -> Naming {
        self.backend.model.servers.get(self.index).map(|server| server.options.naming.clone()).unwrap_or_default()
    }

    /// Whether it is probed.
    pub fn is_checked(&self) -> bool {
        self.backend.model.servers.get(self.index).is_some_and(|server| server.check.is_some())
    }

    /// Whether a change would change something.
    pub fn concerns(&self, change: ServerChange) -> bool {
        self.backend.model.servers.get(self.index).is_some_and(|model| change.concerns(model, &self.server))
    }

    fn set(&self, call: &Call<'_>) -> Result<Answer, Answer> {
        match OPTIONS.iter().find(|(word, _)| *word == call.word(3)) {
            Some((_, change)) => change(self, call),
            None => {
                let mut words: Vec<&str> = OPTIONS.iter().map(|(word, _)| *word).collect();
                words.extend(dynamic::OPTIONS.iter().chain(probing::OPTIONS).map(|(word, _)| *word));
                words.sort_unstable();
                Err(Answer::error(format!("usage: set server <backend>/<server> {}", words.join(" | "))))
            }
        }
    }

    fn set_weight(&self, text: &str) -> Result<Answer, Answer> {
        let weight = parse_weight(text, self.initial_weight())?;
        let model = &self.backend.model;
        let is_static = model.balance.is_static(&model.options.hashing);
        if is_static && weight != 0 && weight != self.initial_weight() {
            return Err(Answer::error(
                "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'.",
            ));
        }
        let weight = Weight::new(weight).ok_or_else(|| Answer::error("Weight out of range."))?;
        self.server.set_weight(weight);
        Ok(Answer::Done)
    }
}

/// The backend of a name.
pub fn find_backend(generation: &Generation, name: &str) -> Option<Arc<Backend>> {
    generation.backends.iter().find(|backend| backend.model.name == name).cloned()
}

/// `12` or `50%` of the initial weight.
fn parse_weight(text: &str, initial: u16) -> Result<u16, Answer> {
    if text.is_empty() {
        return Err(Answer::error("Require <weight> or <weight%>."));
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    let (number, rest) = text.split_at(digits);
    let number: i64 = number.parse().map_err(|_| refused("Empty weight string empty or preceded by garbage"))?;
    match rest {
        "%" if number < 0 => Err(Answer::error("Relative weight must be positive.")),
        // HAProxy bounds the share, then the weight that comes of it.
        "%" => Ok(u16::try_from((i64::from(initial) * number.min(25_600) / 100).min(256)).unwrap_or(256)),
        "" if !(0..=256).contains(&number) => {
            Err(Answer::error("Absolute weight can only be between 0 and 256 inclusive."))
        }
        "" => Ok(u16::try_from(number).unwrap_or(256)),
        _ => Err(refused("Trailing garbage in weight string")),
    }
}

/// A refusal that HAProxy ends without a line of its own.
pub fn refused(text: &str) -> Answer {
    Answer::Message(super::Severity::Error, text.to_owned())
}

/// The same of something that HAProxy calls a warning.
pub fn warned(text: &str) -> Answer {
    Answer::Message(super::Severity::Warning, text.to_owned())
}

fn weight(call: &Call<'_>) -> Result<Answer, Answer> {
    let chosen = Chosen::find(call, 2)?;
    Ok(Answer::Text(format!("{} (initial {})\n", chosen.server.weight(), chosen.initial_weight())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_weight_is_rounded_down_and_bounded() {
        for (text, weight) in [("50%", 5), ("0%", 0), ("1000%", 100), ("99999%", 256), ("12", 12), ("256", 256)] {
            assert_eq!(parse_weight(text, 10), Ok(weight), "{text}");
        }
        for text in ["", "-1", "257", "-5%", "3x", "abc"] {
            assert!(parse_weight(text, 10).is_err(), "{text}");
        }
    }
}
