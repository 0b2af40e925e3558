//! `vipgate haproxy ...`, and vipgate under the name `haproxy`: HAProxy's command line with its exit statuses, so that
//! scripts and VTest can start it.
//!
//! It decides what the options ask for; loading and running are `run`'s. 0: fine. 1: the configuration or the command line
//! is wrong. 2: a condition cannot be read. Start with [`main`]; [`options`] is the list.

mod options;
mod background;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::unistd::{AccessFlags, access};

use crate::config::haproxy;
use crate::model::identity::Version;
use crate::run::{self, LoadError, Stop};
use crate::sys;

use super::serve::start_messages;
use options::Invocation;

/// What an option of the command line does here; `None` if HAProxy has none of that name.
pub(super) fn explain(option: &str) -> Option<String> {
    options::explain(option)
}

/// Runs with the arguments behind the name.
pub(super) fn main(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut asked = match options::read(arguments) {
        Ok(asked) => asked,
        Err(error) => {
            alert(&error.to_string());
            eprint!("{}", options::USAGE);
            return Ok(ExitCode::FAILURE);
        }
    };
    if asked.version > 0 {
        version(asked.version, run::haproxy_start(&[], None).version);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(condition) = &asked.condition {
        return Ok(self::condition(condition));
    }
    if let Some(directory) = &asked.directory
        && let Err(error) = std::env::set_current_dir(directory)
    {
        alert(&format!("could not change to directory {} : {error}", directory.display()));
        return Ok(ExitCode::FAILURE);
    }
    if asked.files.is_empty() {
        alert("no configuration file was given: -f <cfgfile|cfgdir>");
        return Ok(ExitCode::FAILURE);
    }
    if asked.is_verbose && !asked.is_quiet {
        asked.passed_over.iter().for_each(|message| eprintln!("[NOTICE]   ({}) : {message}.", std::process::id()));
    }
    let start = run::haproxy_start(&asked.files, asked.node.as_deref());
    asked.is_background |= start.is_daemon && !background::is_second();
    asked.pid_file = asked.pid_file.or(start.pid_file);
    if asked.is_check || asked.is_strict || asked.is_background {
        match judge(&asked) {
            Verdict::Silent if asked.is_check && start.judges_listeners && !start.has_peers => {
                if !asked.is_quiet {
                    println!("Configuration file has no error but will not start (no listener) => exit(2).");
                }
                return Ok(ExitCode::from(2));
            }
            Verdict::Valid | Verdict::Silent if asked.is_check => {
                if asked.is_verbose {
                    println!("Configuration file is valid");
                }
                return Ok(ExitCode::SUCCESS);
            }
            Verdict::Valid | Verdict::Silent => {}
            Verdict::Invalid => return Ok(ExitCode::FAILURE),
        }
    }
    match asked.is_background && !asked.is_foreground {
        true => background::start(arguments),
        false => serve(asked, start.has_peers),
    }
}

enum Verdict {
    Valid,
    /// Valid, but nothing listens.
    Silent,
    Invalid,
}

/// Loads the files and says what is wrong with them, as `-c` does.
fn judge(asked: &Invocation) -> Verdict {
    match run::load(&asked.files, asked.node.as_deref()) {
        Ok(loaded) => {
            if asked.is_check && !asked.is_quiet {
                eprint!("{}", loaded.warnings);
            }
            if asked.is_strict && loaded.warning_count > 0 {
                alert("Some warnings were found and 'zero-warning' is set. Aborting.");
                return Verdict::Invalid;
            }
            if loaded.model.listens() { Verdict::Valid } else { Verdict::Silent }
        }
        Err(error) => {
            if !asked.is_quiet {
                match error {
                    LoadError::Invalid(diagnostics) => eprint!("{diagnostics}"),
                    error => alert(&error.to_string()),
                }
                let names: Vec<_> = asked.files.iter().map(|file| file.display().to_string()).collect();
                alert(&format!("config : Error(s) found in configuration file : {}", names.join(" ")));
                alert("config : Fatal errors found in configuration.");
            }
            Verdict::Invalid
        }
    }
}

fn serve(asked: Invocation, has_peers: bool) -> anyhow::Result<ExitCode> {
    let master = match asked.master.as_deref().map(run::master_socket).transpose() {
        Ok(master) => master,
        Err(error) => {
            alert(&format!("-S: {error}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let (admin_socket, _lock) = admin_socket();
    start_messages(if asked.is_quiet { "error" } else { "info" })?;
    let settings = run::Settings {
        files: asked.files,
        node: asked.node,
        admin_socket,
        maxconn: (asked.maxconn > 0).then_some(asked.maxconn),
        master,
        joins: !asked.replaced.is_empty(),
        taken_from: asked.taken_from,
        needs_listener: !asked.is_master && !has_peers,
        stop: if asked.is_master { Stop::AtOnceAsMaster } else { Stop::AtOnce },
    };
    let pid_file = asked.pid_file;
    let result = run::run(settings, move || {
        if let Some(path) = pid_file {
            write_pid(&path);
        }
        background::started();
        asked.replaced.iter().for_each(|old| sys::processes::finish(*old, asked.is_abrupt));
    });
    run::log::messages::flush();
    result
}

fn write_pid(path: &Path) {
    if let Err(error) = std::fs::write(path, format!("{}\n", std::process::id())) {
        tracing::error!(path = %path.display(), %error, "the pid file cannot be written");
    }
}

/// The configuration's control socket (`None`), unless another instance answers there: several may run, as HAProxy's can.
/// The lock is held as long as the process lives, so that of two that start at once one has the usual place.
fn admin_socket() -> (Option<PathBuf>, Option<File>) {
    let usual = Path::new("/run/vipgate/admin.sock");
    let is_ours = std::fs::create_dir_all("/run/vipgate").is_ok() && access("/run/vipgate", AccessFlags::W_OK).is_ok();
    let lock = File::create("/run/vipgate/haproxy.lock").ok().filter(|file| is_ours && file.try_lock().is_ok());
    let is_free = std::os::unix::net::UnixStream::connect(usual).is_err();
    match lock.filter(|_| is_free) {
        Some(lock) => (None, Some(lock)),
        None => (Some(std::env::temp_dir().join(format!("vipgate-{}.sock", std::process::id()))), None),
    }
}

fn version(level: u8, version: Version) {
    println!("HAProxy version {} {} (vipgate, which reads HAProxy's language)", version.told(), version.date());
    if level > 1 {
        println!("Build options :\n  TARGET  = linux-glibc\n\nFeature list : {}", haproxy::features().join(" "));
    }
}

/// 0 if it holds, 1 if not, 2 if it is no condition.
fn condition(text: &str) -> ExitCode {
    let variables = run::environment();
    match haproxy::condition(text, &variables) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            alert(&format!("-cc: {message}"));
            ExitCode::from(2)
        }
    }
}

fn alert(message: &str) {
    eprintln!("[ALERT]    ({}) : {message}", std::process::id());
}
