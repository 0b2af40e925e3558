//! Proxies as frontends and backends of the draft, with HAProxy's defaults where they differ from vipgate's own.

use std::time::Duration;

use crate::config::draft::{Backend, Draft, Frontend, Listener, Log, Reports, Rule, Server, Table};
use crate::config::haproxy::table::Place;
use crate::config::options;
use crate::diag::{Diagnostic, Span, Spanned};
use crate::model::options::{BackendOptions, Origin, ServerOptions};
use crate::model::proxy::{DoubtfulFraming, Mode};
use crate::rule::Logging;

use super::global::Global;
use super::mail::Alerts;
use super::proxy::{Proxies, Proxy};
use super::settings::{Settings, Timeout};
use super::{Context, Named, advice, healthcheck};

/// What stands for "no limit": HAProxy waits for ever, and warns of it.
const NO_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// Puts every proxy into the draft.
pub fn lower(mut proxies: Proxies, global: &Global, named: &Named, draft: &mut Draft, context: &Context<'_>) {
    let upgrades: Vec<bool> = proxies.list.iter().map(|one| advice::turns_into_http(one, &proxies.list)).collect();
    let stay = proxies.list.iter_mut().zip(upgrades).filter(|(_, upgrades)| !upgrades);
    stay.for_each(|(proxy, _)| advice::pass_over(proxy, context));
    for proxy in &proxies.list {
        advice::timeouts_are_set(proxy, context);
        advice::is_in_its_mode(proxy, context);
        program_is_allowed(proxy, draft, context);
        let owned = |table: &Table| Table { name: proxy.name.clone(), ..table.clone() };
        draft.tables.extend(proxy.settings.table.as_ref().map(owned));
        if proxy.place != Place::Frontend {
            proxy.settings.checks.judge(context);
            proxy.settings.checks.unused(context);
            draft.backends.extend(backend(proxy, named, context));
        }
        if proxy.place != Place::Backend && !proxy.settings.is_disabled {
            advice::has_listeners(proxy, context);
            advice::line_format(proxy, !global.logs.targets.is_empty(), context);
            draft.frontends.push(frontend(proxy, global.doubtful_framing));
        }
    }
    let is_last = |number: usize, name: &str| proxies.named[number + 1..].iter().all(|(other, _)| other.value != name);
    let sections = proxies.named.iter().enumerate().filter(|(number, (name, _))| is_last(*number, &name.value));
    draft.templates.extend(sections.map(|(_, (name, settings))| template(name, settings, named, context)));
}

/// What a named `defaults` section gives a backend that comes at run time.
fn template(name: &Spanned<String>, settings: &Settings, named: &Named, context: &Context<'_>) -> Backend {
    let mut own = settings.inherited();
    if !own.alerts.is_whole(&named.mailers) {
        // The proxies that begin with it are told.
        own.alerts = Alerts::default();
    }
    let proxy = Proxy { place: Place::Backend, name: name.clone(), settings: own, head: name.span };
    let backend = to_backend(&proxy, named, context);
    Backend { mode: settings.mode, ..backend }
}

fn mode(settings: &Settings, head: Span) -> Spanned<Mode> {
    settings.mode.unwrap_or(Spanned::new(Mode::Tcp, head))
}

/// The limit, or none.
fn limit(timeout: Timeout, head: Span) -> Spanned<Duration> {
    let place = timeout.map_or(head, |timeout| timeout.span);
    Spanned::new(timeout.and_then(|timeout| timeout.value).unwrap_or(NO_LIMIT), place)
}

/// The limit, if there is one.
fn written(timeout: Timeout) -> Option<Spanned<Duration>> {
    timeout.and_then(|timeout| Some(Spanned::new(timeout.value?, timeout.span)))
}

