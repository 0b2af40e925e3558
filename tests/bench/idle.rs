//! Memory of idle keep-alive connections: each does one request and stays.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::client::{self, Load, Reuse};
use crate::options::Options;
use crate::rows::Verdict;
use crate::{measure, process, server, targets};

/// Measures every proxy, one after the other, all of them started before the first load.
pub fn run(options: &Options, connections: usize) -> Result<Verdict, String> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).map_err(|error| error.to_string())?;
    if most < connections as u64 + 500 {
        return Err(format!("{connections} connections need more than the {most} descriptors of `ulimit -Hn`"));
    }
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let servers = server::start()?;
    process::pin(process::LOAD_CORE);
    let targets = targets::start_all(options, servers, directory.path())?;
    println!(
        "{connections} client connections, one request each, then idle; private resident memory of all processes.\n"
    );
    println!("| proxy | before, KB | after, KB | bytes per connection | still open |");
    println!("|--|--|--|--|--|");
    let mut lost = 0;
    for target in &targets {
        let pids = target.process.pids();
        let before = measure::private_memory(&pids);
        let load = Load { address: target.http, connections, length: 128, reuse: Reuse::KeepAlive };
        let held = client::hold(load).map_err(|why| format!("{}: {why}", target.name))?;
        sleep(Duration::from_millis(1500));
        let after = measure::private_memory(&pids);
        let open = held.iter().filter(|stream| is_open(stream)).count();
        lost += connections - open;
        let each = after.saturating_sub(before) / connections as u64;
        println!("| {} | {} | {} | {each} | {open} |", target.name, before / 1024, after / 1024);
    }
    Ok(Verdict::of(lost as u64))
}

fn is_open(mut stream: &TcpStream) -> bool {
    matches!(stream.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
}
