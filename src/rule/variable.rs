//! Variables: `txn.name` and its relatives, typed (HAProxy manual §2.8).

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, PoisonError, RwLock};

use super::error::RuleError;
use super::sample::{Sample, Text};

/// How long a variable lives and who shares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VariableScope {
    /// The process.
    Process,
    /// The client connection.
    Session,
    /// A request and its response.
    Transaction,
    /// Request processing.
    Request,
    /// Response processing.
    Response,
    /// A health check.
    Check,
}

const SCOPES: [(&str, VariableScope); 6] = [
    ("proc", VariableScope::Process),
    ("sess", VariableScope::Session),
    ("txn", VariableScope::Transaction),
    ("req", VariableScope::Request),
    ("res", VariableScope::Response),
    ("check", VariableScope::Check),
];

/// A scope and a name in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VariableName {
    /// Where it lives.
    pub scope: VariableScope,
    /// Without the scope.
    pub name: Arc<str>,
}

impl VariableName {
    /// Reads `scope.name`.
    pub fn parse(text: &str) -> Result<VariableName, RuleError> {
        let wrong = |what: String| RuleError::new(0, what).hint("proc., sess., txn., req., res. or check. and a name");
        let Some((scope, name)) = text.split_once('.') else {
            return Err(wrong(format!("variable '{text}' has no scope")));
        };
        let Some((_, scope)) = SCOPES.iter().find(|(word, _)| *word == scope) else {
            return Err(wrong(format!("unknown variable scope '{scope}'")));
        };
        let is_good = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if name.is_empty() || !name.chars().all(is_good) {
            return Err(wrong(format!("bad variable name '{text}': letters, digits, '.' and '_' only")));
        }
        Ok(VariableName { scope: *scope, name: name.into() })
    }
}

impl std::fmt::Display for VariableName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scope = SCOPES.iter().find(|(_, scope)| *scope == self.scope).map_or("", |(word, _)| word);
        write!(out, "{scope}.{}", self.name)
    }
}

/// A value that outlives the expression that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Stored {
    Bool(bool),
    Int(i64),
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
    Str(Arc<[u8]>),
    Bin(Arc<[u8]>),
    Method(Arc<[u8]>),
}

impl Stored {
    /// Keeps a sample.
    pub fn of(sample: &Sample<'_>) -> Stored {
        let shared = |text: &Text<'_>| match text {
            Text::Shared(bytes) => Arc::clone(bytes),
            other => Arc::from(&**other),
        };
        match sample {
            Sample::Bool(value) => Stored::Bool(*value),
            Sample::Int(value) => Stored::Int(*value),
            Sample::Ipv4(address) => Stored::Ipv4(*address),
            Sample::Ipv6(address) => Stored::Ipv6(*address),
            Sample::Str(text) => Stored::Str(shared(text)),
            Sample::Bin(text) => Stored::Bin(shared(text)),
            Sample::Method(text) => Stored::Method(shared(text)),
        }
    }

    /// The sample again, without copying.
    pub fn sample<'t>(&self) -> Sample<'t> {
        let shared = |bytes: &Arc<[u8]>| Text::Shared(Arc::clone(bytes));
        match self {
            Stored::Bool(value) => Sample::Bool(*value),
            Stored::Int(value) => Sample::Int(*value),
            Stored::Ipv4(address) => Sample::Ipv4(*address),
            Stored::Ipv6(address) => Sample::Ipv6(*address),
            Stored::Str(bytes) => Sample::Str(shared(bytes)),
            Stored::Bin(bytes) => Sample::Bin(shared(bytes)),
            Stored::Method(bytes) => Sample::Method(shared(bytes)),
        }
    }
}

/// Variables of the process: one for all threads, behind a lock that only rules using `proc.` take.
#[derive(Debug, Default)]
pub struct ProcessVariables(RwLock<HashMap<Arc<str>, Option<Stored>>>);

impl ProcessVariables {
    /// Its value.
    pub fn find(&self, name: &str) -> Option<Stored> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned().flatten()
    }

    /// Stores a value, or takes it away with `None`.
    pub fn store(&self, name: &Arc<str>, value: Option<Stored>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(name), value);
    }
}

/// Variables of one session and of the stream that it serves now; one thread at a time.
#[derive(Debug, Default)]
pub struct Variables {
    process: Arc<ProcessVariables>,
    own: RefCell<Vec<(VariableName, Option<Stored>)>>,
}

impl Variables {
    /// None set, in this process.
    pub fn new(process: Arc<ProcessVariables>) -> Variables {
        Variables { process, own: RefCell::default() }
    }

    /// The value of a variable.
    pub fn find(&self, name: &VariableName) -> Option<Stored> {
        if name.scope == VariableScope::Process {
            return self.process.find(&name.name);
        }
        self.own.borrow().iter().find(|(known, _)| known == name).and_then(|(_, value)| value.clone())
    }

    /// Whether the variable exists, with or without a value. Those of the process do as soon as a line names them.
    pub fn exists(&self, name: &VariableName) -> bool {
        name.scope == VariableScope::Process || self.own.borrow().iter().any(|(known, _)| known == name)
    }

    /// Stores a value, or takes it away with `None`.
    pub fn store(&self, name: &VariableName, value: Option<Stored>) {
        if name.scope == VariableScope::Process {
            return self.process.store(&name.name, value);
        }
        let mut own = self.own.borrow_mut();
        match own.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => *slot = value,
            None if value.is_some() => own.push((name.clone(), value)),
            None => {}
        }
    }

    /// Forgets a scope: `req` when the request has been forwarded, `txn` and `res` at the end of a transaction.
    pub fn forget(&self, scope: VariableScope) {
        self.own.borrow_mut().retain(|(name, _)| name.scope != scope);
    }

    /// Calls `each` with every variable of the scope (all of them for `None`), newest first as HAProxy lists them.
    pub fn for_each(&self, scope: Option<VariableScope>, mut each: impl FnMut(&VariableName, &Stored)) {
        for (name, value) in self.own.borrow().iter().rev() {
            if let Some(value) = value.as_ref().filter(|_| scope.is_none_or(|scope| scope == name.scope)) {
                each(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_keeps_its_type_until_it_is_unset() {
        let variables = Variables::default();
        let name = VariableName::parse("txn.x").unwrap();
        variables.store(&name, Some(Stored::Int(5)));
        assert_eq!(variables.find(&name), Some(Stored::Int(5)));
        variables.store(&name, None);
        assert_eq!(variables.find(&name), None);
        assert!(variables.exists(&name));
        variables.forget(VariableScope::Transaction);
        assert!(!variables.exists(&name));
    }

    #[test]
    fn process_variables_are_shared() {
        let process = Arc::new(ProcessVariables::default());
        let name = VariableName::parse("proc.n").unwrap();
        Variables::new(Arc::clone(&process)).store(&name, Some(Stored::Bool(true)));
        assert_eq!(Variables::new(process).find(&name), Some(Stored::Bool(true)));
    }

    #[test]
    fn bad_names_are_refused() {
        for text in ["x", "foo.x", "txn.", "txn.a-b", "txn.a b"] {
            assert!(VariableName::parse(text).is_err(), "{text}");
        }
    }
}
