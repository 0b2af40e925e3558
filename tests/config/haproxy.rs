//! haproxy.cfg: the keyword table is complete, and files mean what HAProxy takes them for.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use vipgate::config::haproxy::table::{self, Place};
use vipgate::config::{HostFacts, load, render, to_yaml};
use vipgate::diag::{self, Source};
use vipgate::model::Model;
use vipgate::model::proxy::Mode;

use crate::{on, read};

/// First words of families whose members have the rows: `option` is not a word by itself.
fn is_known(place: Place, word: &str) -> bool {
    let words: Vec<&str> = word.split(' ').collect();
    let is_row = table::find(&words, place).is_some_and(|(_, count)| count == words.len());
    let is_family =
        table::rows_of(place).any(|row| row.name.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')));
    is_row || is_family
}

#[test]
fn every_word_of_haproxy_has_a_row() {
    let (mut place, mut missing, mut count) = (Place::Top, Vec::new(), 0);
    let list = read("tests/config/haproxy-words.txt");
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            place = Place::by_name(name).unwrap_or_else(|| panic!("no place {name}"));
        } else {
            count += 1;
            if !is_known(place, line) {
                missing.push(format!("{}: {line}", place.name()));
            }
        }
    }
    assert!(count > 1000, "the list is short: {count}");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn converted_file_is_the_same_model() {
    let text = read("tests/config/cases/haproxy-balancer.cfg");
    let host = HostFacts {
        node: "lb1".to_owned(),
        environment: BTreeMap::from([("BACK".to_owned(), "10.0.0".to_owned())]),
        names: BTreeMap::from([("web3.example".to_owned(), vec![IpAddr::from([10, 0, 0, 3])])]),
        ..HostFacts::default()
    };
    let model = load(&[Source::new("a.cfg", text)], &host).model.expect("a valid file");
    let yaml = to_yaml(&model).expect("it has no routers");
    let sources = [Source::new("a.yaml", yaml.as_str())];
    let again = load(&sources, &HostFacts { environment: BTreeMap::new(), ..host });
    let said = diag::render(&again.diagnostics, &sources);
    assert_eq!(again.model.map(without_places), Some(without_places(model)), "{said}\n{yaml}");
}

#[test]
fn every_case_without_an_error_converts_to_the_same_model() {
    let mut count = 0;
    for file in crate::cases::names().iter().filter(|name| name.ends_with(".cfg")) {
        let text = read(&format!("tests/config/cases/{file}"));
        let host = crate::host(&text);
        let Some(model) = load(&[Source::new(file.as_str(), text)], &host).model else { continue };
        let yaml = to_yaml(&model).expect("it has no routers");
        let sources = [Source::new("a.yaml", yaml.as_str())];
        let again = load(&sources, &HostFacts { environment: BTreeMap::new(), ..host });
        let said = diag::render(&again.diagnostics, &sources);
        assert_eq!(again.model.map(without_places), Some(without_places(model)), "{file}: {said}\n{yaml}");
        count += 1;
    }
    assert!(count > 2, "{count} cases have no error");
}

/// Lines of rules stand elsewhere in another file.
fn without_places(mut model: Model) -> Model {
    let frontends = model.frontends.iter_mut().flat_map(|frontend| &mut frontend.rules);
    let backends = model.backends.iter_mut().flat_map(|backend| &mut backend.rules);
    let templates = model.templates.iter_mut().flat_map(|template| &mut template.backend.rules);
    for line in frontends.chain(backends).chain(templates).chain(&mut model.rules.globals) {
        (line.file, line.line) = ("".into(), 0);
    }
    model
}

#[test]
fn haproxy_defaults_hold_where_they_differ_from_our_own() {
    let text = "defaults\nmode http\ntimeout client 7s\ntimeout connect 3s\ntimeout server 9s\nfrontend f\nbind \
                127.0.0.1:80\ndefault_backend b\nbackend b\nserver s 192.0.2.1:80 check\nserver t 192.0.2.2:80\n";
    let model = load(&[Source::new("a.cfg", text)], &on("lb1")).model.expect("a valid file");
    let (frontend, backend) = (&model.frontends[0], &model.backends[0]);
    let seconds = Duration::from_secs;
    assert_eq!((frontend.timeouts.http_request, frontend.timeouts.http_keep_alive), (seconds(7), seconds(7)));
    assert_eq!((frontend.timeouts.tunnel, frontend.forwarded), (None, false));
    assert_eq!((backend.timeouts.queue, backend.redispatch, backend.retries), (seconds(3), false, 3));
    let check = backend.servers[0].check.as_ref().expect("it asked for a check");
    assert_eq!((check.interval, check.fast_interval, check.rise, check.fall), (seconds(2), seconds(2), 2, 3));
    assert_eq!((check.observe, &backend.servers[1].check), (None, &None));
    assert!(frontend.log.targets.is_empty() && model.process.log.targets.is_empty());
}

