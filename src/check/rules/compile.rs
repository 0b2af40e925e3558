//! Lines of a check into rules.

use std::collections::HashMap;
use std::sync::Arc;

use crate::rule::userlist::Userlist;
use crate::rule::{self, Files, Registry, RuleError, RuleSet, Scope, Stage};

use super::words::Reader;
use super::{Action, Connect, Kind, Plan, Program, Rule, Ruleset, Send, canned, connect, expect, send};

/// HAProxy's `DEF_CHECK_PATH`.
const PATH: &str = "";

/// What is wrong with a line.
#[derive(Clone, Debug)]
pub struct LineError {
    /// Number of the line, 0-.
    pub line: usize,
    /// What; the word counts from the line's first.
    pub what: RuleError,
}

/// What became of the lines.
#[derive(Debug)]
pub struct Compiled {
    /// What they do, without those that are wrong.
    pub plan: Plan,
    /// Why those are not right.
    pub errors: Vec<LineError>,
    /// Lines that do nothing because of the option that is missing, and which.
    pub unused: Vec<(usize, &'static str)>,
}

/// Compiles the words of `option httpchk` and its like, `http-check`, `tcp-check` and `external-check` lines, in the
/// order of the file. Of several options the last one counts.
pub fn compile(
    lines: &[Vec<String>],
    files: &dyn Files,
    registry: &mut Registry,
    userlists: &HashMap<String, Arc<Userlist>>,
) -> Compiled {
    let mut scope = Scope::new(Stage::Check, files, registry, userlists);
    let words: Vec<Vec<&str>> = lines.iter().map(|line| line.iter().map(String::as_str).collect()).collect();
    let is_option = |line: &Vec<&str>| line.first() == Some(&"option");
    let option = words.iter().rposition(is_option);
    let name = option.and_then(|number| words[number].get(1).copied()).unwrap_or("");
    let kind = match name {
        "httpchk" => Kind::Http,
        "tcp-check" => Kind::Tcp,
        _ => Kind::Plain,
    };
    let mut compiled = Compiled { plan: Plan::Rules(Ruleset::new(kind)), errors: Vec::new(), unused: Vec::new() };
    let mut builder = Builder::new(kind);
    let mut program = Program { command: String::new(), path: PATH.to_owned() };
    for (number, line) in words.iter().enumerate() {
        let result = match (line.first().copied().unwrap_or_default(), name) {
            ("option", _) if option != Some(number) => Ok(()),
            ("option", _) => builder.option(name, line, &mut scope),
            ("http-check", "httpchk") => builder.http(line, &mut scope),
            ("tcp-check", "tcp-check") => builder.tcp(line, &mut scope),
            ("external-check", "external-check") => of_program(&mut program, line),
            ("http-check", _) => {
                compiled.unused.push((number, "option httpchk"));
                Ok(())
            }
            ("tcp-check", _) => {
                compiled.unused.push((number, "option tcp-check"));
                Ok(())
            }
            ("external-check", _) => {
                compiled.unused.push((number, "option external-check"));
                Ok(())
            }
            (other, _) => Err(RuleError::new(0, format!("'{other}' is no rule of a check"))),
        };
        if let Err(what) = result {
            compiled.errors.push(LineError { line: number, what });
        }
    }
    if name == "external-check" {
        if let (true, Some(line)) = (program.command.is_empty(), option) {
            let what = RuleError::new(0, "'option external-check' needs 'external-check command'");
            compiled.errors.push(LineError { line, what });
        }
        compiled.plan = Plan::Program(program);
        return compiled;
    }
    compiled.plan = Plan::Rules(builder.finish(&mut scope));
    compiled
}

fn of_program(program: &mut Program, line: &[&str]) -> Result<(), RuleError> {
    let value = || line.get(2).map(|word| (*word).to_owned());
    if let Some(more) = line.get(3) {
        return Err(RuleError::new(3, format!("cannot handle unexpected argument '{more}'")));
    }
    let place = match line.get(1) {
        Some(&"command") => &mut program.command,
        Some(&"path") => &mut program.path,
        _ => return Err(RuleError::new(1, "'external-check' expects 'command' or 'path'")),
    };
    *place = value().ok_or_else(|| RuleError::new(1, "expects an argument"))?;
    Ok(())
}

impl Ruleset {
    fn new(kind: Kind) -> Ruleset {
        Ruleset { kind, rules: Vec::new(), disable_on_404: false, send_state: false, preset: Vec::new() }
    }
}

/// Adds rules one by one.
struct Builder {
    set: Ruleset,
    /// Number of the next rule, as HAProxy counts: comments and variables too.
    next: usize,
}

impl Builder {
    fn new(kind: Kind) -> Builder {
        Builder { set: Ruleset::new(kind), next: 0 }
    }

