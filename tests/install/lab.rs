//! The five machines together, provisioned as Vagrant provisions its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::machine::{Machine, run, until};
use crate::network::{Network, VIP};

const MACHINES: [&str; 5] = ["lb1", "lb2", "web01", "web02", "client"];

/// The running laboratory.
pub struct Lab {
    /// The better node.
    pub lb1: Machine,
    /// The other node.
    pub lb2: Machine,
    /// Runs failover-demo.
    pub client: Machine,
    /// Here for their sake.
    _web: [Machine; 2],
    // Dropped last.
    _network: Network,
    _directory: tempfile::TempDir,
}

impl Lab {
    /// Boots and provisions everything; lb1 holds the address afterwards.
    pub fn start() -> Lab {
        let (base, package) = (given("VIPGATE_ROOT"), given("VIPGATE_PACKAGE"));
        let directory = memory();
        let network = Network::build(&MACHINES);
        let boot = &|name| Machine::boot(name, &base, directory.path());
        let [lb1, lb2, web01, web02, client] = thread::scope(|scope| {
            MACHINES.map(|name| scope.spawn(move || boot(name))).map(|booting| booting.join().expect("a machine boots"))
        });

        let key = directory.path().join("key");
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &key.display().to_string()]);
        for machine in [&lb1, &lb2, &web01, &web02, &client] {
            share(machine, &[&package, &key, &key.with_extension("pub")]);
        }
        for web in [&web01, &web02] {
            web.run(&format!("sh /srv/lab/packaging/vagrant/web {}", web.name));
        }
        let package = inside(&package);
        for node in [&lb1, &lb2] {
            // The file tree that they share has no keys of a machine's own.
            node.run("ssh-keygen -A");
            node.run(&format!(
                "sh /srv/lab/packaging/vagrant/node {package} /srv/lab/configs/pair.yaml /srv/lab/key.pub"
            ));
        }
        client.run("sh /srv/lab/packaging/vagrant/client /srv/lab/key");
        let lab = Lab { lb1, lb2, client, _web: [web01, web02], _network: network, _directory: directory };
        lab.wait_for_holder(&lab.lb1);
        lab
    }

    /// Waits until exactly this node has the virtual address.
    pub fn wait_for_holder(&self, node: &Machine) {
        let others = || [&self.lb1, &self.lb2].into_iter().filter(|other| other.name != node.name);
        until(&format!("{} alone has {VIP}", node.name), || node.has(VIP) && !others().any(|other| other.has(VIP)));
    }
}

/// A directory in memory for what machines change.
pub fn memory() -> tempfile::TempDir {
    assert!(nix::unistd::geteuid().is_root(), "machines need root: run ./dev test-install");
    let directory = tempfile::tempdir().expect("temporary directory");
    // It goes with the mount namespace of the tests.
    run("mount", &["-t", "tmpfs", "tmpfs", &directory.path().display().to_string()]);
    directory
}

/// What `./dev test-install` says by an environment variable.
pub fn given(variable: &str) -> PathBuf {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .unwrap_or_else(|| panic!("{variable} is not set: run ./dev test-install"))
}

/// Where a shared file is in a machine.
pub fn inside(file: &Path) -> String {
    format!("/srv/lab/{}", file.file_name().expect("a file").to_string_lossy())
}

/// Copies the project's scripts and configurations, and these files, to where Vagrant shows them.
pub fn share(machine: &Machine, files: &[&Path]) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    for directory in ["packaging/vagrant", "configs"] {
        fs::create_dir_all(machine.path(&format!("/srv/lab/{directory}"))).expect("directory in a machine");
        for entry in fs::read_dir(project.join(directory)).expect("files of the project").flatten() {
            let name = entry.file_name();
            fs::copy(entry.path(), machine.path(&format!("/srv/lab/{directory}/{}", name.to_string_lossy())))
                .expect("copy");
        }
    }
    for file in files {
        fs::copy(file, machine.path(&inside(file))).expect("copy");
    }
}
