//! Configuration files to a model: the I/O around `config`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::config::draft::Start;
use crate::config::{self, HostFacts, Syntax};
use crate::diag::{Diagnostic, Severity, Source};
use crate::model::Model;
use crate::model::runtime::Socket;
use crate::sys;

/// What a file may have, in bytes: `/dev/zero` in its place must not take the memory of the machine.
const MAX_LENGTH: u64 = 64 << 20;

/// Why there is no model.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// The files are wrong; the diagnostics, rendered.
    #[error("{0}")]
    Invalid(String),
}

/// A model and what was said about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub model: Model,
    /// Rendered warnings, empty if there are none.
    pub warnings: String,
    /// Number of warnings.
    pub warning_count: usize,
}

/// What a check of files found, if that is no error.
#[derive(Debug)]
pub struct Checked {
    /// The nodes for which they are valid.
    pub nodes: Vec<String>,
    /// This machine's name, if it is none of them.
    pub stranger: Option<String>,
    /// Rendered warnings, empty if there are none.
    pub warnings: String,
    /// Number of warnings.
    pub warning_count: usize,
}

/// Reads and validates the files, and `conf.d/*.yaml` beside each YAML file. A directory stands for its `*.cfg`.
///
/// # Errors
/// A file that cannot be read, or every error found in them.
pub fn load(files: &[PathBuf], node: Option<&str>) -> Result<Loaded, LoadError> {
    let sources = sources(files)?;
    let host = knowing_names(host(node), &sources);
    let loaded = config::load(&sources, &host);
    let rendered = config::render(&loaded.diagnostics, &sources, std::process::id());
    match loaded.model {
        Some(model) => Ok(Loaded { model, warnings: rendered, warning_count: count_warnings(&loaded.diagnostics) }),
        None => Err(LoadError::Invalid(rendered)),
    }
}

/// What HAProxy's files say of the start; files that cannot be read say nothing, here.
pub fn haproxy_start(files: &[PathBuf], node: Option<&str>) -> Start {
    let sources = sources(files).unwrap_or_default();
    config::haproxy::start(&Syntax::Haproxy.among(&sources), &host(node))
}

/// What `-S ADDRESS[,OPTION...]` describes: the options of a stats socket, with commas.
///
/// # Errors
/// What is wrong with it.
pub fn master_socket(text: &str) -> Result<Socket, String> {
    let words = text.replace([',', ' '], " ");
    // Whoever may give the command line may do everything.
    let line = format!("global\n stats socket {}\n", words.replacen(' ', " level admin ", 1));
    let line = if words.contains(' ') { line } else { format!("global\n stats socket {words} level admin\n") };
    let host = HostFacts { node: "localhost".to_owned(), environment: environment(), ..HostFacts::default() };
    let loaded = config::load(&[Source::new("-S.cfg", line)], &host);
    let complaint = loaded.diagnostics.iter().find(|found| found.severity == Severity::Error);
    if let Some(complaint) = complaint {
        return Err(complaint.message.clone());
    }
    let socket = loaded.model.and_then(|model| model.process.runtime.sockets.into_iter().next());
    socket.ok_or_else(|| format!("'{text}' is no address"))
}

/// As [`load`], but no node has to be this machine unless the files are its own: without `node`, on a machine that is none
/// of them, they are judged for each of their nodes, and nobody's interfaces are looked at.
///
/// # Errors
/// As for [`load`].
pub fn check(files: &[PathBuf], node: Option<&str>, is_own: bool) -> Result<Checked, LoadError> {
    check_on(files, &host(node), node.is_some() || is_own)
}

fn check_on(files: &[PathBuf], host: &HostFacts, is_named: bool) -> Result<Checked, LoadError> {
    let sources = sources(files)?;
    let host = &knowing_names(host.clone(), &sources);
    let nodes = config::nodes(&sources);
    let is_one = is_named || nodes.is_empty() || nodes.contains(&host.node);
    let diagnostics = match is_one {
        true => config::load(&sources, host).diagnostics,
        false => config::judge_for_every_node(&sources, host),
    };
    let rendered = config::render(&diagnostics, &sources, std::process::id());
    if diagnostics.iter().any(|found| found.severity == Severity::Error) {
        return Err(LoadError::Invalid(rendered));
    }
    let stranger = (!is_one).then(|| host.node.clone());
    let nodes = if is_one { vec![host.node.clone()] } else { nodes };
    Ok(Checked { nodes, stranger, warnings: rendered, warning_count: count_warnings(&diagnostics) })
}

fn count_warnings(diagnostics: &[Diagnostic]) -> usize {
    diagnostics.iter().filter(|found| found.severity == Severity::Warning).count()
}

/// The texts of the files and of what belongs to them, in the order in which they count.
///
/// # Errors
/// A file that cannot be read.
pub fn sources(files: &[PathBuf]) -> Result<Vec<Source>, LoadError> {
    let mut sources = Vec::new();
    for file in files {
        if file.is_dir() {
            for part in parts(file)? {
                sources.push(read(&part)?);
            }
            continue;
        }
        let source = read(file)?;
        let extras = if Syntax::of(&source) == Syntax::Yaml { fragments(file)? } else { Vec::new() };
        sources.push(source);
        for extra in extras {
            sources.push(read(&extra)?);
        }
    }
    Ok(sources)
}

