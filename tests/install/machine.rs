//! A machine: a copy of the file tree, booted by systemd-nspawn in a network namespace, entered with nsenter.
#![allow(clippy::disallowed_methods, reason = "waits for machines of the real world")]

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::network::LEGS;

/// A time in which everything that is waited for must have come.
pub const SOON: Duration = Duration::from_secs(60);

/// Where the machines' control groups are.
const CGROUPS: &str = "/sys/fs/cgroup";

/// A running machine; it is switched off when this is dropped.
pub struct Machine {
    /// Its host name.
    pub name: &'static str,
    root: PathBuf,
    nspawn: Child,
    cgroup: PathBuf,
    log: PathBuf,
}

impl Machine {
    /// Boots a machine with a file tree of its own over `base`, in the network namespace of its name, and waits until
    /// systemd has started everything.
    pub fn boot(name: &'static str, base: &Path, directory: &Path) -> Machine {
        let root = overlay(name, base, directory);
        // Without a number of its own it would boot for the first time, and enable every service.
        let number: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
        write(&root, "etc/machine-id", &format!("{number:0<32}\n"));
        write(&root, "etc/hostname", &format!("{name}\n"));
        write(&root, "etc/hosts", &format!("127.0.0.1 localhost\n127.0.1.1 {name}\n"));
        for leg in LEGS.iter().filter(|leg| leg.machine == name) {
            let text = format!("[Match]\nName={}\n\n[Network]\nAddress={}\n", leg.interface, leg.address);
            write(&root, &format!("etc/systemd/network/10-{}.network", leg.interface), &text);
        }
        run("chroot", &[&root.display().to_string(), "systemctl", "enable", "--quiet", "systemd-networkd.service"]);

        let laboratory = directory.file_name().expect("a name").to_string_lossy();
        let cgroup = PathBuf::from(format!("{CGROUPS}/vg-install{laboratory}-{name}"));
        fs::create_dir(&cgroup).expect("control group of a machine");
        let log = directory.join(format!("{name}.log"));
        let output = File::create(&log).expect("log of a machine");
        let mut command = Command::new("sh");
        // nspawn divides the control group that it is in; where a machine asks for a reboot, it ends with 133.
        let script = "echo $$ >\"$1/cgroup.procs\"; shift; while \"$@\"; [ $? -eq 133 ]; do :; done";
        command.args(["-c", script, "sh"]).arg(&cgroup).arg("systemd-nspawn");
        command.args(["--quiet", "--boot", "--register=no", "--keep-unit", "--console=pipe", "--link-journal=no"]);
        command.args([
            "--resolv-conf=off",
            "--timezone=off",
            "--capability=CAP_NET_ADMIN",
            "--system-call-filter=@memlock",
        ]);
        command.arg(format!("--machine=vg-{name}")).arg(format!("--hostname={name}"));
        command.arg(format!("--network-namespace-path=/run/netns/{name}"));
        command.arg(format!("--directory={}", root.display()));
        command.env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1").process_group(0);
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("log")).stderr(output);
        let nspawn = command.spawn().expect("systemd-nspawn");
        let machine = Machine { name, root, nspawn, cgroup, log };
        machine.wait_until_up();
        machine
    }

    /// Waits until systemd has started everything, now or after a reboot.
    pub fn wait_until_up(&self) {
        until(&format!("{} is up; its console is in {}", self.name, self.log.display()), || {
            let state = self.command("systemctl", &["is-system-running"]).map(|mut command| command.output());
            let Some(Ok(state)) = state else { return false };
            matches!(String::from_utf8_lossy(&state.stdout).trim(), "running" | "degraded")
        });
    }

    /// A command that will run in the machine; `None` while it has no first process.
    pub fn command(&self, program: &str, words: &[&str]) -> Option<Command> {
        let init = self.init()?.to_string();
        let mut command = Command::new("nsenter");
        command.args(["--target", &init, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root"]);
        command.args(["--", program]).args(words).stdin(Stdio::null()).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
        Some(command)
    }

    /// Runs a shell's line in the machine to its end.
    pub fn output(&self, line: &str) -> Output {
        let mut command = self.command("sh", &["-c", line]).unwrap_or_else(|| panic!("{} is off", self.name));
        command.output().expect("nsenter")
    }

    /// The same, and expects success.
    pub fn run(&self, line: &str) -> String {
        let output = self.output(line);
        let said = text(&output);
        assert!(output.status.success(), "{}: {line}: {}\n{said}\n{}", self.name, output.status, self.journal());
        said
    }

    /// Whether the machine has the address.
    pub fn has(&self, address: &str) -> bool {
        let network = Command::new("ip").args(["-n", self.name, "-o", "address", "show"]).output().expect("ip");
        text(&network).split_whitespace().any(|word| word.split('/').next() == Some(address))
    }

    /// A path in its file tree, from outside.
    pub fn path(&self, inside: &str) -> PathBuf {
        self.root.join(inside.trim_start_matches('/'))
    }

    /// What vipgate has said.
    pub fn journal(&self) -> String {
        self.init().map_or_else(String::new, |_| {
            text(&self.output("journalctl --no-pager -u vipgate -o short-precise | grep -v ' HTTP/1.1\"' | tail -n 60"))
        })
    }

    /// Its first process, seen from here.
    pub fn init(&self) -> Option<u32> {
        let is_systemd = |process: &u32| {
            fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "systemd")
        };
        children(self.nspawn.id()).into_iter().flat_map(children).find(is_systemd)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- vipgate on {}\n{}", self.name, self.journal());
        }
        // Everything that runs in it, nspawn too.
        let _ = fs::write(self.cgroup.join("cgroup.kill"), "1");
        let _ = self.nspawn.wait();
        let end = Instant::now() + Duration::from_secs(5);
        while !remove_cgroup(&self.cgroup) && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A file tree over `base` that keeps its changes to itself. The mount goes with the test's mount namespace.
fn overlay(name: &str, base: &Path, directory: &Path) -> PathBuf {
    let place = |part: &str| {
        let path = directory.join(name).join(part);
        fs::create_dir_all(&path).expect("directory of a machine");
        path.display().to_string()
    };
    let (upper, work, root) = (place("upper"), place("work"), place("root"));
    let options = format!("lowerdir={},upperdir={upper},workdir={work}", base.display());
    run("mount", &["-t", "overlay", "overlay", "-o", &options, &root]);
    PathBuf::from(root)
}

fn write(root: &Path, inside: &str, content: &str) {
    let path = root.join(inside);
    fs::create_dir_all(path.parent().expect("a file has a directory")).expect("directory in a machine");
    fs::write(path, content).expect("file in a machine");
}

/// Removes a control group and those below it, unless one is still busy.
fn remove_cgroup(path: &Path) -> bool {
    let inner = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    inner.filter(|path| path.is_dir()).for_each(|path| {
        let _ = remove_cgroup(&path);
    });
    fs::remove_dir(path).is_ok()
}

fn children(process: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// Both outputs of a command.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Runs a program of this machine, and expects success.
pub fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {words:?}: {}", text(&output));
    text(&output)
}

/// Waits until the condition holds; the test fails after [`SOON`].
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !condition() {
        assert!(Instant::now() < end, "waited {} s: {what}", SOON.as_secs());
        thread::sleep(Duration::from_millis(20));
    }
}
