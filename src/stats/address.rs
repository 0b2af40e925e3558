//! The address of the page: what follows its URI (management guide §9.2, `;csv` and its like).

use std::fmt::Write;

use super::outcome::Outcome;
use super::select::{Form, StatRequest, Which, Without};

/// What is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The page.
    #[default]
    Page,
    /// Rows in one of their forms.
    Rows(Form),
    /// The schema of the JSON form.
    Schema,
}

/// The longest text that proxies are searched for, as in HAProxy.
const LONGEST_SCOPE: usize = 20;

/// What an address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Which document.
    pub wanted: Wanted,
    /// Servers that are left out.
    pub without: Without,
    /// `;norefresh`: it does not reload by itself.
    pub stays: bool,
    /// `scope=`: a part of the names of the proxies that are shown.
    pub scope: Option<String>,
    /// `;st=`: what came of the last action.
    pub outcome: Option<Outcome>,
}

impl Address {
    /// Reads what follows the page's URI. Words may stand anywhere in it, as in HAProxy: `;csv`, `/;csv`, `?;csv`.
    pub fn read(rest: &str) -> Address {
        let has = |word: &str| rest.contains(word);
        let wanted = match () {
            () if has(";json-schema") => Wanted::Schema,
            () if has(";json") => Wanted::Rows(Form::Json),
            () if has(";typed") => Wanted::Rows(Form::Typed),
            () if has(";csv") => Wanted::Rows(Form::Plain),
            () => Wanted::Page,
        };
        let without = match () {
            () if has(";up") => Without::Down,
            () if has(";no-maint") => Without::Maintenance,
            () => Without::Nothing,
        };
        let after = |key: &str| rest.split_once(key).map(|(_, value)| value);
        let scope = after("scope=").map(|value| {
            let value = value.split([';', '&']).next().unwrap_or_default();
            value.chars().filter(|character| !character.is_control()).take(LONGEST_SCOPE).collect::<String>()
        });
        let outcome = after(";st=").map(|code| Outcome::read(code.get(..4).unwrap_or_default()));
        Address { wanted, without, stays: has(";norefresh"), scope: scope.filter(|text| !text.is_empty()), outcome }
    }

    /// What follows the URI of the page so that it is read as this.
    pub fn suffix(&self) -> String {
        let mut out = String::new();
        if let Some(outcome) = self.outcome {
            // Writing to a String cannot fail.
            let _ = write!(out, ";st={}", outcome.code());
        }
        match self.without {
            Without::Nothing => {}
            Without::Down => out.push_str(";up"),
            Without::Maintenance => out.push_str(";no-maint"),
        }
        if self.stays {
            out.push_str(";norefresh");
        }
        if let Some(scope) = &self.scope {
            out.push_str(";scope=");
            out.push_str(scope);
        }
        out
    }

    /// The rows that are shown. `scope` are the names of the proxies that may be.
    pub fn request(&self, scope: &[String], shows_legends: bool) -> StatRequest {
        let form = match self.wanted {
            Wanted::Rows(form) => form,
            Wanted::Page | Wanted::Schema => Form::Plain,
        };
        let mut which = Vec::new();
        if !scope.is_empty() {
            which.push(Which::Of(scope.to_vec()));
        }
        which.extend(self.scope.clone().map(Which::Like));
        StatRequest { form, without: self.without, which, is_discreet: !shows_legends, ..StatRequest::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_stand_anywhere() {
        for rest in [";csv", "/;csv", "?;csv;norefresh", ";up;csv"] {
            assert_eq!(Address::read(rest).wanted, Wanted::Rows(Form::Plain), "{rest}");
        }
        assert_eq!(Address::read(";json-schema").wanted, Wanted::Schema);
        assert_eq!(Address::read(";json;norefresh").wanted, Wanted::Rows(Form::Json));
        assert_eq!(Address::read("?scope=app&x").scope.as_deref(), Some("app"));
    }

    #[test]
    fn an_address_reads_as_it_was_written() {
        let address = Address {
            without: Without::Down,
            stays: true,
            scope: Some("app".to_owned()),
            outcome: Some(Outcome::Partly),
            ..Address::default()
        };
        assert_eq!(address.suffix(), ";st=PART;up;norefresh;scope=app");
        assert_eq!(Address::read(&address.suffix()), address);
    }
}
