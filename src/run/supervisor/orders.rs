//! What an operator orders, and the answer.

use std::time::Duration;

use super::{ANNOUNCE, Answer, Supervisor};
use crate::admin::{Order, OrderKind};
use crate::proxy::worker::WorkerCommand;
use crate::run::vrrp::VrrpOrder;
use crate::state::command::VrrpCommand;
use crate::sys;

impl Supervisor {
    /// Carries an order out.
    pub(super) fn obey(&mut self, order: Order) {
        match order.kind {
            OrderKind::Reload => self.begin_reload(Some(order.answer)),
            OrderKind::Frontend { name, change } => {
                let _ = order.answer.send(self.halt_frontend(&name, change));
            }
            OrderKind::Backend { name, edit } => {
                let _ = order.answer.send(self.edit_backend(&name, edit));
            }
            OrderKind::Renew(renewals) => {
                let _ = order.answer.send(self.renew(&renewals));
            }
            OrderKind::Server { backend, server, edit } => {
                let _ = order.answer.send(self.edit_server(&backend, &server, edit));
            }
            OrderKind::Failover(instance) => {
                if let Some(name) = &instance
                    && !self.generation.load().model.instances.iter().any(|known| known.name == *name)
                {
                    let _ = order.answer.send(Err(format!("there is no vrrp instance `{name}`")));
                    return;
                }
                if !self.holds_addresses() {
                    let _ = order.answer.send(Err("this node holds no virtual address".into()));
                    return;
                }
                self.hand_over(VrrpCommand::Failover { instance }, Some(order.answer));
            }
            OrderKind::Maintenance(true) => self.hand_over(VrrpCommand::Maintenance(true), Some(order.answer)),
            OrderKind::Maintenance(false) => {
                self.command_vrrp(VrrpCommand::Maintenance(false));
                let _ = order.answer.send(Ok("maintenance is off".into()));
            }
        }
    }

    /// Announces, then gives a command to vg-vrrp, and answers when the addresses are gone or nobody took them.
    fn hand_over(&self, command: VrrpCommand, answer: Option<Answer>) {
        let held = self.holds_addresses();
        let workers: Vec<_> = self.wiring.workers.iter().map(|worker| worker.commands.clone()).collect();
        let vrrp = self.wiring.vrrp.clone();
        let mut status = self.wiring.vrrp_status.clone();
        let patience = self.patience();
        let is_maintenance = matches!(command, VrrpCommand::Maintenance(_));
        tokio::task::spawn_local(async move {
            let tell = |command: fn() -> WorkerCommand| {
                for worker in &workers {
                    let _ = worker.send(command());
                }
            };
            if held {
                tell(|| WorkerCommand::Announce);
                tokio::time::sleep(ANNOUNCE).await;
            }
            let began = sys::clock::now();
            let _ = vrrp.send(VrrpOrder::Command(command));
            let gone = status.wait_for(|status| !status.instances.iter().any(|instance| instance.state.may_hold()));
            let is_gone = tokio::time::timeout(patience, gone).await.is_ok_and(|result| result.is_ok());
            tell(|| WorkerCommand::Resume);
            let Some(answer) = answer else { return };
            let took = sys::clock::now().since(began).as_millis();
            let _ = answer.send(match (held, is_gone, is_maintenance) {
                (false, _, _) => Ok("maintenance is on; this node held no virtual address".into()),
                (true, true, _) => Ok(format!("handed over in {took} ms")),
                (true, false, true) => {
                    Ok("maintenance is on, but no peer took the virtual addresses: they stay here until one does"
                        .into())
                }
                (true, false, false) => Err("no peer took the virtual addresses: they stay here".into()),
            });
        });
    }

    /// Longer than any peer needs to take over: its master-down time at the slowest interval, and a margin.
    pub(super) fn patience(&self) -> Duration {
        let slowest = self.wiring.vrrp_status.borrow().instances.iter().map(|instance| instance.advert_interval).max();
        slowest.unwrap_or_default() * 5 + Duration::from_secs(1)
    }
}
