//! The statistics page of a section: `stats enable`, `stats uri`, `stats auth`, `stats admin`... (HAProxy manual §4.2).
//!
//! Any of these lines makes a page. They stand among the rules of their section because two of them have conditions. It
//! decides who sees the page and who may change servers on it; what is on it is `stats`' business.

use std::time::Duration;

use super::acl::Outcome;
use super::action::{RuleSet, Verdict};
use super::argument;
use super::condition::Condition;
use super::error::RuleError;
use super::fetch::auth;
use super::format::{Format, FormatUse};
use super::scope::Scope;
use super::stage::Stage;
use super::transaction::Transaction;
use super::userlist::{Password, User, Userlist, basic};

/// Where the page is if `stats uri` does not say.
const DEFAULT_URI: &str = "/haproxy?stats";
/// The realm if `stats realm` does not say.
const DEFAULT_REALM: &str = "HAProxy Statistics";

/// A statistics page.
#[derive(Debug)]
pub struct StatsPage {
    /// What the path and query of its requests begin with.
    pub uri: Box<[u8]>,
    /// `stats realm`
    realm: Format,
    /// `stats auth`
    users: Userlist,
    /// `stats http-request`
    rules: RuleSet,
    /// `stats admin`: servers may be changed if one of them holds.
    admin: Vec<Condition>,
    /// `stats refresh`
    pub refresh: Option<Duration>,
    /// `stats hide-version`
    pub hides_version: bool,
    /// `stats show-legends`
    pub shows_legends: bool,
    /// `stats show-node`: the name to show, or that of this node.
    pub node: Option<Option<String>>,
    /// `stats show-desc`: the text to show, or that of the process.
    pub description: Option<Option<String>>,
    /// `stats scope`: names of proxies; `.` is the one that has the page. Empty shows all.
    pub scope: Vec<String>,
}

impl StatsPage {
    fn new(scope: &mut Scope<'_>) -> Result<StatsPage, RuleError> {
        Ok(StatsPage {
            uri: DEFAULT_URI.as_bytes().into(),
            realm: literal(DEFAULT_REALM, scope)?,
            users: Userlist::default(),
            rules: RuleSet::new(Stage::HttpRequest),
            admin: Vec::new(),
            refresh: None,
            hides_version: false,
            shows_legends: false,
            node: None,
            description: None,
            scope: Vec::new(),
        })
    }

    /// Adds what a line says to the page, which it makes if there is none.
    ///
    /// # Errors
    /// The line is wrong.
    pub(super) fn add(
        page: &mut Option<Box<StatsPage>>,
        words: &[&str],
        line: u32,
        scope: &mut Scope<'_>,
    ) -> Result<(), RuleError> {
        if page.is_none() {
            *page = Some(Box::new(StatsPage::new(scope)?));
        }
        let Some(page) = page else { return Ok(()) };
        let missing = |what: &str| RuleError::new(words.len(), format!("'stats {}' expects {what}", words[1]));
        let taken = match words {
            [_, "enable", ..] => 2,
            [_, "hide-version", ..] => {
                page.hides_version = true;
                2
            }
            [_, "show-version", ..] => {
                page.hides_version = false;
                2
            }
            [_, "show-legends", ..] => {
                page.shows_legends = true;
                2
            }
            [_, "uri", uri, ..] => {
                page.uri = uri.as_bytes().into();
                3
            }
            [_, "uri"] => return Err(missing("a URI")),
            [_, "realm", realm, ..] => {
                page.realm = literal(realm, scope)?;
                3
            }
            [_, "realm"] => return Err(missing("a realm")),
            [_, "auth", user, ..] => {
                page.users.users.push(self::user(user));
                3
            }
            [_, "auth"] => return Err(missing("user:password")),
            [_, "refresh", delay, ..] => {
                page.refresh = Some(seconds(delay)?);
                3
            }
            [_, "refresh"] => return Err(missing("a delay")),
            [_, "scope", name, ..] => {
                page.scope.push((*name).to_owned());
                3
            }
            [_, "scope"] => return Err(missing("the name of a proxy, or '.'")),
            [_, "show-node", rest @ ..] => {
                page.node = Some(rest.first().map(|name| (*name).to_owned()));
                2 + rest.len().min(1)
            }
            [_, "show-desc", rest @ ..] => {
                page.description = Some((!rest.is_empty()).then(|| rest.join(" ")));
                words.len()
            }
            [_, "admin", condition @ ..] => return page.add_admin(condition, scope),
            [_, "http-request", rule @ ..] => return page.add_rule(rule, line, scope),
            _ => {
                return Err(RuleError::new(1, "'stats' expects 'enable', 'uri', 'auth', 'realm', 'admin' or the like"));
            }
        };
        // HAProxy reads no further, and files that forget the quotes are common.
        if let Some(word) = words.get(taken) {
            let what = format!("'{word}' is not read: write quotes around a text with spaces");
            scope.warn(taken, what);
        }
        Ok(())
    }