/// Programs check only where the global section lets them; of servers that are checked `validate` says so.
fn program_is_allowed(proxy: &Proxy, draft: &Draft, context: &Context<'_>) {
    let is_checked = proxy.settings.servers.iter().any(|server| server.options.is_checked.is_some());
    if let Some(place) = proxy.settings.checks.external().filter(|_| draft.external_checks.is_none() && !is_checked) {
        let what = "'option external-check' unable to find required 'global.external-check'";
        let problem = Diagnostic::error("E-CHECK", place, format!("Proxy '{}' : {what}", proxy.name.value));
        context.push(problem.hint("write 'external-check' in the global section"));
    }
}

fn log(settings: &Settings) -> Log {
    let logs = settings.logs.clone();
    Log { is_global: logs.is_global, targets: logs.targets, tag: logs.tag }
}

fn frontend(proxy: &Proxy, doubtful_framing: DoubtfulFraming) -> Frontend {
    let (settings, head) = (&proxy.settings, proxy.head);
    let mode = mode(settings, head);
    let is_http = mode.value == Mode::Http;
    let timeouts = &settings.timeouts;
    let default_backend = settings.default_backend.clone().or_else(|| {
        let is_own = proxy.place == Place::Listen && !settings.servers.is_empty();
        is_own.then(|| proxy.name.clone())
    });
    let request = timeouts.http_request.filter(|timeout| timeout.value.is_some()).or(timeouts.client);
    let keep_alive = timeouts.http_keep_alive.filter(|timeout| timeout.value.is_some()).or(request);
    Frontend {
        name: proxy.name.clone(),
        id: settings.id,
        guid: settings.guid.clone(),
        description: settings.options.description.clone(),
        counts_sockets: settings.counts_sockets,
        binds: binds(settings),
        mode: Some(mode),
        default_backend,
        maxconn: settings.maxconn,
        session_rate: settings.session_rate,
        client: Some(limit(timeouts.client, head)),
        handshake: written(timeouts.handshake),
        http_request: is_http.then(|| limit(request, head)),
        http_keep_alive: is_http.then(|| limit(keep_alive, head)),
        // It is the backend's.
        tunnel: Some(Spanned::new(None, head)),
        fin: written(timeouts.client_fin),
        // `option forwardfor` is one of the rules.
        forwarded: Some(Spanned::new(false, head)),
        doubtful_framing: Some(Spanned::new(doubtful_framing, head)),
        log: log(settings),
        logged: settings.logged,
        rules: settings.rules.clone(),
    }
}

/// Where it listens; `backlog` of the section is that of every bind that has none of its own.
fn binds(settings: &Settings) -> Vec<Spanned<Listener>> {
    let mut binds = settings.binds.clone();
    binds.iter_mut().for_each(|bind| bind.value.options.backlog = bind.value.options.backlog.or(settings.backlog));
    binds
}

/// `None` for a `listen` section that is disabled.
fn backend(proxy: &Proxy, named: &Named, context: &Context<'_>) -> Option<Backend> {
    let settings = &proxy.settings;
    let is_off = proxy.place == Place::Listen && settings.is_disabled;
    (!is_off).then(|| to_backend(proxy, named, context))
}

fn to_backend(proxy: &Proxy, named: &Named, context: &Context<'_>) -> Backend {
    let (settings, head) = (&proxy.settings, proxy.head);
    let timeouts = &settings.timeouts;
    let queue = timeouts.queue.filter(|timeout| timeout.value.is_some()).or(timeouts.connect);
    Backend {
        name: proxy.name.clone(),
        id: settings.id,
        mode: Some(mode(settings, head)),
        balance: settings.balance.clone().or_else(|| Some(Spanned::new(context.dialect.balance(), head))),
        retries: settings.retries,
        redispatch: Some(settings.redispatch.unwrap_or(Spanned::new(false, head))),
        connect: Some(limit(timeouts.connect, head)),
        server: Some(limit(timeouts.server, head)),
        queue: Some(limit(queue, head)),
        tunnel: written(timeouts.tunnel),
        fin: written(timeouts.server_fin),
        log: log(settings),
        check: None,
        reports: Reports { logs_checks: settings.logs_checks, mail: settings.alerts.lower(&named.mailers, context) },
        servers: settings.servers.iter().map(|server| self::server(settings, server, named, context)).collect(),
        rules: rules(proxy, context),
        options: BackendOptions {
            guid: settings.guid.as_ref().map(|guid| guid.value.clone()),
            ..settings.options.clone()
        },
    }
}

