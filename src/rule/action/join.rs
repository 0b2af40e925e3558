//! Rules in a row that write fields whose values never change become one rule: responses often get five of them, and looking
//! for their names, listing them and copying them costs a rule of its own each time.

use crate::http::FieldLines;

use super::{Action, RuleSet};

impl RuleSet {
    /// Joins the rules that can be. Conditions stay with their rules: what has one is not joined.
    pub(in crate::rule) fn join(&mut self) {
        let rules = std::mem::take(&mut self.rules);
        for rule in rules {
            let last = self.rules.last_mut().filter(|last| last.condition.is_none() && rule.condition.is_none());
            if !last.is_some_and(|last| last.action.join(&rule.action)) {
                self.rules.push(rule);
            }
        }
    }
}

impl Action {
    /// Does what the next action does, too. `false` if it cannot.
    fn join(&mut self, next: &Action) -> bool {
        let Some(mut lines) = self.lines() else { return false };
        let is_joined = match next {
            Action::AddHeader { line, .. } => lines.add(line, false),
            Action::SetHeader { line, .. } => lines.add(line, true),
            _ => false,
        };
        if is_joined {
            *self = Action::WriteHeaders(lines);
        }
        is_joined
    }

    /// Lines that have their values, if it writes nothing else.
    fn lines(&self) -> Option<FieldLines> {
        let mut lines = FieldLines::default();
        let is_it = match self {
            Action::WriteHeaders(lines) => return Some(lines.clone()),
            Action::AddHeader { line, .. } => lines.add(line, false),
            Action::SetHeader { line, .. } => lines.add(line, true),
            _ => false,
        };
        is_it.then_some(lines)
    }
}

#[cfg(test)]
mod tests {
    use crate::rule::action::{Progress, RuleSet, compile_rule};
    use crate::rule::fixture::World;
    use crate::rule::stage::Stage;
    use crate::rule::tests::text;

    /// How many rules are left, and the head that they make.
    fn joined(stage: Stage, rules: &[&str], join: impl FnOnce(&mut RuleSet)) -> (usize, String) {
        let mut world = World::new();
        let count = world.with(
            stage,
            |scope| {
                let mut set = RuleSet::new(stage);
                for rule in rules {
                    let words: Vec<&str> = rule.split(' ').collect();
                    set.rules.push(compile_rule(&words, 1, scope).unwrap());
                }
                join(&mut set);
                set
            },
            |set, transaction| {
                set.run(transaction, &mut Progress::default());
                set.rules.len()
            },
        );
        let fields = if stage.is_response() { "res.hdrs" } else { "req.hdrs" };
        (count, text(&mut world, stage, fields))
    }

    #[test]
    fn joined_rules_do_what_each_of_them_does() {
        let cases: &[(&[&str], usize)] = &[
            (&["set-header A 1", "set-header B 2", "add-header C 3", "add-header C 4"], 1),
            (&["set-header A 1", "set-header a 2", "set-header B 3"], 2),
            (&["add-header A 1", "add-header a 2", "set-header A 3"], 2),
            (&["set-header SERVER 1", "set-header X-Count 2", "add-header X-Count 3"], 1),
            (&["set-header A 1", "set-header B %[res.hdr(a)]", "set-header C 2"], 3),
            (&["set-header A 1", "set-header B 2 if FALSE", "set-header C 3", "set-header D 4"], 3),
            (&["set-header A 1", "del-header a", "set-header B 2", "set-header C 3"], 3),
            (&["set-header A 1", "set-header Set-Cookie x=y", "set-header B 2"], 3),
            (&["set-header Connection 1", "set-header B 2", "set-header Content-Length 3"], 3),
        ];
        for (rules, left) in cases {
            let (count, head) = joined(Stage::HttpResponse, rules, RuleSet::join);
            assert_eq!(count, *left, "{rules:?}");
            assert_eq!(head, joined(Stage::HttpResponse, rules, |_| {}).1, "{rules:?}");
        }
    }

    #[test]
    fn joined_rules_of_requests_see_what_was_written_before() {
        let rules =
            ["set-header Accept 1", "set-header X-Multi 2", "set-header Z %[req.hdr(x-multi)]", "del-header accept"];
        let (count, head) = joined(Stage::HttpRequest, &rules, RuleSet::join);
        assert_eq!((count, head.as_str()), (3, joined(Stage::HttpRequest, &rules, |_| {}).1.as_str()));
        assert!(head.contains("x-multi: 2\r\nz: 2\r\n") && !head.contains("accept:"), "{head}");
    }
}
