//! The end, without a lost request.

use std::sync::atomic::Ordering;

use super::{ANNOUNCE, Supervisor, halt};
use crate::proxy::worker::WorkerCommand;
use crate::run::listeners::Listeners;
use crate::run::vrrp::VrrpNotice;
use crate::state::command::VrrpCommand;
use crate::sys;

impl Supervisor {
    /// Gives the addresses away, lets sessions finish, ends the workers.
    pub(super) async fn stop(&mut self) {
        tracing::info!("stopping");
        self.view.facts.is_stopping.store(true, Ordering::Relaxed);
        self.readiness.stopping();
        if self.holds_addresses() {
            self.command_workers(|| WorkerCommand::Announce);
            tokio::time::sleep(ANNOUNCE).await;
        }
        self.command_vrrp(VrrpCommand::Stop);
        let patience = tokio::time::sleep(self.patience());
        tokio::pin!(patience);
        loop {
            tokio::select! {
                () = &mut patience => {
                    tracing::error!("vg-vrrp did not release the addresses in time");
                    break;
                }
                event = self.wiring.vrrp_notices.recv() => match event {
                    Some(VrrpNotice::Stopped) | None => break,
                    Some(event) => self.vrrp_notice(event),
                },
            }
        }
        let deadline = sys::clock::now() + self.generation.load().model.process.drain;
        self.command_workers(|| WorkerCommand::Drain { deadline });
        // The workers' duplicates are the last: who connects from now on is refused, and goes elsewhere.
        self.listeners = Listeners::default();
        halt::say_all_stopped(&self.generation.load());
        for ended in &mut self.ended {
            let _ = ended.await;
        }
        tracing::info!("stopped");
    }
}
