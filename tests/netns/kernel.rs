//! The kernel layer against a real kernel: addresses and their lease, events, raw adverts, announcements, and the loop of
//! vg-vrrp around them. One thread for each test, in a network namespace of its own.

use std::fs::File;
use std::future::Future;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::{Notify, mpsc, watch};

use vipgate::model::vrrp::{
    Announce, Authentication, ChecksumForm, Family, Instance, Preempt, Transport, Version, VirtualAddress,
};
use vipgate::model::{Model, Priority, Process, Vrid};
use vipgate::run::vrrp::{self, Scheduling, VrrpContext, VrrpNotice, VrrpOrder};
use vipgate::state::command::VrrpCommand;
use vipgate::state::levels::Board;
use vipgate::state::vrrp::{State, VrrpStatus};
use vipgate::sys::link_frame::LinkSender;
use vipgate::sys::namespace::{enter_netns, unshare_netns};
use vipgate::sys::netlink::{Event, Events, Installation, Kernel, held};
use vipgate::sys::vrrp_socket::{LONGEST, VrrpSocket};
use vipgate::vrrp::io::{Received, Transmit};
use vipgate::wire::{arp, ndisc};

use crate::harness::{SOON, until};

const VIP: &str = "192.0.2.253";
const VIP6: &str = "2001:db8::253";
const LEASE: Option<Duration> = Some(Duration::from_secs(3));

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Runs `ip` in the calling thread's namespace.
pub fn configure(words: &str) {
    let output = Command::new("ip").args(words.split_whitespace()).output().expect("ip is installed");
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a test on a thread in a new namespace.
pub fn in_namespace<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send) {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            unshare_netns().expect("root, or a user namespace: ./dev test sees to that");
            configure("link set lo up");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(test());
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

/// A namespace that the calling thread can go back to.
pub struct Side(File);

impl Side {
    fn here() -> Side {
        Side(File::open("/proc/thread-self/ns/net").expect("a namespace"))
    }

    fn path(&self) -> PathBuf {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd()).into()
    }

    /// Moves the thread there.
    pub fn enter(&self) {
        enter_netns(&self.path()).expect("a namespace of our own");
    }
}

/// Two namespaces joined by a cable: `eth0` with .11 here and .12 there. The thread is `here` afterwards.
pub fn cable() -> (Side, Side) {
    let here = Side::here();
    unshare_netns().expect("a second namespace");
    configure("link set lo up");
    let there = Side::here();
    here.enter();
    configure(&format!("link add eth0 type veth peer name eth0 netns {}", there.path().display()));
    for (side, last) in [(&there, 12), (&here, 11)] {
        side.enter();
        configure(&format!("address add 192.0.2.{last}/24 dev eth0"));
        configure(&format!("address add fe80::{last}/64 dev eth0 nodad"));
        configure("link set eth0 up");
    }
    let mut kernel = Kernel::open().expect("netlink");
    until("the cable carries", || kernel.interfaces().is_ok_and(|found| found.iter().all(|found| found.is_up)));
    (here, there)
}

/// An interface whose cable ends nowhere.
fn stub() -> u32 {
    configure("link add eth0 type veth peer name eth1");
    configure("address add 192.0.2.11/24 dev eth0");
    configure("link set eth0 up");
    index()
}

fn index() -> u32 {
    let interfaces = Kernel::open().and_then(|mut kernel| kernel.interfaces()).expect("interfaces");
    interfaces.iter().find(|interface| interface.name == "eth0").expect("eth0").index
}

fn installations(index: u32) -> [Installation; 2] {
    [Installation { index, address: ip(VIP), prefix: 32 }, Installation { index, address: ip(VIP6), prefix: 128 }]
}

/// The first event that `wanted` accepts.
async fn event(events: &mut Events, wanted: impl Fn(&Event) -> bool) -> Event {
    let waiting = async {
        loop {
            if let Some(event) = events.read().expect("events").into_iter().find(|event| wanted(event)) {
                return event;
            }
            std::future::poll_fn(|context| events.poll_ready(context)).await.expect("events");
        }
    };
    tokio::time::timeout(SOON, waiting).await.expect("the event comes")
}

pub fn found(kernel: &mut Kernel, address: &str) -> Vec<vipgate::sys::netlink::Address> {
    kernel.addresses().expect("addresses").into_iter().filter(|found| found.address == ip(address)).collect()
}

