//! Arguments of `show stat` and `show info` (management guide §9.3), and of the page's address.

use super::catalog::Column;
use super::catalog::Kind;
use super::row::{self, Cell, Row};
use super::snapshot::{Proxy, Snapshot};

/// How a text is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated; of `show info` a line for each value.
    #[default]
    Plain,
    /// A line for each value, with its position, tags and type.
    Typed,
    /// An array of objects.
    Json,
}

/// Which servers are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Without {
    /// None.
    #[default]
    Nothing,
    /// Those that are not up.
    Down,
    /// Those in maintenance.
    Maintenance,
}

/// Which proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Which {
    /// All of them.
    #[default]
    Every,
    /// The one with this number.
    Numbered(u32),
    /// The one with this name; it must exist.
    Named(String),
    /// Those whose names contain this, in capitals or not.
    Like(String),
    /// Those of these names (`stats scope`).
    Of(Vec<String>),
}

/// What rows are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Domain {
    /// Proxies.
    #[default]
    Proxy,
    /// Name servers.
    Resolvers,
}

/// What `show stat` was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatRequest {
    /// What its rows are about.
    pub domain: Domain,
    /// How it is written.
    pub form: Form,
    /// Whether each value is described.
    pub is_described: bool,
    /// Servers that are left out.
    pub without: Without,
    /// Proxies that are shown.
    pub which: Vec<Which>,
    /// Kinds of rows: 1 frontends, 2 backends, 4 servers, 8 sockets, added up.
    pub kinds: u32,
    /// The server or socket with this number; `None` is all.
    pub id: Option<u32>,
    /// Whether addresses, cookies and algorithms are left out.
    pub is_discreet: bool,
}

impl Default for StatRequest {
    fn default() -> StatRequest {
        let (form, without) = (Form::default(), Without::default());
        StatRequest {
            domain: Domain::default(),
            form,
            is_described: false,
            without,
            which: Vec::new(),
            kinds: u32::MAX,
            id: None,
            is_discreet: false,
        }
    }
}

/// Words that are no names of proxies.
const OPTIONS: [&str; 5] = ["desc", "json", "no-maint", "typed", "up"];

impl StatRequest {
    /// Of what follows `show stat`: `[domain {proxy|resolvers}]`, then what [`StatRequest::of`] takes.
    ///
    /// # Errors
    /// HAProxy's answer where there is no such domain.
    pub fn read(words: &[&str]) -> Result<StatRequest, &'static str> {
        match words {
            ["domain", "resolvers", rest @ ..] => {
                Ok(StatRequest { domain: Domain::Resolvers, ..StatRequest::of(rest) })
            }
            ["domain", "proxy", rest @ ..] => Ok(StatRequest::of(rest)),
            ["domain", ..] => Err("Invalid statistics domain.\n"),
            words => Ok(StatRequest::of(words)),
        }
    }

    /// Of what follows `show stat`: `[{<iid>|<proxy>} <type> <sid>] [desc] [up|no-maint] [typed|json]`. As in HAProxy, words
    /// that are none of these say nothing.
    pub fn of(words: &[&str]) -> StatRequest {
        let mut request = StatRequest::default();
        let mut words = words;
        if let [which, kinds, id, rest @ ..] = words
            && (kinds.parse::<i64>().is_ok() || !OPTIONS.contains(which))
        {
            request.which.push(match which.parse::<i64>() {
                Ok(number) => u32::try_from(number).map_or(Which::Every, Which::Numbered),
                Err(_) => Which::Named((*which).to_owned()),
            });
            // What is no number is none of the kinds, as for HAProxy.
            request.kinds = u32::try_from(kinds.parse().unwrap_or(0_i64)).unwrap_or(u32::MAX);
            request.id = id.parse().ok();
            words = rest;
        }
        for word in words {
            match *word {
                "desc" => request.is_described = true,
                "up" => request.without = Without::Down,
                "no-maint" => request.without = Without::Maintenance,
                "typed" => request.form = Form::Typed,
                "json" => request.form = Form::Json,
                _ => {}
            }
        }
        request
    }

    /// The rows that were asked for.
    ///
    /// # Errors
    /// HAProxy's answer where a proxy was named that does not exist.
    pub fn rows(&self, snapshot: &Snapshot) -> Result<Vec<Row>, &'static str> {
        for which in &self.which {
            if let Which::Named(name) = which
                && !snapshot.proxies.iter().any(|proxy| proxy.name == *name)
            {
                return Err("No such proxy.\n");
            }
        }
        let proxies = snapshot.proxies.iter().filter(|proxy| self.shows(proxy));
        let mut rows: Vec<Row> = proxies.flat_map(row::rows).filter(|row| self.shows_row(row)).collect();
        if self.is_discreet {
            rows.iter_mut().for_each(Row::hide_legends);
        }
        Ok(rows)
    }

    /// Whether a proxy is shown.
    pub fn shows(&self, proxy: &Proxy) -> bool {
        self.which.iter().all(|which| match which {
            Which::Every => true,
            Which::Numbered(number) => proxy.id == *number,
            Which::Named(name) => proxy.name == *name,
            Which::Like(part) => proxy.name.to_ascii_lowercase().contains(&part.to_ascii_lowercase()),
            Which::Of(names) => names.contains(&proxy.name),
        })
    }

    /// Whether a row of a proxy that is shown is shown itself.
    pub fn shows_row(&self, row: &Row) -> bool {
        let is_of_kind = self.kinds & (1 << row.kind as u32) != 0;
        let is_it = match row.kind {
            Kind::Server | Kind::Listener => self.id.is_none_or(|id| id == row.id),
            Kind::Frontend | Kind::Backend => true,
        };
        let status = match row.cell(Column::Status) {
            Cell::Text(status) if row.kind == Kind::Server => status.as_str(),
            _ => "UP",
        };
        let stays = match self.without {
            Without::Nothing => true,
            Without::Down => !status.starts_with("DOWN") && !status.starts_with("MAINT"),
            Without::Maintenance => !status.starts_with("MAINT"),
        };
        is_of_kind && is_it && stays
    }
}

/// What `show info` was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InfoRequest {
    /// How it is written.
    pub form: Form,
    /// Whether each value is described.
    pub is_described: bool,
    /// Whether times and rates have fractions.
    pub has_fractions: bool,
}

impl InfoRequest {
    /// Of what follows `show info`: `[desc] [typed|json] [float]`.
    pub fn of(words: &[&str]) -> InfoRequest {
        let mut request = InfoRequest::default();
        for word in words {
            match *word {
                "desc" => request.is_described = true,
                "typed" => request.form = Form::Typed,
                "json" => request.form = Form::Json,
                "float" => request.has_fractions = true,
                _ => {}
            }
        }
        request
    }
}