#[test]
fn mode_is_tcp_where_none_is_written() {
    let text = "listen l\nbind 127.0.0.1:80\ntimeout client 1s\ntimeout connect 1s\ntimeout server 1s\nserver s 192.0.2.1:80\n";
    let model = load(&[Source::new("a.cfg", text)], &on("lb1")).model.expect("a valid file");
    assert_eq!((model.frontends[0].mode, model.backends[0].mode), (Mode::Tcp, Mode::Tcp));
}

#[test]
fn several_files_and_languages_are_one_configuration() {
    let sources = [
        Source::new("pair.yaml", read("configs/pair.yaml")),
        Source::new(
            "a.cfg",
            "global\nmaxconn 77\ndefaults\nmode http\ntimeout client 1s\ntimeout connect 1s\ntimeout server 1s\n",
        ),
        Source::new(
            "b.cfg",
            "frontend more\nbind 127.0.0.1:81\ndefault_backend extra\nbackend extra\nserver s 192.0.2.1:80\n",
        ),
    ];
    let loaded = load(&sources, &on("lb1"));
    let said = render(&loaded.diagnostics, &sources, 1);
    let model = loaded.model.unwrap_or_else(|| panic!("{said}"));
    assert_eq!(model.process.maxconn, Some(77));
    assert_eq!(model.frontends.last().map(|frontend| frontend.name.as_str()), Some("more"));
    assert!(model.backends.iter().any(|backend| backend.name == "extra") && !model.instances.is_empty());
    assert!(!said.contains("missing timeouts"), "defaults go on into the next file: {said}");
}

#[test]
fn converted_rules_are_the_same_words() {
    let text = "defaults\nmode http\ntimeout client 7s\ntimeout connect 3s\ntimeout server 9s\nfrontend f\nbind \
                127.0.0.1:80\nacl odd path_reg '^/a b\\\\.c$' /\\ x\nhttp-request set-header X \"say %[src] 'it' (\\\"x\" if odd\n\
                http-request set-header Y \"%[path,regsub('a b',c)]\"\nuse_backend b if odd\ndefault_backend b\n\
                backend b\nhttp-request del-header Z\nserver s 192.0.2.1:80\n";
    let sources = [Source::new("a.cfg", text)];
    let loaded = load(&sources, &on("lb1"));
    let said = diag::render(&loaded.diagnostics, &sources);
    let model = loaded.model.unwrap_or_else(|| panic!("{said}"));
    let yaml = to_yaml(&model).expect("it has no routers");
    let again = load(&[Source::new("a.yaml", yaml.as_str())], &on("lb1")).model.unwrap_or_else(|| panic!("{yaml}"));
    let words = |model: &vipgate::model::Model| {
        let lines = [&model.frontends[0].rules, &model.backends[0].rules];
        lines.map(|lines| lines.iter().map(|line| line.words.clone()).collect::<Vec<_>>())
    };
    assert_eq!(words(&again), words(&model), "{yaml}");
    assert_eq!((words(&model)[0].len(), words(&model)[1].len()), (4, 1));
}