#[test]
fn installed_address_is_tagged_and_expires_by_itself() {
    in_namespace(|| async {
        let index = stub();
        let mut kernel = Kernel::open().unwrap();
        let mut events = Events::subscribe().unwrap();
        for installation in installations(index) {
            kernel.install(installation, Some(Duration::from_secs(1))).unwrap();
            let address = found(&mut kernel, &installation.address.to_string());
            assert_eq!(address.len(), 1);
            assert!(address[0].is_tagged && address[0].is_settled && address[0].lifetime == Some(1), "{address:?}");
            let is_it = |event: &Event| matches!(event, Event::AddressGone { address, by: 0 } if address.address == installation.address);
            event(&mut events, is_it).await;
        }
        assert!(found(&mut kernel, VIP).is_empty() && found(&mut kernel, VIP6).is_empty());
    });
}

#[test]
fn renewed_address_keeps_its_tag_and_gets_a_new_lifetime() {
    in_namespace(|| async {
        let mut kernel = Kernel::open().unwrap();
        for installation in installations(stub()) {
            kernel.install(installation, LEASE).unwrap();
            kernel.install(installation, Some(Duration::from_secs(60))).unwrap();
            let address = found(&mut kernel, &installation.address.to_string());
            assert_eq!(address.len(), 1);
            assert!(address[0].is_tagged && address[0].lifetime > Some(50), "{address:?}");
        }
    });
}

#[test]
fn release_removes_tagged_addresses_and_no_others() {
    in_namespace(|| async {
        let mut kernel = Kernel::open().unwrap();
        let index = stub();
        for installation in installations(index) {
            kernel.install(installation, None).unwrap();
        }
        configure("address add 192.0.2.200/32 dev eth0");
        assert_eq!(held::release_vips().unwrap(), 2);
        assert_eq!(held::release_vips().unwrap(), 0);
        assert!(found(&mut kernel, VIP).is_empty() && found(&mut kernel, VIP6).is_empty());
        assert_eq!(found(&mut kernel, "192.0.2.200").len() + found(&mut kernel, "192.0.2.11").len(), 2);
    });
}

#[test]
fn virtual_ip_never_takes_the_node_address_with_it() {
    in_namespace(|| async {
        let mut kernel = Kernel::open().unwrap();
        let [installation, _] = installations(stub());
        kernel.install(installation, None).unwrap();
        kernel.remove(installation).unwrap();
        kernel.remove(installation).expect("an address that is not there is removed already");
        assert_eq!(found(&mut kernel, "192.0.2.11").len(), 1);
        let nowhere = Installation { index: 9999, ..installation };
        kernel.remove(nowhere).expect("so is one whose interface is gone");
        assert!(kernel.install(nowhere, None).is_err());
    });
}

#[test]
fn removal_by_somebody_else_is_told_from_our_own() {
    in_namespace(|| async {
        let mut kernel = Kernel::open().unwrap();
        let [installation, _] = installations(stub());
        let mut events = Events::subscribe().unwrap();
        let is_gone = |event: &Event| matches!(event, Event::AddressGone { .. });
        for is_own in [true, false] {
            kernel.install(installation, LEASE).unwrap();
            if is_own {
                kernel.remove(installation).unwrap();
            } else {
                configure("address del 192.0.2.253/32 dev eth0");
            }
            let Event::AddressGone { address, by } = event(&mut events, is_gone).await else { unreachable!() };
            assert_eq!((address.address, by == kernel.port()), (ip(VIP), is_own));
        }
    });
}

#[test]
fn lost_carrier_is_an_event_and_so_is_a_deleted_interface() {
    in_namespace(|| async {
        let (_here, there) = cable();
        let mut events = Events::subscribe().unwrap();
        let here = Side::here();
        there.enter();
        configure("link set eth0 down");
        here.enter();
        event(&mut events, |event| matches!(event, Event::Link(link) if link.name == "eth0" && !link.is_up)).await;
        configure("link del eth0");
        event(&mut events, |event| matches!(event, Event::LinkGone(link) if link.name == "eth0")).await;
    });
}

#[test]
fn events_that_the_kernel_had_to_drop_are_reported_as_lost() {
    in_namespace(|| async {
        let mut kernel = Kernel::open().unwrap();
        let [installation, _] = installations(stub());
        let mut events = Events::subscribe().unwrap();
        for _ in 0..8000 {
            kernel.install(installation, LEASE).unwrap();
        }
        assert_eq!(event(&mut events, |event| *event == Event::Lost).await, Event::Lost);
        kernel.remove(installation).unwrap();
        event(&mut events, |event| matches!(event, Event::AddressGone { .. })).await;
    });
}

/// A socket that sees every frame of the current namespace.
pub fn sniffer() -> Socket {
    let every = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(every)).expect("a packet socket");
    socket.set_read_timeout(Some(SOON)).expect("a timeout");
    socket
}

