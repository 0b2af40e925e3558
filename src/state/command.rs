//! Orders between threads.

/// What the operator, through vg-ctl or main, asks vg-vrrp for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VrrpCommand {
    /// Offer the addresses to a peer, once (`vipgate failover`); `None` is every instance.
    Failover {
        /// Name of an instance.
        instance: Option<String>,
    },
    /// Keep offering until told otherwise (`vipgate maintenance on|off`).
    Maintenance(bool),
    /// Offer the addresses, then remove them, then report stopped.
    Stop,
}
