//! Log profiles: how lines of a log target look at each step, and its tag (HAProxy manual §8.3.5).
//!
//! A profile is made of lines of the process: `log-profile NAME` begins it, `log-profile NAME log-tag TAG` and
//! `log-profile NAME on STEP [drop] [format FORMAT] [sd FORMAT]` say more. The word `any` stands for every step that has no
//! line of its own.

use crate::model::log::Origin;
use crate::rule::error::RuleError;
use crate::rule::format::{Format, FormatUse};
use crate::rule::scope::Scope;
use crate::rule::stage::Stage;

/// A profile.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// In place of the tag of the proxy.
    pub tag: Option<String>,
    /// Looks of lines at a step; the origin `None` is `any`.
    steps: Vec<(Option<Origin>, Look)>,
}

/// How a line looks at a step.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// There is none.
    pub is_dropped: bool,
    /// In place of the proxy's format.
    pub format: Option<Format>,
    /// In place of the proxy's structured data.
    pub structured: Option<Format>,
}

impl Profile {
    /// Adds what a line says to the profile that it names.
    ///
    /// # Errors
    /// The line is wrong.
    pub fn add(profiles: &mut Vec<Profile>, words: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let name = words.get(1).ok_or_else(|| RuleError::new(0, "'log-profile' expects a name"))?;
        let at = profiles.iter().position(|known| known.name == **name);
        let at = at.unwrap_or_else(|| {
            profiles.push(Profile { name: (*name).to_owned(), ..Profile::default() });
            profiles.len() - 1
        });
        let profile = &mut profiles[at];
        match words[2..] {
            [] => Ok(()),
            ["log-tag", tag] => {
                profile.tag = Some(tag.to_owned());
                Ok(())
            }
            ["log-tag", ..] => Err(RuleError::new(2, "'log-tag' expects a tag and nothing behind it")),
            ["on", step, ..] => {
                let origin = match step {
                    "any" => None,
                    step => Some(Origin::by_word(step).ok_or_else(|| unknown(step))?),
                };
                let look = look(&words[4..], scope).map_err(|error| error.later(4))?;
                match profile.steps.iter_mut().find(|(known, _)| *known == origin) {
                    Some((_, known)) => known.change(look),
                    None => profile.steps.push((origin, look)),
                }
                Ok(())
            }
            [..] => Err(RuleError::new(2, "a log profile knows 'log-tag <tag>' and 'on <step> ...'")),
        }
    }

    /// How lines look there; `None` as the proxy says.
    pub fn at(&self, origin: Origin) -> Option<&Look> {
        let origin = if origin == Origin::Killed { Origin::Error } else { origin };
        let of = |wanted| self.steps.iter().find(|(known, _)| *known == wanted).map(|(_, look)| look);
        of(Some(origin)).or_else(|| of(None))
    }

    /// Every format.
    pub fn formats(&self) -> impl Iterator<Item = &Format> {
        self.steps.iter().flat_map(|(_, look)| [look.format.as_ref(), look.structured.as_ref()]).flatten()
    }
}

impl Look {
    /// Takes over what a later line says of the same step.
    fn change(&mut self, later: Look) {
        self.is_dropped = later.is_dropped;
        self.format = later.format.or(self.format.take());
        self.structured = later.structured.or(self.structured.take());
    }
}

fn unknown(step: &str) -> RuleError {
    let mut words: Vec<&str> = Origin::WORDS.iter().map(|(_, word, _)| *word).collect();
    words.dedup();
    RuleError::new(3, format!("'{step}' is no step of a log; any, {}", words.join(", ")))
}

/// `[drop] [format FORMAT] [sd FORMAT]`
fn look(words: &[&str], scope: &mut Scope<'_>) -> Result<Look, RuleError> {
    let mut look = Look::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let place = match *word {
            "drop" if at == 0 => {
                look.is_dropped = true;
                at += 1;
                continue;
            }
            "format" => &mut look.format,
            "sd" => &mut look.structured,
            _ => return Err(RuleError::new(at, "expected 'drop', 'format' or 'sd'")),
        };
        let text = words.get(at + 1).ok_or_else(|| RuleError::new(at, format!("'{word}' expects a format")))?;
        scope.stage = Stage::Log;
        *place = Some(Format::compile(text, FormatUse::Log, scope).map_err(|error| error.later(at + 1))?);
        look.is_dropped = false;
        at += 2;
    }
    match at {
        0 => Err(RuleError::new(0, "expected 'drop', 'format' or 'sd'")),
        _ => Ok(look),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::rule::Registry;
    use crate::rule::scope::NoFiles;

    fn compiled(lines: &[&str]) -> Result<Vec<Profile>, RuleError> {
        let (mut registry, userlists) = (Registry::default(), HashMap::new());
        let mut scope = Scope::new(Stage::Load, &NoFiles, &mut registry, &userlists);
        let mut profiles = Vec::new();
        for line in lines {
            Profile::add(&mut profiles, &line.split(' ').collect::<Vec<_>>(), &mut scope)?;
        }
        Ok(profiles)
    }

    #[test]
    fn a_step_without_a_line_of_its_own_is_any() {
        let profiles = compiled(&[
            "log-profile p",
            "log-profile p on any sd x",
            "log-profile p on close drop",
            "log-profile p on error format %ci",
            "log-profile q log-tag t",
        ])
        .unwrap();
        assert_eq!(
            profiles.iter().map(|one| (&*one.name, one.tag.as_deref())).collect::<Vec<_>>(),
            [("p", None), ("q", Some("t"))]
        );
        let at = |origin| profiles[0].at(origin).map(|look| (look.is_dropped, look.format.is_some()));
        assert_eq!(at(Origin::Close), Some((true, false)));
        assert_eq!((at(Origin::Error), at(Origin::Killed)), (Some((false, true)), Some((false, true))));
        assert_eq!(at(Origin::HttpRequest), Some((false, false)));
        assert!(profiles[1].at(Origin::Close).is_none());
    }

    #[test]
    fn a_later_line_undoes_drop() {
        let profiles = compiled(&["log-profile p on close drop", "log-profile p on close format %ci"]).unwrap();
        assert_eq!(profiles[0].at(Origin::Close).map(|look| look.is_dropped), Some(false));
    }

    #[test]
    fn bad_lines_are_told() {
        for (line, at) in [
            ("log-profile p on nowhere drop", 3),
            ("log-profile p on close", 4),
            ("log-profile p on close format", 4),
            ("log-profile p on close sd x drop", 6),
            ("log-profile p on close format %nothing", 5),
            ("log-profile p log-tag", 2),
            ("log-profile p off", 2),
        ] {
            assert_eq!(compiled(&[line]).unwrap_err().at, at, "{line}");
        }
    }
}