/// The first frame that `wanted` accepts.
pub fn frame(sniffer: &Socket, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut buffer = [0; 2048];
    loop {
        let length = std::io::Read::read(&mut &*sniffer, &mut buffer).expect("the frame comes");
        if wanted(&buffer[..length]) {
            return buffer[..length].to_vec();
        }
    }
}

async fn hear(socket: &VrrpSocket) -> Received {
    let mut buffer = vec![0; LONGEST];
    let waiting = async {
        loop {
            std::future::poll_fn(|context| socket.poll_ready(context)).await.expect("a socket");
            match socket.receive(&mut buffer) {
                Ok(Some(message)) => return message,
                Ok(None) => {}
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
        }
    };
    tokio::time::timeout(SOON, waiting).await.expect("the message comes")
}

#[test]
fn adverts_arrive_with_source_destination_ttl_and_class() {
    in_namespace(|| async {
        let (here, there) = cable();
        for (family, source, peer) in [(Family::V4, "192.0.2.11", "192.0.2.12"), (Family::V6, "fe80::11", "fe80::12")] {
            let group = family.multicast_group();
            there.enter();
            let receiver = VrrpSocket::open("eth0", index(), family, &[group]).unwrap();
            let sniffer = sniffer();
            here.enter();
            let sender = VrrpSocket::open("eth0", index(), family, &[group]).unwrap();
            for destination in [group, ip(peer)] {
                let message = Transmit {
                    instance: 0,
                    interface: "eth0".into(),
                    source: ip(source),
                    destination,
                    ttl: 255,
                    bytes: b"not an advert".to_vec(),
                };
                sender.send(&message).unwrap();
                let received = hear(&receiver).await;
                let expected = Received {
                    interface: "eth0".into(),
                    source: ip(source),
                    destination,
                    ttl: Some(255),
                    bytes: message.bytes,
                };
                assert_eq!(received, expected);
                let class = match family {
                    Family::V4 => frame(&sniffer, |frame| frame[12..14] == [8, 0] && frame[23] == 112)[15],
                    Family::V6 => {
                        let frame = frame(&sniffer, |frame| frame[12..14] == [0x86, 0xdd] && frame[20] == 112);
                        frame[14] << 4 | frame[15] >> 4
                    }
                };
                assert_eq!(class, 0xc0);
            }
            let own = sender.receive(&mut vec![0; LONGEST]).unwrap_err();
            assert_eq!(own.kind(), std::io::ErrorKind::WouldBlock, "a sender does not hear itself");
        }
    });
}

#[test]
fn announcements_leave_as_whole_frames() {
    in_namespace(|| async {
        let (here, there) = cable();
        there.enter();
        let sniffer = sniffer();
        here.enter();
        let interface = Kernel::open().unwrap().interfaces().unwrap();
        let interface = interface.iter().find(|interface| interface.name == "eth0").expect("eth0");
        let mac = interface.mac.expect("veth is Ethernet");
        let sender = LinkSender::open().unwrap();
        let (IpAddr::V4(v4), IpAddr::V6(v6)) = (ip(VIP), ip(VIP6)) else { unreachable!() };
        for expected in [arp::gratuitous(mac, v4), ndisc::unsolicited(mac, v6)] {
            sender.send(interface.index, &expected).unwrap();
            assert_eq!(frame(&sniffer, |frame| frame.starts_with(&expected[..])), expected);
        }
        assert!(sender.send(9999, &arp::gratuitous(mac, v4)).is_err());
    });
}

/// One IPv4 instance with 100 ms between adverts and a lease of 2 s.
pub fn model() -> Model {
    let interface = "eth0".to_owned();
    Model {
        node: "lb1".into(),
        nodes: Vec::new(),
        instances: vec![Instance {
            name: "web".into(),
            interface: interface.clone(),
            version: Version::V3,
            family: Family::V4,
            vrid: Vrid::new(51).expect("not zero"),
            priority: Priority::new(100).expect("not zero"),
            advert_interval: Duration::from_millis(100),
            down_adverts: 3,
            preempt: Preempt::After(Duration::ZERO),
            authentication: Authentication::None,
            transport: Transport::Multicast { group: Family::V4.multicast_group() },
            addresses: vec![VirtualAddress { name: None, address: ip(VIP), prefix: 24, interface }],
            announce: Announce { burst: 2, delay: None, refresh: None },
            lease: Some(Duration::from_secs(2)),
            checksum: ChecksumForm::PseudoHeader,
            track: Vec::new(),
        }],
        sync_groups: Vec::new(),
        objects: Vec::new(),
        frontends: Vec::new(),
        backends: Vec::new(),
        templates: Vec::new(),
        resolvers: Vec::new(),
        rules: vipgate::model::rules::Material::default(),
        process: Process {
            workers: None,
            maxconn: None,
            server_state_file: None,
            stats_file: None,
            rates: Default::default(),
            admin_socket: "/nonexistent".into(),
            confinement: Default::default(),
            identity: Default::default(),
            runtime: Default::default(),
            log: vipgate::model::log::ProcessLogs::default(),
            drain: Duration::ZERO,
            external_checks: false,
            shares_idle: true,
            preserves_environment: false,
            checks_as_client: false,
            spread_checks: 0,
            families: Default::default(),
        },
    }
}

/// The far ends of what vg-vrrp hears and says.
pub struct Ends {
    pub orders: mpsc::UnboundedSender<VrrpOrder>,
    pub notices: mpsc::UnboundedReceiver<VrrpNotice>,
    pub status: watch::Receiver<Arc<VrrpStatus>>,
}

/// What vg-vrrp runs with, without a proxy beside it.
pub fn context(model: Model) -> (VrrpContext, Ends) {
    let (order_sender, orders) = mpsc::unbounded_channel();
    let (notices, notice_receiver) = mpsc::unbounded_channel();
    let (status, status_receiver) = watch::channel(Arc::new(VrrpStatus::default()));
    let context = VrrpContext {
        model: Arc::new(model),
        backends: Vec::new(),
        board: Arc::new(Board::new(0)),
        listeners: Vec::new(),
        hearts: Vec::new(),
        heart: Arc::default(),
        levels_changed: Arc::new(Notify::new()),
        orders,
        status,
        notices,
        scheduling: Scheduling::Normal,
    };
    (context, Ends { orders: order_sender, notices: notice_receiver, status: status_receiver })
}

#[test]
fn vg_vrrp_claims_repairs_and_gives_up_an_address() {
    in_namespace(|| async {
        let (here, there) = cable();
        there.enter();
        let sniffer = sniffer();
        here.enter();
        let index = index();
        let mut kernel = Kernel::open().unwrap();
        // Rule 9. Left behind by a process that was killed; on an interface of no instance.
        let stale = Installation { index, address: ip("192.0.2.99"), prefix: 32 };
        kernel.install(stale, None).unwrap();

        let (context, mut ends) = context(model());
        let script = async {
            let is_master = |status: &Arc<VrrpStatus>| {
                status.instances.first().is_some_and(|web| web.state == State::Master && web.holds_addresses)
            };
            ends.status.wait_for(is_master).await.expect("vg-vrrp runs");
            assert!(found(&mut kernel, "192.0.2.99").is_empty(), "stale addresses go first");
            let held = found(&mut kernel, VIP);
            assert!(held.len() == 1 && held[0].is_tagged && held[0].prefix == 32, "{held:?}");
            assert!(held[0].lifetime <= Some(2));

            configure("address del 192.0.2.253/32 dev eth0");
            let is_repaired = |status: &Arc<VrrpStatus>| status.instances[0].readded == 1;
            let repaired = ends.status.wait_for(is_repaired).await.expect("vg-vrrp runs").clone();
            assert_eq!(repaired.instances[0].state, State::Master);
            assert_eq!(found(&mut kernel, VIP).len(), 1);

            let sent = repaired.instances[0].adverts_sent;
            let is_renewed = |status: &Arc<VrrpStatus>| status.instances[0].adverts_sent > sent + 30;
            ends.status.wait_for(is_renewed).await.expect("vg-vrrp runs");
            assert_eq!(found(&mut kernel, VIP).len(), 1, "the lease was renewed");

            ends.orders.send(VrrpOrder::Command(VrrpCommand::Stop)).expect("vg-vrrp runs");
            let mut notices = Vec::new();
            while let Some(notice) = ends.notices.recv().await {
                notices.push(notice);
            }
            assert!(found(&mut kernel, VIP).is_empty());
            let left = |notice: &&VrrpNotice| matches!(notice, VrrpNotice::VipLeft(address) if *address == ip(VIP));
            assert_eq!(notices.iter().filter(left).count(), 1);
            assert!(matches!(notices.last(), Some(VrrpNotice::Stopped)));
        };
        let (result, ()) = tokio::time::timeout(SOON, async { tokio::join!(vrrp::run(context), script) })
            .await
            .expect("vg-vrrp does what it is told");
        result.expect("the kernel permits it");
        let is_from_vip = |frame: &[u8]| frame[12..14] == [8, 6] && frame[28..32] == [192, 0, 2, 253];
        frame(&sniffer, is_from_vip);
        let is_farewell = |frame: &[u8]| frame[12..14] == [8, 0] && frame[23] == 112 && frame[36] == 0;
        frame(&sniffer, is_farewell);
    });
}
