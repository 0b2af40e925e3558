//! What name servers said, carried out in a model.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::balance::cookie;
use crate::model::naming::Lack;
use crate::model::options::BackendOptions;
use crate::model::proxy::Server;
use crate::model::{Model, Weight};
use crate::state::naming::{News, Renewal, ServiceRecord};

/// What is left to do outside of the model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Lines about servers, each with the number of its backend.
    pub lines: Vec<(usize, String)>,
    /// Weights that records say: backend number, server number, weight.
    pub weights: Vec<(usize, usize, Weight)>,
    /// Whether the model is another one now.
    pub is_changed: bool,
}

/// Gives servers their new addresses. One that is gone, or called something else by now, is left out.
pub fn place(model: &mut Model, renewals: &[Renewal]) -> Told {
    let mut told = Told::default();
    for renewal in renewals {
        let Some(number) = model.backends.iter().position(|backend| backend.name == renewal.backend) else { continue };
        let backend = &mut model.backends[number];
        let Some(place) = backend.servers.iter().position(|server| server.name == renewal.server) else { continue };
        let server = &mut backend.servers[place];
        if server.options.naming.written() != Some(&renewal.written) {
            continue;
        }
        let before = server.clone();
        match &renewal.news {
            News::Place { address, record } => {
                if let Some(record) = record {
                    let weight = record.weight.and_then(Weight::new);
                    told.weights.extend(weight.map(|weight| (number, place, weight)));
                    told.lines.extend(adopt(server, record, &renewal.backend).map(|line| (number, line)));
                }
                if let Some(address) = address {
                    settle(server, SocketAddr::new(*address, server.address.port()), None, &backend.options);
                    let by = renewal.by.as_deref();
                    told.lines.extend(
                        by.and_then(|by| moved(&before, server, &renewal.backend, by)).map(|line| (number, line)),
                    );
                    if before.options.naming.lack.is_some() {
                        let (backend, server) = (&renewal.backend, &renewal.server);
                        let line =
                            format!("Server {backend}/{server} administratively READY thanks to valid DNS answer.");
                        told.lines.push((number, line));
                    }
                }
            }
            News::Lack(lack) => {
                let nowhere = SocketAddr::new(NOWHERE, server.address.port());
                settle(server, nowhere, Some(*lack), &backend.options);
            }
            News::NoRecord => {
                server.options.naming.host = None;
                let lack = server.options.naming.lack.unwrap_or(Lack::NoRecord);
                settle(server, SocketAddr::new(NOWHERE, 0), Some(lack), &backend.options);
            }
        }
        told.is_changed |= *server != before;
    }
    told
}

/// Addresses of names that are followed, from the model that runs to the one that takes its place: a server that is called
/// the same, and followed with the same section, stays where it is.
pub fn keep(before: &Model, after: &mut Model) {
    for backend in &mut after.backends {
        let Some(known) = before.backends.iter().find(|known| known.name == backend.name) else { continue };
        for server in &mut backend.servers {
            let naming = &server.options.naming;
            let is_same = |old: &&Server| {
                let old_naming = &old.options.naming;
                old.name == server.name
                    && (old_naming.written(), &old_naming.resolvers) == (naming.written(), &naming.resolvers)
            };
            let is_followed = naming.is_there() && naming.resolvers.is_some();
            let Some(old) = known.servers.iter().find(is_same).filter(|_| is_followed) else { continue };
            // Nothing has been heard of it yet.
            if old.options.naming.lack == Some(Lack::Unknown) {
                continue;
            }
            let has_record = naming.service.is_some();
            let port = if has_record { old.address.port() } else { server.address.port() };
            server.options.naming.host.clone_from(&old.options.naming.host);
            server.options.naming.is_renamed = old.options.naming.is_renamed;
            settle(server, SocketAddr::new(old.address.ip(), port), old.options.naming.lack, &backend.options);
        }
    }
}

