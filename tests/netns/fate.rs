//! What vg-vrrp leaves behind when it panics: nothing.
//!
//! The panic is made by what a thread of the real program calls and a test may choose: the subscriber of its log. The hook
//! ends the process, so vg-vrrp runs in a process of its own, which is this test once more.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use nix::libc::SIGABRT;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use vipgate::run::vrrp;
use vipgate::sys::netlink::Kernel;

use crate::harness::{VIP, until};
use crate::kernel::{cable, configure, context, found, frame, in_namespace, model, sniffer};

/// Set for the process that has to panic.
const PANICS: &str = "VIPGATE_TEST_PANICS";
const TEST: &str = "fate::a_panic_of_vg_vrrp_says_farewell_and_leaves_no_address";

/// A log that cannot bear warnings.
struct Fragile;

impl Subscriber for Fragile {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        panic!("cannot bear {}", event.metadata().name());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Runs vg-vrrp until it has something to warn of.
fn run_until_it_panics() {
    tracing::subscriber::set_global_default(Fragile).expect("a process of its own");
    let (context, _ends) = context(model());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(vrrp::run(context)).expect("the kernel permits it");
}

#[test]
fn a_panic_of_vg_vrrp_says_farewell_and_leaves_no_address() {
    if std::env::var_os(PANICS).is_some() {
        return run_until_it_panics();
    }
    in_namespace(|| async {
        let (here, there) = cable();
        there.enter();
        let sniffer = sniffer();
        here.enter();
        let mut kernel = Kernel::open().expect("netlink");
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", TEST]).env(PANICS, "1").stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().expect("this program");
        until("the address is here", || !found(&mut kernel, VIP).is_empty());

        // vg-vrrp puts it back, with a lease of 2 s, and then wants to warn.
        configure("address del 192.0.2.253/32 dev eth0");
        let status = process.wait().expect("own child");
        assert_eq!(status.signal(), Some(SIGABRT), "{status:?}");
        assert!(found(&mut kernel, VIP).is_empty(), "the hook removed it, not the lease");
        frame(&sniffer, |frame| frame[12..14] == [8, 0] && frame[23] == 112 && frame[36] == 0);
    });
}