#[test]
fn error_pages_are_files_by_status_in_both_languages() {
    let text = "http-errors group\nerrorfile 403 /e/403\nerrorfile 404 /dev/null\ndefaults\nmode http\ntimeout client 7s\n\
                timeout connect 3s\ntimeout server 9s\nerrorfile 503 /e/503\nmonitor-uri /alive\nfrontend f\nbind \
                127.0.0.1:80\nerrorfiles group\nmonitor fail if TRUE\ndefault_backend b\nbackend b\nserver s 192.0.2.1:80\n";
    let page: std::sync::Arc<[u8]> = (*b"HTTP/1.1 503 Out\r\nContent-Length: 0\r\n\r\n").into();
    let files = [("/e/403", Ok(page.clone())), ("/e/503", Ok(page)), ("/dev/null", Ok((*b"").into()))];
    let files = files.map(|(name, content)| (name.to_owned(), content)).into();
    let host = HostFacts { node: "lb1".to_owned(), files, ..HostFacts::default() };
    let sources = [Source::new("a.cfg", text)];
    let loaded = load(&sources, &host);
    let said = render(&loaded.diagnostics, &sources, 1);
    let model = loaded.model.unwrap_or_else(|| panic!("{said}"));
    assert_eq!(model.rules.error_pages[0].pages, [(403, "/e/403".to_owned()), (404, "/dev/null".to_owned())]);
    assert!(!model.backends[0].rules.iter().any(|line| line.words[0] == "monitor-uri"), "only frontends have one");
    let yaml = to_yaml(&model).expect("it has no routers");
    let again = load(&[Source::new("a.yaml", yaml.as_str())], &host).model.unwrap_or_else(|| panic!("{yaml}"));
    assert_eq!(again.rules, model.rules);
    let words = |model: &vipgate::model::Model| {
        model.frontends[0].rules.iter().map(|line| line.words.clone()).collect::<Vec<_>>()
    };
    assert_eq!(words(&again), words(&model), "{yaml}");
    let native = yaml.replace("    rules:\n", "    errors: {503: /e/503}\n    rules:\n");
    let third = load(&[Source::new("a.yaml", native.as_str())], &host).model.unwrap_or_else(|| panic!("{native}"));
    assert_eq!(third.frontends[0].rules[0].words, ["errorfile", "503", "/e/503"]);
    let broken = text.replace("/e/503", "/e/504").replace("404 /dev", "999 /dev");
    let sources = [Source::new("a.cfg", broken)];
    let said = render(&load(&sources, &host).diagnostics, &sources, 1);
    assert!(said.contains("[a.cfg:3]") && said.contains("999"), "{said}");
    assert!(said.contains("[a.cfg:9]") && said.contains("cannot read '/e/504'"), "{said}");
}

#[test]
fn what_haproxy_cfg_says_of_the_process_counts_beside_yaml() {
    let cfg = "global\n external-check\n spread-checks 5\n set-var proc.x int(1)\ndefaults\n mode http\n timeout client \
               5s\n timeout connect 5s\n timeout server 5s\nlisten l\n bind 127.0.0.1:80\n server s 127.0.0.1:81\n";
    let sources = [Source::new("a.yaml", "process: {workers: 3}"), Source::new("a.cfg", cfg)];
    let loaded = load(&sources, &on("lb1"));
    let process = loaded.model.unwrap_or_else(|| panic!("{}", diag::render(&loaded.diagnostics, &sources))).process;
    assert_eq!((process.external_checks, process.spread_checks, process.workers), (true, 5, Some(3)));
}

#[test]
fn a_section_has_one_backlog_a_description_and_the_process_no_more_workers_than_it_may_have() {
    let text = "global\nthread-hard-limit 3\nnbthread 8\npp2-never-send-local\nexternal-check preserve-env\nsetenv A 'b c'\n\
                defaults\nmode http\ntimeout client 7s\ntimeout connect 3s\ntimeout server 9s\nbacklog 300\n\
                listen l\ndescription shop of books\nbind 127.0.0.1:80\nbind 127.0.0.1:81 backlog 7\nserver s 192.0.2.1:80\n";
    let host = HostFacts { cores: Some(2), ..on("lb1") };
    let load = |source: Source| {
        let sources = [source];
        let loaded = load(&sources, &host);
        loaded.model.unwrap_or_else(|| panic!("{}", render(&loaded.diagnostics, &sources, 1)))
    };
    let model = load(Source::new("a.cfg", text));
    let backlogs: Vec<_> = model.frontends[0].binds.iter().map(|bind| bind.options.backlog).collect();
    assert_eq!(backlogs, [Some(300), Some(7)]);
    let description = Some("shop of books".to_owned());
    assert_eq!((&model.frontends[0].description, &model.backends[0].options.description), (&description, &description));
    let process = &model.process;
    assert_eq!((process.workers, process.checks_as_client, process.preserves_environment), (Some(3), true, true));
    assert_eq!(model.rules.globals[0].words, ["setenv", "A", "b c"]);
    let yaml = to_yaml(&model).expect("it has no routers");
    let again = load(Source::new("a.yaml", yaml.as_str()));
    assert_eq!((&again.frontends, &again.backends), (&model.frontends, &model.backends), "{yaml}");
    assert_eq!((again.process.checks_as_client, again.process.preserves_environment), (true, true), "{yaml}");
    assert_eq!(again.rules.globals[0].words, model.rules.globals[0].words, "{yaml}");
    let alone = load(Source::new("a.cfg", text.replace("nbthread 8\n", "")));
    assert_eq!(alone.process.workers, Some(2), "not more than the machine runs at once");
}