const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The server is there now, or lacks its address, with whatever is made of it.
pub fn settle(server: &mut Server, address: SocketAddr, lack: Option<Lack>, backend: &BackendOptions) {
    let before = server.address;
    server.address = address;
    server.options.naming.lack = lack;
    if let Some(agent) = server.care.agent.as_mut().filter(|agent| agent.address.ip() == before.ip()) {
        agent.address.set_ip(address.ip());
    }
    let is_dynamic = backend.cookie.as_ref().is_some_and(|cookie| cookie.is_dynamic);
    if let Some(key) = backend.dynamic_cookie_key.as_ref().filter(|_| is_dynamic) {
        let is_made = server.options.cookie == Some(cookie::dynamic_value(key, before));
        if is_made {
            server.options.cookie = Some(cookie::dynamic_value(key, address));
        }
    }
}

/// The name and port of a record; the line about another name.
fn adopt(server: &mut Server, record: &ServiceRecord, backend: &str) -> Option<String> {
    server.address.set_port(record.port);
    let naming = &mut server.options.naming;
    let before = naming.host.replace(record.host.clone());
    naming.is_renamed = true;
    if before.as_ref() == Some(&record.host) {
        return None;
    }
    let before = before.as_deref().unwrap_or("(null)");
    Some(format!("{backend}/{} changed its FQDN from {before} to {} by 'SRV record'", server.name, record.host))
}

/// The line about another address.
fn moved(before: &Server, server: &Server, backend: &str, by: &str) -> Option<String> {
    let shown = |server: &Server| match server.options.naming.lack {
        None => server.address.ip().to_string(),
        Some(_) => "(none)".to_owned(),
    };
    let (from, to) = (shown(before), shown(server));
    (from != to).then(|| format!("{backend}/{}: IP changed from '{from}' to '{to}' by '{by}'.", server.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::balance::Balance;
    use crate::model::fixture;
    use crate::model::naming::Naming;

    fn model() -> Model {
        let mut backend = fixture::backend(Balance::RoundRobin, &[1, 1]);
        backend.servers[0].options.naming = Naming {
            host: Some("web.test".into()),
            resolvers: Some("dns".into()),
            lack: Some(Lack::Nx),
            ..Naming::default()
        };
        backend.servers[0].address = SocketAddr::new(NOWHERE, 80);
        fixture::model(vec![backend])
    }

    fn renewal(server: &str, written: &str, news: News) -> Renewal {
        let by = Some("dns/a".to_owned());
        Renewal { backend: "app".into(), server: server.into(), written: written.into(), news, by }
    }

    #[test]
    fn an_address_that_comes_is_told_with_who_said_it() {
        let mut model = model();
        let news = News::Place { address: Some([192, 0, 2, 9].into()), record: None };
        let told = place(&mut model, &[renewal("s0", "web.test", news)]);
        assert_eq!(model.backends[0].servers[0].address, "192.0.2.9:80".parse().unwrap());
        assert_eq!(model.backends[0].servers[0].options.naming.lack, None);
        assert_eq!(
            told.lines,
            [
                (0, "app/s0: IP changed from '(none)' to '192.0.2.9' by 'dns/a'.".to_owned()),
                (0, "Server app/s0 administratively READY thanks to valid DNS answer.".to_owned()),
            ]
        );
    }

    #[test]
    fn a_server_that_is_called_something_else_now_is_left_alone() {
        let mut model = model();
        let before = model.clone();
        let news = |last: u8| News::Place { address: Some([192, 0, 2, last].into()), record: None };
        let late =
            [renewal("s0", "old.test", news(1)), renewal("s1", "web.test", news(2)), renewal("s9", "x", news(3))];
        assert_eq!(place(&mut model, &late), Told::default());
        assert_eq!(model, before);
    }

    #[test]
    fn a_reload_keeps_what_name_servers_said() {
        let mut before = model();
        let news = News::Place { address: Some([192, 0, 2, 9].into()), record: None };
        place(&mut before, &[renewal("s0", "web.test", news)]);
        let mut after = model();
        after.backends[0].servers[0].address.set_port(8080);
        keep(&before, &mut after);
        assert_eq!(after.backends[0].servers[0].address, "192.0.2.9:8080".parse().unwrap());
        assert_eq!(after.backends[0].servers[0].options.naming.lack, None);
        let mut renamed = model();
        renamed.backends[0].servers[0].options.naming.host = Some("other.test".into());
        let expected = renamed.clone();
        keep(&before, &mut renamed);
        assert_eq!(renamed, expected);
    }
}
