//! A process takes the place of another one, and its listening sockets: clients see nothing of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{PROGRAM, ports, until};

const HAPROXY: &[&str] = &["haproxy"];
const VIPGATE: &[&str] = &[PROGRAM, "haproxy"];

struct Process(Child);

impl Process {
    fn start(program: &[&str], directory: &Path, more: &[&str]) -> Process {
        let (name, rest) = program.split_first().expect("a program");
        let command = Command::new(name)
            .args(rest)
            .args(["-db", "-f", "cfg"])
            .args(more)
            .current_dir(directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Process(command.expect("it starts"))
    }

    fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGTERM);
        let _ = self.0.wait();
    }
}

/// Clients that ask again and again, each time over a connection of its own.
struct Clients {
    answered: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    fn start(port: u16) -> Clients {
        let (answered, failures, is_over) = <(Arc<AtomicUsize>, Arc<Mutex<Vec<String>>>, Arc<AtomicBool>)>::default();
        let client = || {
            let (answered, failures, is_over) = (Arc::clone(&answered), Arc::clone(&failures), Arc::clone(&is_over));
            std::thread::spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    match ask(port) {
                        Ok(said) if said.starts_with("HTTP/1.1 200 ") => _ = answered.fetch_add(1, Ordering::Relaxed),
                        Ok(said) => failures.lock().expect("a list").push(said),
                        Err(error) => failures.lock().expect("a list").push(error.to_string()),
                    }
                }
            })
        };
        let threads = vec![client(), client()];
        Clients { answered, failures, is_over, threads }
    }

    /// Waits for so many more answers.
    fn wait_for(&self, more: usize) {
        let goal = self.answered.load(Ordering::Relaxed) + more;
        until("clients are answered", || self.answered.load(Ordering::Relaxed) >= goal);
    }

    fn end(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
        self.failures.lock().expect("a list").clone()
    }
}

fn ask(port: u16) -> std::io::Result<String> {
    let mut client = TcpStream::connect(("127.0.0.1", port))?;
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")?;
    let mut said = String::new();
    client.read_to_string(&mut said)?;
    Ok(said)
}

fn runtime(directory: &Path, command: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(directory.join("socket"))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(format!("{command}\n").as_bytes())?;
    let mut said = String::new();
    stream.read_to_string(&mut said)?;
    Ok(said)
}

fn configure(directory: &Path, threads: usize, options: &str) -> u16 {
    let port = ports::free().port();
    let text = format!(
        "global\n nbthread {threads}\n stats socket {}/socket level admin {options}\ndefaults\n mode http\n timeout client \
         30s\n timeout connect 30s\n timeout server 30s\nfrontend fe\n bind 127.0.0.1:{port}\n http-request return status \
         200\n",
        directory.display()
    );
    std::fs::write(directory.join("cfg"), text).expect("a file");
    port
}

#[test]
fn no_request_is_lost_when_a_process_takes_the_place_of_another() {
    // One socket for each thread of vipgate's, one for all of haproxy's: both have as many with one thread.
    for (old, new, threads) in [(VIPGATE, VIPGATE, 2), (HAPROXY, VIPGATE, 1), (VIPGATE, HAPROXY, 1)] {
        let directory = tempfile::tempdir().expect("a directory");
        let port = configure(directory.path(), threads, "expose-fd listeners");
        let mut before = Process::start(old, directory.path(), &[]);
        until("the old one answers", || ask(port).is_ok() && runtime(directory.path(), "show info").is_ok());
        let clients = Clients::start(port);
        clients.wait_for(50);
        let after = Process::start(new, directory.path(), &["-x", "socket", "-sf", &before.pid()]);
        until("the old one has ended", || before.0.try_wait().expect("it is ours").is_some());
        clients.wait_for(50);
        let failures = clients.end();
        assert!(failures.is_empty(), "{old:?} to {new:?}: {} lost: {:?}", failures.len(), failures.first());
        let info = runtime(directory.path(), "show info").expect("the new one answers");
        assert!(info.contains(&format!("\nPid: {}\n", after.pid())), "{info}");
    }
}

#[test]
fn sockets_are_given_over_a_socket_that_is_told_to_and_over_no_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let port = configure(directory.path(), 1, "");
    let _process = Process::start(VIPGATE, directory.path(), &[]);
    until("it answers", || ask(port).is_ok());
    let said = runtime(directory.path(), "_getsocks").expect("it answers");
    assert!(said.starts_with("Unknown command"), "{said}");
}