    fn push(&mut self, action: Action, comment: Option<String>) {
        self.next += 1;
        self.set.rules.push(Rule { step: self.next, comment, action });
    }

    /// `option httpchk` and its like.
    fn option(&mut self, name: &str, line: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let mut reader = Reader::new(line, 2, scope);
        match name {
            "httpchk" => {
                let request = send::compile_option(&mut reader)?;
                self.request_of_option(request);
                Ok(())
            }
            "tcp-check" | "external-check" => reader.end(),
            _ => {
                self.set.kind = Kind::Protocol;
                let script = canned::script(name, &mut reader)?;
                self.set.preset = script.preset;
                for (line, custom) in script.lines {
                    let line: Vec<&str> = line.iter().map(String::as_str).collect();
                    match custom {
                        Some(pattern) => self.push(Action::Expect(canned::custom(pattern)), None),
                        None => self.tcp(&line, scope)?,
                    }
                }
                Ok(())
            }
        }
    }

    /// `tcp-check ...`
    fn tcp(&mut self, line: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let kind = self.set.kind;
        let mut reader = Reader::new(line, 2, scope);
        match line.get(1).copied().unwrap_or_default() {
            "connect" => {
                let is_first = |rule: &Rule| matches!(rule.action, Action::Send(_) | Action::Expect(_));
                let has_connect = self.set.rules.iter().any(|rule| matches!(rule.action, Action::Connect(_)));
                if !has_connect && self.set.rules.iter().any(is_first) {
                    let what = "first step MUST also be a 'connect', optionally preceded by a 'set-var', an 'unset-var' or a 'comment'";
                    return Err(RuleError::new(1, what));
                }
                let (connect, comment) = connect::compile(&mut reader)?;
                self.push(Action::Connect(connect), comment);
            }
            form @ ("send" | "send-binary" | "send-lf" | "send-binary-lf") => {
                let (send, comment) = send::compile(form, &mut reader)?;
                self.push(Action::Send(send), comment);
            }
            "expect" => {
                let (expect, comment) = expect::compile(kind, &mut reader)?;
                self.push(Action::Expect(expect), comment);
            }
            _ => self.common(line, scope)?,
        }
        Ok(())
    }

    /// `http-check ...`
    fn http(&mut self, line: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let mut reader = Reader::new(line, 2, scope);
        match line.get(1).copied().unwrap_or_default() {
            "disable-on-404" => {
                reader.end()?;
                self.set.disable_on_404 = true;
            }
            "send-state" => {
                reader.end()?;
                self.set.send_state = true;
            }
            "connect" => {
                let (connect, comment) = connect::compile(&mut reader)?;
                self.follows(&["expect"], "connect", "expect")?;
                self.push(Action::Connect(connect), comment);
            }
            "send" => {
                let (request, comment) = send::compile_http(&mut reader)?;
                self.explicit_request(request, comment)?;
            }
            "expect" => {
                let (expect, comment) = expect::compile(Kind::Http, &mut reader)?;
                self.follows(&["send", "expect"], "expect", "send")?;
                self.push(Action::Expect(expect), comment);
            }
            _ => self.common(line, scope)?,
        }
        Ok(())
    }

    /// Rules that both sets have.
    fn common(&mut self, line: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        let word = line.get(1).copied().unwrap_or_default();
        if word == "comment" {
            let mut reader = Reader::new(line, 2, scope);
            let comment = reader.argument("a string")?.to_owned();
            reader.end()?;
            self.push(Action::Comment, Some(comment));
            return Ok(());
        }
        if !["set-var(", "set-var-fmt(", "unset-var("].iter().any(|known| word.starts_with(known)) {
            let what = match self.set.kind {
                Kind::Http => "'disable-on-404', 'send-state', 'comment', 'connect', 'send', 'expect'",
                _ => "'comment', 'connect', 'send', 'send-binary', 'send-lf', 'send-binary-lf', 'expect'",
            };
            return Err(RuleError::new(
                1,
                format!("only {what}, 'set-var', 'set-var-fmt' and 'unset-var' are known here, not '{word}'"),
            ));
        }
        let rule = rule::compile(&line[1..], 0, scope).map_err(|error| error.later(1))?;
        self.push(Action::Variable(RuleSet { stage: Stage::Check, rules: vec![rule] }), None);
        Ok(())
    }

    /// The last rule that is no comment and no variable.
    fn last(&self) -> Option<&Rule> {
        self.set.rules.iter().rev().find(|rule| !matches!(rule.action, Action::Comment | Action::Variable(_)))
    }