/// Lines that count in a backend, then formats of its servers.
fn rules(proxy: &Proxy, context: &Context<'_>) -> Vec<Rule> {
    let lines = proxy.settings.rules.iter().filter(|rule| counts_in(proxy.place, rule)).cloned();
    let formats = proxy.settings.servers.iter().flat_map(|server| {
        let places = server.options.places.iter().filter(|(name, _)| *name == "set-proxy-v2-tlv-fmt");
        let values = server.options.more.proxy_header.values.iter().zip(places);
        values.filter_map(|((kind, format), (_, place))| {
            Some(options::server::line_of_value(&server.name.value, *kind, format.as_ref()?, *place))
        })
    });
    let poses = proxy.settings.servers.iter().filter_map(|server| {
        options::server::line_of_pose(&server.name.value, origin(&proxy.settings, server), server.span)
    });
    lines.chain(formats).chain(poses).chain(abort_on_close(proxy, context)).collect()
}

/// `option abortonclose`, where the dialect has it without being asked.
fn abort_on_close(proxy: &Proxy, context: &Context<'_>) -> Option<Rule> {
    let is_http = mode(&proxy.settings, proxy.head).value == Mode::Http;
    let is_written = |rule: &Rule| rule.words.iter().any(|word| word.value == "abortonclose");
    let is_asked = context.dialect.aborts_on_close() && is_http && !proxy.settings.rules.iter().any(is_written);
    let words = ["option", "abortonclose"].map(|word| Spanned::new(word.to_owned(), proxy.head));
    is_asked.then(|| Rule { words: words.into(), span: proxy.head })
}

/// Whether a line that a `defaults` section may have handed down means anything in this place.
fn counts_in(place: Place, rule: &Rule) -> bool {
    let mut words = rule.words.iter().map(|word| word.value.as_str()).skip_while(|word| *word == "no");
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_of_clients = match first {
        "monitor" | "monitor-uri" | "clitcpka-cnt" | "clitcpka-idle" | "clitcpka-intvl" => true,
        "option" if matches!(second, "clitcpka" | "tcpka") => true,
        _ => Logging::has_line(first, second),
    };
    place != Place::Backend || !is_of_clients
}

fn server(settings: &Settings, server: &super::server::Server, named: &Named, context: &Context<'_>) -> Server {
    let options = &server.options;
    let asked = options.is_checked.filter(|is_checked| is_checked.value);
    let rules = options.care.healthcheck.as_ref().and_then(|name| healthcheck::find(&named.checks, name, context));
    // A backend that is disabled answers 503, as one whose servers all are.
    let is_off = settings.is_disabled.then(|| Spanned::new(true, server.span));
    Server {
        name: server.name.clone(),
        address: server.address,
        weight: options.weight,
        maxconn: options.maxconn,
        backup: options.is_backup,
        source: if options.has_source { options.source } else { settings.source },
        check: asked.map(|asked| settings.checks.of(rules, options, &settings.timeouts, asked.span)),
        care: options.care.lower(&settings.timeouts, server.span),
        non_stick: options.is_non_stick,
        is_disabled: is_off.or(options.is_disabled),
        options: ServerOptions { origin: origin(settings, server).clone(), ..options.more.clone() },
    }
}

/// What connections to a server pass for: what its own `source` says, or the backend's.
fn origin<'s>(settings: &'s Settings, server: &'s super::server::Server) -> &'s Origin {
    if server.options.has_source { &server.options.more.origin } else { &settings.origin }
}
