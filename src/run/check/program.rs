//! `option external-check`: a program whose exit status tells (manual §4.2).

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::check::rules::Program;
use crate::check::{Code, Outcome};
use crate::model::Model;
use crate::model::proxy::{Backend, Mode, Server};
use crate::sys::environment;

/// What a program is told, as HAProxy names it.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    /// `<proxy_address> <proxy_port> <server_address> <server_port>`
    arguments: [String; 4],
    /// Whether the program sees that of the process, too.
    is_preserved: bool,
    variables: Vec<(&'static str, String)>,
}

const NOT_USED: &str = "NOT_USED";

impl Environment {
    /// That of a server. The address of a `listen` section is that of its first bind.
    pub(super) fn of(model: &Model, backend: &Backend, server: &Server) -> Environment {
        let bind = model.frontends.iter().find(|frontend| frontend.name == backend.name);
        let bind = bind.and_then(|frontend| frontend.binds.first()).and_then(|bind| bind.endpoint.tcp());
        let (proxy_address, proxy_port) = match bind {
            Some(address) => (address.ip().to_string(), address.port().to_string()),
            None => (String::new(), String::new()),
        };
        let or_not_used = |text: &String| if text.is_empty() { NOT_USED.to_owned() } else { text.clone() };
        let (address, port) = (server.address.ip().to_string(), server.address.port().to_string());
        Environment {
            is_preserved: model.process.preserves_environment,
            arguments: [or_not_used(&proxy_address), or_not_used(&proxy_port), address.clone(), port.clone()],
            variables: vec![
                ("HAPROXY_PROXY_NAME", backend.name.clone()),
                ("HAPROXY_PROXY_ID", backend.id.to_string()),
                ("HAPROXY_PROXY_ADDR", proxy_address),
                ("HAPROXY_PROXY_PORT", proxy_port),
                ("HAPROXY_SERVER_NAME", server.name.clone()),
                ("HAPROXY_SERVER_ID", server.options.id.to_string()),
                ("HAPROXY_SERVER_ADDR", address),
                ("HAPROXY_SERVER_PORT", port),
                ("HAPROXY_SERVER_MAXCONN", server.maxconn.unwrap_or(0).to_string()),
                ("HAPROXY_SERVER_SSL", "0".to_owned()),
                ("HAPROXY_SERVER_PROTO", protocol(backend.mode).to_owned()),
            ],
        }
    }

    /// Adds what changes: connections now.
    pub(super) fn with_connections(mut self, connections: usize) -> Environment {
        self.variables.push(("HAPROXY_SERVER_CURCONN", connections.to_string()));
        self
    }
}

/// What traffic to a server of that mode is called.
fn protocol(mode: Mode) -> &'static str {
    match mode {
        Mode::Http => "h1",
        Mode::Tcp => "tcp",
        Mode::Log => "syslog",
    }
}

/// A group of processes; ended when it is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        // Present until the child is reaped, so the group's number cannot belong to anybody else.
        if let Some(group) = self.0.id().and_then(|id| i32::try_from(id).ok()) {
            // It may have ended meanwhile; then there is nothing left to signal.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}

/// Runs it once. Dropping the future ends the program and its children.
pub(super) async fn run(program: &Program, environment: &Environment) -> Outcome {
    let mut command = Command::new(&program.command);
    command.args(&environment.arguments).env_clear();
    if environment.is_preserved {
        let inherited = environment::variables().iter();
        command.envs(inherited.map(|(name, value)| (name, OsStr::from_bytes(value))));
    }
    command.env("PATH", &program.path);
    command.envs(environment.variables.iter().map(|(name, value)| (*name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.process_group(0).kill_on_drop(true).spawn();
    let mut group = match child {
        Ok(child) => Group(child),
        // As a shell tells of a program that is not there: HAProxy's child exits with 255.
        Err(error) => return Outcome::new(Code::ProcErr, error.to_string()).with_status(255),
    };
    match group.0.wait().await {
        Ok(status) if status.success() => Outcome::new(Code::ProcOk, ""),
        Ok(status) => Outcome::new(Code::ProcErr, "").with_status(status.code().map_or(-1, i64::from)),
        Err(error) => Outcome::new(Code::ProcErr, error.to_string()).with_status(255),
    }
}
