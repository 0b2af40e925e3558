//! Question, advert, addresses, and only after the kernel's yes the announcement.

use super::rig::*;
use crate::state::vrrp::State;
use crate::vrrp::Input;

#[test]
fn a_claim_is_question_advert_address_answer_announcement() {
    let mut rig = Rig::new(config());
    rig.take();
    rig.kernel = Kernel::Silent;
    rig.pass(ms(3700));
    assert_eq!(
        rig.take(),
        ["probe 192.0.2.253", "send 100", "add 192.0.2.253", "BACKUP -> MASTER: master down timer expired"]
    );
    rig.input(Input::AddressesAdded { instance: 0, result: Ok(()) });
    assert_eq!(rig.take(), ["announce 192.0.2.253 x5"]);
}

#[test]
fn a_refused_address_is_a_fault_that_is_tried_again() {
    let mut rig = Rig::new(config());
    rig.kernel = Kernel::Refuses;
    rig.pass(ms(3700));
    assert_eq!(rig.state(), State::Fault);
    assert!(rig.status().reason.contains("no buffer space"));
    assert_eq!(rig.sent(), [100, 0, 0]);
    rig.kernel = Kernel::Grants;
    rig.pass(ms(9_900));
    assert_eq!(rig.state(), State::Fault);
    rig.pass(ms(4_000));
    assert_eq!(rig.state(), State::Master);
}

#[test]
fn a_kernel_that_does_not_answer_is_a_fault() {
    let mut rig = Rig::new(config());
    rig.kernel = Kernel::Silent;
    rig.pass(ms(4700));
    assert_eq!(rig.state(), State::Fault);
    assert!(!rig.has_output("announce"));
}

#[test]
fn an_answer_that_comes_after_the_address_was_given_up_announces_nothing() {
    let mut rig = Rig::new(config());
    rig.kernel = Kernel::Silent;
    rig.pass(ms(3700));
    rig.hear(200);
    rig.take();
    rig.input(Input::AddressesAdded { instance: 0, result: Ok(()) });
    assert_eq!(rig.take(), Vec::<String>::new());
    assert!(!rig.status().holds_addresses);
}

#[test]
fn an_answer_to_a_claim_that_was_given_up_does_not_count_for_the_next_one() {
    let mut rig = Rig::new(config());
    rig.kernel = Kernel::Silent;
    rig.pass(ms(3700));
    rig.hear(200);
    rig.pass(ms(3700));
    assert_eq!(rig.state(), State::Master);
    rig.take();
    rig.input(Input::AddressesAdded { instance: 0, result: Ok(()) });
    assert!(!rig.status().holds_addresses);
    rig.input(Input::AddressesAdded { instance: 0, result: Ok(()) });
    assert_eq!(rig.take(), ["announce 192.0.2.253 x5"]);
}
