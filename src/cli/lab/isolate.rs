//! Gets the lab into namespaces of its own, or says why that is impossible here.
//!
//! `unshare --kill-child` and the PID namespace give the guarantee that nothing stays behind: when the process inside
//! ends (PID 1 of the namespace), or `unshare` is killed, the kernel kills the rest, and with the last process go
//! the network namespaces, their bridges and addresses.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, anyhow, bail};
use nix::mount::{MsFlags, mount};

use super::LabOptions;

/// Tells the second call that it is inside: the user who started the lab, `root` or `user`.
const STAGE: &str = "VIPGATE_LAB_STAGE";

/// What the inside knows about the outside.
pub(super) struct Inside {
    /// Process number of this process as the machine sees it: what `nsenter -t` takes.
    pub(super) outer_pid: u32,
    /// Started without root: a user namespace is around everything.
    pub(super) is_unprivileged: bool,
}

/// Whether this process already is in the lab's namespaces.
pub(super) fn is_inside() -> bool {
    std::env::var_os(STAGE).is_some()
}

/// Replaces this process by one inside new namespaces. Returns only if that failed.
pub(super) fn enter(options: &LabOptions) -> anyhow::Result<ExitCode> {
    let is_root = nix::unistd::geteuid().is_root();
    let flags = unshare_flags(is_root);
    try_namespaces(&flags, is_root)?;
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    let mut command = Command::new("unshare");
    command.args(&flags).arg("--").arg(program).arg("lab");
    if let Some(file) = &options.file {
        let file = fs::canonicalize(file).with_context(|| format!("cannot read configuration {}", file.display()))?;
        command.arg("-f").arg(file);
    }
    if options.keep {
        command.arg("--keep");
    }
    command.env(STAGE, if is_root { "root" } else { "user" });
    Err(anyhow!(command.exec()).context("cannot run unshare(1) of util-linux"))
}

/// Makes the inside habitable: its own `/proc` and an empty `/run`, where `ip netns` keeps names.
pub(super) fn settle() -> anyhow::Result<Inside> {
    // The /proc of the outside is still mounted, and numbers us as the machine does.
    let outer_pid = fs::read_link("/proc/self")
        .ok()
        .and_then(|link| link.to_str().and_then(|text| text.parse().ok()))
        .context("cannot read /proc/self")?;
    let none = None::<&str>;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none).context("cannot mount /proc in the lab")?;
    mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))
        .context("cannot mount a private /run in the lab")?;
    let is_unprivileged = std::env::var_os(STAGE) == Some(OsString::from("user"));
    Ok(Inside { outer_pid, is_unprivileged })
}

fn unshare_flags(is_root: bool) -> Vec<&'static str> {
    let mut flags = vec!["--net", "--mount", "--pid", "--fork", "--kill-child"];
    if !is_root {
        flags.extend(["--user", "--map-root-user"]);
    }
    flags
}

/// Tries the namespaces on a program that does nothing, because after `exec` nobody is left to explain a failure.
fn try_namespaces(flags: &[&str], is_root: bool) -> anyhow::Result<()> {
    let output = match Command::new("unshare").args(flags).args(["--mount-proc", "--", "true"]).output() {
        Ok(output) => output,
        Err(error) => bail!("cannot run unshare(1): {error}\n  install it: apt install util-linux"),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if is_root && said.contains("propagation") {
        bail!(
            "this root directory is not a mount point, as in a plain chroot ({said})\n  \
             reason: mounts of the lab would appear outside the chroot\n  \
             do: outside, before chroot:  mount --bind DIRECTORY DIRECTORY"
        );
    }
    if is_root {
        bail!(
            "this root may not create network, mount and PID namespaces ({said})\n  \
             reason: it lacks CAP_SYS_ADMIN, as in an ordinary container\n  \
             do: run it on the machine itself, or start the container with --privileged"
        );
    }
    let reason =
        why_not().unwrap_or_else(|| "the kernel refused; a seccomp filter of a container does that".to_owned());
    bail!(
        "an ordinary user may not create namespaces here ({said})\n  reason: {reason}\n  do: run the lab as root:  sudo ./dev demo"
    );
}

/// The switch that forbids user namespaces, if one of the known ones does.
fn why_not() -> Option<String> {
    let value =
        |path: &str| fs::read_to_string(Path::new("/proc/sys").join(path)).ok().map(|text| text.trim().to_owned());
    if value("user/max_user_namespaces").as_deref() == Some("0") {
        return Some("user namespaces are switched off: sysctl user.max_user_namespaces = 0".to_owned());
    }
    if value("kernel/unprivileged_userns_clone").as_deref() == Some("0") {
        return Some("user namespaces are for root only: sysctl kernel.unprivileged_userns_clone = 0".to_owned());
    }
    if value("kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1") {
        return Some(
            "AppArmor takes the rights of user namespaces away: sysctl kernel.apparmor_restrict_unprivileged_userns = 1 \
             (Ubuntu's default since 23.10)"
                .to_owned(),
        );
    }
    None
}
