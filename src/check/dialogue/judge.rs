//! Bytes of an answer held against `tcp-check expect`, and what is said where they do not fit.

use memchr::memmem;

use crate::check::outcome::{Code, Outcome};
use crate::check::rules::{Expect, Kind, Pattern, Rule, binary};

use super::packet::Judgement;
use super::{Dialogue, Step, World};

impl Dialogue {
    pub(super) fn expect_bytes(&mut self, rule: &Rule, expect: &Expect, world: &World<'_>) -> Step {
        let length = self.received.len();
        if self.is_over && length == 0 {
            // Nothing is no answer, not even to a rule that says what must not come.
            let why = format!("TCPCHK got an empty response at step {}", rule.step);
            let code = expect.verdicts.error.unwrap_or(Code::L7Rsp);
            return Step::Stop(self.refuse(rule, expect, false, code, &why, world));
        }
        if !self.is_over {
            let is_short = matches!(&expect.pattern, Pattern::Contains(wanted, _) if length < wanted.len());
            if is_short || expect.min_receive.is_some_and(|least| length < least) {
                return Step::Wait;
            }
        }
        let is_match = match &expect.pattern {
            Pattern::Contains(wanted, _) => memmem::find(&self.received, wanted).is_some(),
            Pattern::Matches(regex) => regex.is_match(&self.received),
            Pattern::DigitsMatch(regex) => {
                let digits: String = self.received.iter().map(|byte| format!("{byte:02X}")).collect();
                regex.is_match(digits.as_bytes())
            }
            Pattern::ContainsFormat(format) | Pattern::ContainsDigits(format) => {
                let wanted = self.render(format, world);
                if wanted.is_empty() {
                    let why = "log-format string evaluated to an empty string";
                    return Step::Stop(self.refuse(rule, expect, false, Code::L7Rsp, why, world));
                }
                let wanted = match expect.pattern {
                    Pattern::ContainsDigits(_) => binary(&wanted),
                    _ => Some(wanted),
                };
                let Some(wanted) = wanted else {
                    let why = "Failed to parse hexastring resulting of eval of a log-format string";
                    return Step::Stop(self.refuse(rule, expect, false, Code::L7Rsp, why, world));
                };
                if length < wanted.len() && !self.is_over {
                    return Step::Wait;
                }
                memmem::find(&self.received, &wanted).is_some()
            }
            Pattern::Mysql { .. } | Pattern::Ldap | Pattern::Spop if !self.received.is_empty() => {
                return self.custom(rule, expect, world);
            }
            Pattern::Mysql { .. }
            | Pattern::Ldap
            | Pattern::Spop
            | Pattern::Status(_)
            | Pattern::StatusMatches(_)
            | Pattern::Header(_) => false,
        };
        if !is_match && !self.is_over && expect.min_receive.is_none() {
            return Step::Wait;
        }
        if is_match != expect.is_inverted {
            return Step::Done;
        }
        let code = expect.verdicts.error.unwrap_or(Code::L7Rsp);
        Step::Stop(self.refuse(rule, expect, is_match, code, "", world))
    }

    fn custom(&mut self, rule: &Rule, expect: &Expect, world: &World<'_>) -> Step {
        let is_last = self.set.next_step(self.at).is_none();
        let judgement = match expect.pattern {
            Pattern::Mysql { is_second } => super::packet::mysql(&self.received, is_second, is_last),
            Pattern::Ldap => super::packet::ldap(&self.received),
            _ => super::spop::hello(&self.received),
        };
        match judgement {
            Judgement::Well(_) => Step::Done,
            Judgement::Short if !self.is_over => Step::Wait,
            Judgement::Short => {
                let (status, why) = match expect.pattern {
                    Pattern::Spop => (4, "invalid frame received"),
                    _ => (0, ""),
                };
                self.status = status;
                Step::Stop(self.refuse(rule, expect, false, Code::L7Rsp, why, world))
            }
            Judgement::Bad { code, status, why } => {
                self.status = status;
                Step::Stop(self.refuse(rule, expect, false, code, &why, world))
            }
        }
    }

    /// The result of a judgement of its own kind that came last; `Err` gives the words back where there is none.
    pub(super) fn custom_success(&mut self, expect: &Expect, detail: String) -> Result<Outcome, String> {
        let judgement = match expect.pattern {
            Pattern::Mysql { is_second } => super::packet::mysql(&self.received, is_second, true),
            Pattern::Ldap => super::packet::ldap(&self.received),
            Pattern::Spop => super::spop::hello(&self.received),
            _ => return Err(detail),
        };
        match judgement {
            Judgement::Well(words) => Ok(Outcome::new(Code::L7Ok, words)),
            Judgement::Short | Judgement::Bad { .. } => Err(detail),
        }
    }

    /// A failed expect: its words are `why`, those of `on-error`, or a description.
    pub(super) fn refuse(
        &mut self,
        rule: &Rule,
        expect: &Expect,
        is_match: bool,
        code: Code,
        why: &str,
        world: &World<'_>,
    ) -> Outcome {
        let mut words = match &expect.verdicts.on_error {
            _ if !why.is_empty() => why.to_owned(),
            Some(format) => self.text(format, world),
            None if matches!(self.set.kind, Kind::Protocol | Kind::Http) => String::new(),
            None => description(expect, is_match, rule.step),
        };
        if let Some(comment) = &rule.comment {
            words.push_str(" comment: ");
            words.push_str(comment);
        }
        self.computed_status(expect, world);
        Outcome::new(code, words)
    }
}

fn description(expect: &Expect, is_match: bool, step: usize) -> String {
    let what = if is_match { "TCPCHK matched unwanted content" } else { "TCPCHK did not match content" };
    let subject = match &expect.pattern {
        Pattern::Status(_) => "(status codes)".to_owned(),
        Pattern::Contains(text, false) => format!(" '{}'", String::from_utf8_lossy(text)),
        Pattern::Contains(_, true) => " (binary)".to_owned(),
        Pattern::Matches(_) | Pattern::StatusMatches(_) => " (regex)".to_owned(),
        Pattern::DigitsMatch(_) => " (binary regex)".to_owned(),
        Pattern::ContainsFormat(_) => " (log-format string)".to_owned(),
        Pattern::ContainsDigits(_) => " (log-format binary)".to_owned(),
        Pattern::Header(_) => " (header pattern)".to_owned(),
        Pattern::Mysql { .. } | Pattern::Ldap | Pattern::Spop => " (custom function)".to_owned(),
    };
    format!("{what}{subject} at step {step}")
}
