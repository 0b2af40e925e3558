//! The rules of a virtual router, a module for each, in the order of the reference's list of musts.

mod rig;

mod rule_01_timer_purity;
mod rule_02_receive_checks;
mod rule_03_address_lists;
mod rule_04_release_is_always_possible;
mod rule_05_claim_order;
mod rule_06_readiness_and_interfaces;
mod rule_06_probe_before_claim;
mod rule_07_stall;
mod rule_08_removed_addresses;
mod rule_10_stop_and_reload;
mod rule_14_priorities;
mod rule_16_sync_groups;
mod election;
mod announcements;
mod offers;
mod handover;
mod floods;
