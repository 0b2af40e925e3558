//! Every channel and cell between threads.
//!
//! | from | to | what | when full |
//! |---|---|---|---|
//! | main | worker | [`WorkerCommand`] | unbounded: main sends a handful for each reload |
//! | main | vg-vrrp | [`VrrpOrder`] | unbounded, likewise |
//! | main | vg-check | [`CheckOrder`] | unbounded, likewise |
//! | vg-vrrp | main | [`VrrpNotice`] | unbounded: a few for each address and change of state |
//! | vg-vrrp | vg-ctl, main | latest `VrrpStatus` | a cell |
//! | vg-check, main | vg-vrrp | levels: `Board`, server registry, and a bell | cells |
//! | workers | vg-check | suspect servers | dropped: the next failure says it again |
//! | workers | vg-ctl | [`ServerOrder`]: changes asked for on a statistics page | whoever asked waits |
//! | vg-ctl | vg-check | [`ServerOrder`]: what the operator says of servers, checks and agents | whoever asked waits |
//! | main | vg-ctl | generations, whose names are followed | unbounded: one for each reload |
//! | workers | vg-ctl | [`Question`]: names that rules ask for | the name has no address |
//! | workers | vg-log | lines | dropped and counted |
//! | worker | worker | idle connections: [`Pools`] | 512 for each server and worker |
//! | every thread | vg-log-err | messages (the queue is in `log/messages.rs`: `tracing` begins earlier) | dropped and counted |
//! | every thread | vg-vrrp, main | heart | a cell |
//! | vg-ctl | main | [`Order`] | the operator waits |

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

use crate::admin::Order;
use crate::generation::Generation;
use crate::proxy::pools::Pools;
use crate::proxy::worker::WorkerCommand;
use crate::state::command::{ServerOrder, Suspect};
use crate::state::counters::Shard;
use crate::state::heart::Heart;
use crate::state::levels::Board;
use crate::state::log::LogRing;
use crate::state::naming::Question;
use crate::state::sessions::Sessions;
use crate::state::vrrp::VrrpStatus;

use super::vrrp::{VrrpNotice, VrrpOrder};

/// From main to vg-check.
#[derive(Debug)]
pub enum CheckOrder {
    /// A new generation and the board on which levels are reported.
    Configure(Arc<Generation>, Arc<Board>),
}

/// What a worker shares with other threads.
#[derive(Debug)]
pub(super) struct WorkerEnds {
    pub(super) commands: mpsc::UnboundedSender<WorkerCommand>,
    pub(super) log: Arc<LogRing>,
    pub(super) counters: Arc<Shard>,
}

/// The ends that main keeps.
pub(super) struct Wiring {
    pub(super) workers: Vec<WorkerEnds>,
    pub(super) vrrp: mpsc::UnboundedSender<VrrpOrder>,
    pub(super) vrrp_notices: mpsc::UnboundedReceiver<VrrpNotice>,
    pub(super) vrrp_status: watch::Receiver<Arc<VrrpStatus>>,
    pub(super) check: mpsc::UnboundedSender<CheckOrder>,
    pub(super) probing: mpsc::Sender<ServerOrder>,
    pub(super) names: mpsc::UnboundedSender<Arc<Generation>>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) orders_sender: mpsc::Sender<Order>,
    pub(super) levels_changed: Arc<Notify>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) pools: Arc<Pools>,
    /// Every thread's that must go on: workers, vg-check, vg-vrrp.
    pub(super) hearts: Vec<Arc<Heart>>,
}

/// The ends that the other threads take with them.
pub(super) struct Ends {
    pub(super) workers: Vec<WorkerOwn>,
    pub(super) vrrp_orders: mpsc::UnboundedReceiver<VrrpOrder>,
    pub(super) vrrp_notices: mpsc::UnboundedSender<VrrpNotice>,
    pub(super) vrrp_status: watch::Sender<Arc<VrrpStatus>>,
    pub(super) check_orders: mpsc::UnboundedReceiver<CheckOrder>,
    pub(super) probing: mpsc::Receiver<ServerOrder>,
    pub(super) names: mpsc::UnboundedReceiver<Arc<Generation>>,
    pub(super) suspects: mpsc::Receiver<Suspect>,
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) server_orders: mpsc::Receiver<ServerOrder>,
    pub(super) hearts: Vec<Arc<Heart>>,
    pub(super) check_heart: Arc<Heart>,
    pub(super) vrrp_heart: Arc<Heart>,
}

/// What one worker takes with it.
pub(super) struct WorkerOwn {
    pub(super) commands: mpsc::UnboundedReceiver<WorkerCommand>,
    pub(super) heart: Arc<Heart>,
    pub(super) suspects: mpsc::Sender<Suspect>,
    pub(super) questions: mpsc::Sender<Question>,
    pub(super) orders: mpsc::Sender<ServerOrder>,
}

/// Bytes of access log that a worker may be ahead of vg-log.
const LOG_BYTES: usize = 1 << 20;
/// Names that vg-ctl may be behind the rules that ask for them.
const QUESTIONS: usize = 4096;

/// Creates everything for a process with so many workers.
pub(super) fn wire(workers: usize, sessions: Arc<Sessions>) -> (Wiring, Ends) {
    let (vrrp, vrrp_orders) = mpsc::unbounded_channel();
    let (notice_sender, vrrp_notices) = mpsc::unbounded_channel();
    let (status_sender, vrrp_status) = watch::channel(Arc::new(VrrpStatus::default()));
    let (check, check_orders) = mpsc::unbounded_channel();
    let (orders_sender, orders) = mpsc::channel(16);
    let (probing_sender, probing) = mpsc::channel(16);
    let (names_sender, names) = mpsc::unbounded_channel();
    let (suspects_sender, suspects) = mpsc::channel(256);
    let (questions_sender, questions) = mpsc::channel(QUESTIONS);
    let (server_orders_sender, server_orders) = mpsc::channel(16);
    let check_heart = Arc::new(Heart::default());
    let mut hearts = vec![Arc::clone(&check_heart)];
    let (mut ends, mut owns) = (Vec::new(), Vec::new());
    for _ in 0..workers {
        let (sender, commands) = mpsc::unbounded_channel();
        let heart = Arc::new(Heart::default());
        hearts.push(Arc::clone(&heart));
        ends.push(WorkerEnds {
            commands: sender,
            log: Arc::new(LogRing::new(LOG_BYTES)),
            counters: Arc::new(Shard::default()),
        });
        owns.push(WorkerOwn {
            commands,
            heart,
            suspects: suspects_sender.clone(),
            questions: questions_sender.clone(),
            orders: server_orders_sender.clone(),
        });
    }
    let vrrp_heart = Arc::new(Heart::default());
    let all_hearts = hearts.iter().chain([&vrrp_heart]).cloned().collect();
    let wiring = Wiring {
        workers: ends,
        vrrp,
        vrrp_notices,
        vrrp_status,
        check,
        probing: probing_sender,
        names: names_sender,
        orders,
        orders_sender,
        levels_changed: Arc::new(Notify::new()),
        sessions,
        pools: Arc::new(Pools::new(workers)),
        hearts: all_hearts,
    };
    let ends = Ends {
        workers: owns,
        vrrp_orders,
        vrrp_notices: notice_sender,
        vrrp_status: status_sender,
        check_orders,
        probing,
        names,
        suspects,
        questions,
        server_orders,
        hearts,
        check_heart,
        vrrp_heart,
    };
    (wiring, ends)
}