    /// An `http-check` rule that stands behind one of these only, or first.
    fn follows(&self, before: &[&str], what: &str, missing: &str) -> Result<(), RuleError> {
        let name = match self.last().map(|rule| &rule.action) {
            None => return Ok(()),
            Some(Action::Send(Send::Http(request))) if request.is_of_option => return Ok(()),
            Some(Action::Send(_)) => "send",
            Some(Action::Expect(_)) => "expect",
            Some(_) => "connect",
        };
        if before.contains(&name) {
            return Ok(());
        }
        let step = self.next + 1;
        Err(RuleError::new(1, format!("unable to add http-check {what} rule at step {step} (missing {missing} rule)")))
    }

    /// The place of the request of `option httpchk`, or of the one that it is merged with.
    fn first_request(&mut self) -> Option<&mut send::HttpRequest> {
        let steps =
            self.set.rules.iter_mut().filter(|rule| !matches!(rule.action, Action::Comment | Action::Variable(_)));
        let first = steps.into_iter().find(|rule| !matches!(rule.action, Action::Connect(_)))?;
        match &mut first.action {
            Action::Send(Send::Http(request)) => Some(request),
            _ => None,
        }
    }

    fn request_of_option(&mut self, request: send::HttpRequest) {
        match self.first_request() {
            // What `http-check send` said before the option; the option's words are taken over.
            Some(known) => known.overwrite(request),
            None => {
                let rule = Rule { step: 1, comment: None, action: Action::Send(Send::Http(Box::new(request))) };
                self.set.rules.insert(0, rule);
            }
        }
    }

    fn explicit_request(&mut self, request: send::HttpRequest, comment: Option<String>) -> Result<(), RuleError> {
        self.follows(&["connect"], "send", "connect")?;
        let implicit = self
            .set
            .rules
            .iter()
            .position(|rule| matches!(&rule.action, Action::Send(Send::Http(request)) if request.is_of_option));
        let mut whole = match implicit.map(|at| self.set.rules.remove(at).action) {
            Some(Action::Send(Send::Http(option))) => *option,
            _ => send::HttpRequest::default(),
        };
        whole.overwrite(request);
        whole.is_of_option = false;
        self.push(Action::Send(Send::Http(Box::new(whole))), comment);
        Ok(())
    }

    /// Adds what nobody needs to write.
    fn finish(mut self, scope: &mut Scope<'_>) -> Ruleset {
        if self.set.kind == Kind::Http {
            self.move_request();
            if matches!(self.last().map(|rule| &rule.action), Some(Action::Send(_))) {
                let line = ["http-check", "expect", "status", "200-399"];
                self.next = self.last().map_or(0, |rule| rule.step);
                let mut reader = Reader::new(&line, 2, scope);
                if let Ok((expect, _)) = expect::compile(Kind::Http, &mut reader) {
                    self.push(Action::Expect(expect), None);
                }
            }
        }
        let is_step = |rule: &&Rule| !matches!(rule.action, Action::Comment | Action::Variable(_));
        let first = self.set.rules.iter().find(is_step);
        if !matches!(first.map(|rule| &rule.action), Some(Action::Connect(_))) {
            let rule = Rule { step: 0, comment: None, action: Action::Connect(Connect::implicit()) };
            self.set.rules.insert(0, rule);
        }
        self.spread_comments();
        self.set
    }

    /// The request of `option httpchk` goes behind the first connect.
    fn move_request(&mut self) {
        let is_request =
            |rule: &Rule| matches!(&rule.action, Action::Send(Send::Http(request)) if request.is_of_option);
        let Some(at) = self.set.rules.iter().position(is_request) else { return };
        let is_step = |rule: &Rule| !matches!(rule.action, Action::Comment | Action::Variable(_));
        let behind = self.set.rules.iter().skip(at + 1).position(is_step).map(|offset| at + 1 + offset);
        let Some(next) = behind.filter(|next| matches!(self.set.rules[*next].action, Action::Connect(_))) else {
            return;
        };
        let step = self.set.rules[next].step + 1;
        let rule = self.set.rules.remove(at);
        self.set.rules.insert(next, Rule { step, ..rule });
    }

    /// A comment goes to the rules behind it, as long as they are of one kind.
    fn spread_comments(&mut self) {
        let mut comment: Option<String> = None;
        let mut before = None;
        for rule in &mut self.set.rules {
            let kind = std::mem::discriminant(&rule.action);
            let is_other = before.is_some_and(|before| before != kind);
            if is_other && before != Some(std::mem::discriminant(&Action::Comment)) {
                comment = None;
            }
            before = Some(kind);
            match &rule.action {
                Action::Comment => comment = rule.comment.take(),
                Action::Variable(_) => comment = None,
                Action::Connect(_) => {
                    let given = comment.take();
                    rule.comment = rule.comment.take().or(given);
                }
                Action::Send(_) | Action::Expect(_) => {
                    rule.comment = rule.comment.take().or_else(|| comment.clone());
                }
            }
        }
        self.set.rules.retain(|rule| !matches!(rule.action, Action::Comment));
    }
}
