//! The files of `configs/` and DESIGN's example, as models.

use std::time::Duration;

use vipgate::config::load;
use vipgate::diag::{Source, render};
use vipgate::model::Model;
use vipgate::model::proxy::Mode;
use vipgate::model::track::{Object, Weight};
use vipgate::model::vrrp::{Family, Preempt, Transport};

use crate::{on, read};

pub const FILES: [&str; 4] =
    ["configs/pair.yaml", "configs/active-active.yaml", "configs/tcp.yaml", "configs/cloud-unicast.yaml"];

pub fn model(text: &str, node: &str) -> Model {
    let sources = [Source::new("test.yaml", text)];
    loaded(&sources, node)
}

fn loaded(sources: &[Source], node: &str) -> Model {
    let loaded = load(sources, &on(node));
    loaded.model.unwrap_or_else(|| panic!("{}", render(&loaded.diagnostics, sources)))
}

#[test]
fn every_example_loads_on_both_nodes_without_a_word() {
    for file in FILES {
        for node in ["lb1", "lb2"] {
            let sources = [Source::new(file, read(file))];
            let loaded = load(&sources, &on(node));
            assert!(
                loaded.model.is_some() && loaded.diagnostics.is_empty(),
                "{}",
                render(&loaded.diagnostics, &sources)
            );
        }
    }
}

#[test]
fn configuration_of_the_package_does_nothing_until_it_is_uncommented() {
    let text = read("packaging/files/vipgate.yaml");
    let idle = model(&text, "any-name");
    assert!(idle.instances.is_empty() && idle.frontends.is_empty());
    let (head, pair) = text.split_once("#nodes:").expect("the pair is commented out");
    let uncommented = format!("{head}nodes:{}", pair.replace("\n#", "\n"));
    let pair = model(&uncommented, "lb1");
    assert_eq!((pair.instances.len(), pair.frontends.len(), pair.backends.len()), (1, 1, 1));
}

#[test]
fn proxy_health_is_tracked_without_being_asked() {
    let model = model(&read("configs/pair.yaml"), "lb1");
    let rules: Vec<_> =
        model.instances[0].track.iter().map(|rule| (model.objects[rule.object].name.as_str(), rule.weight)).collect();
    assert_eq!(
        rules,
        [
            ("workers", Weight::Fault),
            ("bind web 192.0.2.253:80", Weight::Fault),
            ("bind raw 192.0.2.253:8080", Weight::Fault),
            ("backend app", Weight::Degrade),
            ("backend app_raw", Weight::Degrade),
        ]
    );
}

#[test]
fn own_word_about_a_backend_replaces_the_default() {
    let model = model(&read("configs/cloud-unicast.yaml"), "lb1");
    let backends: Vec<_> = model.instances[0]
        .track
        .iter()
        .filter(|rule| matches!(model.objects[rule.object].object, Object::Backend { .. }))
        .map(|rule| rule.weight)
        .collect();
    assert_eq!(backends, [Weight::Penalty(150)]);
}

#[test]
fn each_node_has_its_own_priority_interface_and_peers() {
    let text = read("configs/cloud-unicast.yaml");
    let (one, two) = (model(&text, "lb1"), model(&text, "lb2"));
    assert_eq!((one.instances[0].priority.value(), one.instances[0].interface.as_str()), (200, "ens5"));
    assert_eq!((two.instances[0].priority.value(), two.instances[0].interface.as_str()), (100, "ens6"));
    let Transport::Unicast { source, peers, min_ttl, .. } = &two.instances[0].transport else { panic!("multicast") };
    assert_eq!(
        (source.map(|s| s.to_string()), peers[0].to_string(), *min_ttl),
        (Some("10.0.1.12".into()), "10.0.1.11".into(), 255)
    );
}

#[test]
fn both_families_make_two_routers_in_one_group() {
    let model = model(&read("configs/tcp.yaml"), "lb1");
    let names: Vec<_> = model.instances.iter().map(|i| (i.name.as_str(), i.family)).collect();
    assert_eq!(names, [("db", Family::V4), ("db/v6", Family::V6)]);
    assert_eq!(model.sync_groups[0].members, [0, 1]);
    assert_eq!(model.frontends[0].binds.iter().map(|bind| bind.instance).collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert_eq!(model.instances[0].preempt, Preempt::Never);
}

#[test]
fn defaults_are_those_of_the_design() {
    let model = model(&read("configs/active-active.yaml"), "lb1");
    let (instance, frontend, backend) = (&model.instances[0], &model.frontends[0], &model.backends[0]);
    let seconds = Duration::from_secs;
    assert_eq!(instance.preempt, Preempt::After(seconds(30)));
    assert_eq!((instance.advert_interval, instance.down_adverts, instance.lease), (seconds(1), 3, Some(seconds(3))));
    assert_eq!(frontend.mode, Mode::Http);
    let timeouts = frontend.timeouts;
    assert_eq!(
        (timeouts.client, timeouts.http_request, timeouts.http_keep_alive),
        (seconds(30), seconds(10), seconds(10))
    );
    assert_eq!(timeouts.tunnel, Some(seconds(3600)));
    let timeouts = backend.timeouts;
    assert_eq!((timeouts.connect, timeouts.server, timeouts.queue), (seconds(5), seconds(30), seconds(5)));
    assert_eq!(model.admin_socket(), "/run/vipgate/admin.sock");
}

#[test]
fn lease_is_at_least_two_seconds() {
    let model = model(&read("configs/tcp.yaml"), "lb1");
    assert_eq!(model.instances[0].lease, Some(Duration::from_secs(2)));
}

#[test]
fn conf_d_merges_by_name() {
    let sources = [
        Source::new("vipgate.yaml", read("configs/pair.yaml")),
        Source::new("conf.d/more.yaml", "backends:\n  other: {servers: {a: 192.0.2.31:80}}\n"),
    ];
    let model = loaded(&sources, "lb1");
    assert_eq!(model.backends.last().map(|backend| backend.name.as_str()), Some("other"));
}

#[test]
fn name_given_in_two_files_shows_both_places() {
    let sources = [
        Source::new("vipgate.yaml", read("configs/pair.yaml")),
        Source::new("conf.d/more.yaml", "backends:\n  app: {servers: {a: 192.0.2.31:80}}\n"),
    ];
    let loaded = load(&sources, &on("lb1"));
    assert!(loaded.model.is_none());
    let text = render(&loaded.diagnostics, &sources);
    assert!(text.starts_with("conf.d/more.yaml:2:3: error[E-DUPLICATE]: `app` is given twice"), "{text}");
    assert!(text.contains("::: vipgate.yaml:25:3"), "{text}");
}

#[test]
fn proxy_alone_needs_no_virtual_router() {
    let text = "nodes:\n  here: {address: 127.0.0.1}\nfrontends:\n  web:\n    bind: [\"127.0.0.1:8080\"]\n    \
                default_backend: web\nbackends:\n  web:\n    servers: {one: \"127.0.0.1:8081\"}\nlog: {access: off}\n";
    let model = model(text, "here");
    assert!(model.instances.is_empty() && model.objects.is_empty());
}

trait AdminSocket {
    fn admin_socket(&self) -> &str;
}

impl AdminSocket for Model {
    fn admin_socket(&self) -> &str {
        self.process.admin_socket.to_str().expect("utf-8")
    }
}
