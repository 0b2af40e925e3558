//! The question before a claim, asked of a real kernel: a host that has the virtual IP and does not advertise.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use vipgate::model::Model;
use vipgate::model::vrrp::{Family, Transport};
use vipgate::run::vrrp::{self, VrrpOrder};
use vipgate::state::command::VrrpCommand;
use vipgate::state::vrrp::{InstanceStatus, State, VrrpStatus};

use crate::harness::{SOON, VIP, VIP6};
use crate::kernel::{Side, cable, configure, context, in_namespace, model};

/// The model of `kernel.rs`, its instance in this family.
fn model_of(family: Family) -> Model {
    let mut model = model();
    let instance = &mut model.instances[0];
    if family == Family::V6 {
        instance.family = family;
        instance.transport = Transport::Multicast { group: family.multicast_group() };
        let address: IpAddr = VIP6.parse().expect("an address");
        instance.addresses[0].address = address;
        instance.addresses[0].prefix = 128;
    }
    model
}

/// Runs vg-vrrp here until it is Master and tells how that went, with the time from Backup to Master.
async fn claim(model: Model) -> (InstanceStatus, Duration) {
    let (context, mut ends) = context(model);
    let script = async {
        let in_state = |wanted: State| {
            move |status: &Arc<VrrpStatus>| status.instances.first().is_some_and(|web| web.state == wanted)
        };
        let backup = ends.status.wait_for(in_state(State::Backup)).await.expect("vg-vrrp runs").instances[0].clone();
        let master = ends.status.wait_for(in_state(State::Master)).await.expect("vg-vrrp runs").instances[0].clone();
        ends.orders.send(VrrpOrder::Command(VrrpCommand::Stop)).expect("vg-vrrp runs");
        let took = master.since.since(backup.since);
        (master, took)
    };
    let (result, said) = tokio::time::timeout(SOON, async { tokio::join!(vrrp::run(context), script) })
        .await
        .expect("vg-vrrp does what it is told");
    result.expect("the kernel permits it");
    said
}

/// Master_Down at priority 100 and 100 ms.
const MASTER_DOWN: Duration = Duration::from_millis(360);

fn give(side: &Side, back: &Side, address: &str) {
    side.enter();
    configure(&format!("address add {address} dev eth0 {}", if address.contains(':') { "nodad" } else { "" }));
    back.enter();
}

#[test]
fn an_address_that_another_host_has_is_claimed_one_master_down_later() {
    for (family, address) in [(Family::V4, VIP), (Family::V6, VIP6)] {
        in_namespace(move || async move {
            let (here, there) = cable();
            give(&there, &here, &format!("{address}/{}", if family == Family::V4 { 32 } else { 128 }));
            let (master, took) = claim(model_of(family)).await;
            assert_eq!(master.in_use, 1, "{family:?}: the answer is counted once");
            assert!(took > MASTER_DOWN * 2, "{family:?}: claimed after {took:?}");
        });
    }
}

#[test]
fn an_address_that_nobody_has_is_claimed_in_time_although_other_addresses_are_answered_for() {
    for family in [Family::V4, Family::V6] {
        in_namespace(move || async move {
            let (here, there) = cable();
            give(&there, &here, "192.0.2.77/24");
            give(&there, &here, "2001:db8::77/64");
            let (master, took) = claim(model_of(family)).await;
            assert_eq!(master.in_use, 0, "{family:?}");
            assert!(took < MASTER_DOWN * 2, "{family:?}: claimed after {took:?}");
        });
    }
}