/// Bytes that are no UTF-8 become U+FFFD: in HAProxy's files they are common in comments and harmless there.
fn read(path: &Path) -> Result<Source, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_LENGTH + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > MAX_LENGTH {
        return Err(failed(ErrorKind::FileTooLarge.into()));
    }
    Ok(Source::new(path.display().to_string(), String::from_utf8_lossy(&bytes)))
}

/// `*.cfg` in a directory, by name, as HAProxy takes them.
fn parts(directory: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let failed = |source| LoadError::Read { path: directory.to_owned(), source };
    let entries = std::fs::read_dir(directory).map_err(&failed)?;
    let is_part = |path: &PathBuf| {
        let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        path.extension().is_some_and(|extension| extension == "cfg") && !is_hidden && path.is_file()
    };
    let mut found: Vec<PathBuf> =
        entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).filter(is_part).collect();
    if found.is_empty() {
        return Err(failed(std::io::Error::new(ErrorKind::NotFound, "the directory has no *.cfg")));
    }
    found.sort();
    Ok(found)
}

/// The facts with the addresses of every host name and the content of every file that the files use.
fn knowing_names(host: HostFacts, sources: &[Source]) -> HostFacts {
    let names = resolve(config::host_names(sources, &host));
    let mut unknown_accounts: BTreeSet<_> = config::accounts(sources, &host).into_iter().collect();
    unknown_accounts.retain(|(kind, name)| match kind {
        config::AccountKind::User => sys::users::user(name).is_err(),
        config::AccountKind::Group => sys::users::group(name).is_err(),
    });
    let mut host = HostFacts { names, unknown_accounts, ..host };
    loop {
        let unread = config::rule_files(sources, &host);
        if unread.is_empty() {
            return host;
        }
        for name in unread {
            let content = std::fs::read(&name).map(Arc::from).map_err(|error| error.to_string());
            host.files.insert(name, content);
        }
    }
}

/// Addresses of host names, in the order of the system's resolver; a name without any is left out.
fn resolve(names: Vec<String>) -> BTreeMap<String, Vec<IpAddr>> {
    let addresses = |name: String| {
        let found: Vec<IpAddr> = (name.as_str(), 0).to_socket_addrs().ok()?.map(|address| address.ip()).collect();
        (!found.is_empty()).then_some((name, found))
    };
    names.into_iter().filter_map(addresses).collect()
}

/// The environment, as far as it is text.
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// `conf.d/*.yaml` beside a file, by name.
fn fragments(file: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let directory = file.parent().unwrap_or(Path::new(".")).join("conf.d");
    let entries = match std::fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(LoadError::Read { path: directory, source }),
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml"))
        .collect();
    found.sort();
    Ok(found)
}

/// What the configuration is judged against. Facts that the kernel refuses are left out, and so are their checks.
fn host(node: Option<&str>) -> HostFacts {
    let node = node.map_or_else(|| sys::hosts::short_hostname().unwrap_or_default(), str::to_owned);
    let interfaces = sys::hosts::interfaces().ok();
    HostFacts {
        node,
        environment: environment(),
        names: BTreeMap::new(),
        files: BTreeMap::new(),
        cores: std::thread::available_parallelism().ok().map(|cores| cores.get() as u64),
        unknown_accounts: BTreeSet::new(),
        interfaces: interfaces.map(|found| {
            found
                .into_iter()
                .map(|interface| config::Interface { name: interface.name, addresses: interface.addresses })
                .collect()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &str = "nodes:\n  lb1: {address: 192.0.2.11, priority: 200, interface: eth0}\n  \
                        lb2: {address: 192.0.2.12, priority: 100}\n\
                        vrrp:\n  web: {virtual_router_id: 51, virtual_addresses: {www: 192.0.2.253}}\n\
                        frontends:\n  web: {bind: [\"vip@www:80\"], default_backend: app}\n\
                        backends:\n  app: {servers: {web01: \"192.0.2.21:80\"}}\n";

    fn checked(text: &str, host: &str, is_named: bool) -> Result<Vec<String>, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pair.yaml");
        std::fs::write(&file, text).unwrap();
        let host = HostFacts { node: host.to_owned(), ..HostFacts::default() };
        check_on(&[file], &host, is_named).map(|checked| checked.nodes).map_err(|error| error.to_string())
    }

    #[test]
    fn a_machine_that_is_no_node_checks_for_every_node() {
        let good = PAIR.replace("priority: 100}", "priority: 100, interface: eth1}");
        assert_eq!(checked(&good, "workstation", false).unwrap(), ["lb1", "lb2"]);
        assert_eq!(checked(&good, "lb2", false).unwrap(), ["lb2"]);
    }

    #[test]
    fn a_file_without_end_is_an_error() {
        let complaint = sources(&[PathBuf::from("/dev/zero")]).unwrap_err().to_string();
        assert_eq!(complaint, "cannot read /dev/zero: file too large");
    }

    #[test]
    fn what_only_the_other_node_lacks_is_found_there() {
        assert_eq!(checked(PAIR, "lb1", false).unwrap(), ["lb1"]);
        let complaint = checked(PAIR, "workstation", false).unwrap_err();
        assert!(complaint.contains("interface"), "{complaint}");
    }

    #[test]
    fn a_name_that_was_given_must_be_one_of_the_nodes() {
        let complaint = checked(PAIR, "lb9", true).unwrap_err();
        assert!(complaint.contains("E-NODE"), "{complaint}");
    }
}