    fn add_admin(&mut self, condition: &[&str], scope: &mut Scope<'_>) -> Result<(), RuleError> {
        if !condition.first().is_some_and(|word| Condition::begins_with(word)) {
            return Err(RuleError::new(2, "'stats admin' expects 'if' or 'unless' and a condition"));
        }
        self.admin.push(Condition::compile(condition, scope).map_err(|error| error.later(2))?);
        Ok(())
    }

    fn add_rule(&mut self, rule: &[&str], line: u32, scope: &mut Scope<'_>) -> Result<(), RuleError> {
        if !matches!(rule.first(), Some(&("allow" | "deny" | "auth"))) {
            return Err(RuleError::new(2, "'stats http-request' expects 'allow', 'deny' or 'auth'"));
        }
        let mut words = rule.to_vec();
        if words[0] == "auth" && words.get(1) != Some(&"realm") {
            words.splice(1..1, ["realm", DEFAULT_REALM]);
        }
        self.rules.rules.push(super::compile(&words, line, scope).map_err(|error| error.later(2))?);
        if !self.users.users.is_empty() {
            let what = "'stats auth' has no effect beside 'stats http-request'".to_owned();
            scope.warn(0, what);
        }
        Ok(())
    }

    /// Whether a request for this path and query is one for the page.
    pub fn is_at(&self, path_and_query: &[u8]) -> bool {
        path_and_query.starts_with(&self.uri)
    }

    /// Whether whoever asks may see the page: [`Verdict::Continue`], or what is answered instead.
    pub fn admit(&self, transaction: &mut Transaction<'_>) -> Verdict<'_> {
        if !self.rules.rules.is_empty() {
            return self.rules.run(transaction, &mut super::Progress::default());
        }
        if self.users.users.is_empty() || self.knows(transaction) {
            return Verdict::Continue;
        }
        Verdict::Auth(&self.realm)
    }

    fn knows(&self, transaction: &Transaction<'_>) -> bool {
        let known = auth::credentials(transaction).and_then(basic);
        known.is_some_and(|(name, password)| self.users.authenticate(&name, &password).is_some())
    }

    /// Whether whoever asks may change servers.
    pub fn may_change(&self, transaction: &Transaction<'_>) -> bool {
        self.admin.iter().any(|condition| condition.outcome(transaction) == Outcome::Match)
    }
}

/// A format that is nothing but this text.
fn literal(text: &str, scope: &mut Scope<'_>) -> Result<Format, RuleError> {
    Format::compile(&text.replace('%', "%%"), FormatUse::Http, scope)
}

/// `name:password`; without a colon the password is empty.
fn user(text: &str) -> User {
    let (name, password) = text.split_once(':').unwrap_or((text, ""));
    User { name: name.to_owned(), password: Some(Password::Plain(password.to_owned())), groups: Vec::new() }
}

/// A delay; a number without a unit is seconds.
fn seconds(text: &str) -> Result<Duration, RuleError> {
    let delay = match text.parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => argument::duration(text),
    };
    delay.filter(|delay| !delay.is_zero()).ok_or_else(|| RuleError::new(2, format!("'{text}' is not a delay")))
}
