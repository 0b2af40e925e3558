//! Every command and option.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// High-availability load balancer: VRRP, virtual IPs and an HTTP/TCP proxy in one process.
#[derive(Debug, Parser)]
#[command(name = "vipgate", version = crate::VERSION, disable_help_subcommand = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the load balancer in the foreground
    Run(RunOptions),
    /// Read a configuration and say what is wrong with it: 0 fine, 1 errors, 2 usage
    Check(CheckOptions),
    /// Say what a word of haproxy.cfg does here: `explain timeout client`, `explain server weight`
    Explain(ExplainOptions),
    /// HAProxy's command line: `vipgate haproxy -f haproxy.cfg`; the name `haproxy` for the program does the same
    Haproxy,
    /// Print a configuration as YAML that means the same
    Convert(ConvertOptions),
    /// Print the JSON Schema of the YAML configuration, for editors
    Schema,
    /// Show virtual routers, addresses, peers, frontends, backends and servers on one screen
    Status(StatusOptions),
    /// Hand the virtual addresses to the other node, once
    Failover(FailoverOptions),
    /// Keep this node away from the virtual addresses while a peer can hold them
    Maintenance(MaintenanceOptions),
    /// Read the configuration again; a bad file changes nothing
    Reload(ControlOptions),
    /// Remove every address that vipgate installed (after a crash; systemd's ExecStopPost)
    ReleaseVips,
    /// Write man pages, completions and reference pages into a directory (for packages and the site)
    #[command(hide = true)]
    Manual(ManualOptions),
    /// Build a two-node lab in network namespaces, break it, and show what a client sees
    Lab(LabOptions),
}

/// The file that the service runs.
pub(super) const STANDARD_FILE: &str = "/etc/vipgate/vipgate.yaml";

#[derive(Debug, Args)]
pub(super) struct ConfigOptions {
    /// Configuration file; `conf.d/*.yaml` beside it is merged. May be given several times
    #[arg(short = 'f', long = "file", value_name = "FILE", default_value = STANDARD_FILE)]
    pub(super) files: Vec<PathBuf>,
    /// Name of this node under `nodes:` [default: the short host name; `check -f` on a machine that is none of them checks every node]
    #[arg(long, value_name = "NAME")]
    pub(super) node: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RunOptions {
    #[command(flatten)]
    pub(super) config: ConfigOptions,
    /// Control socket, instead of the configuration's
    #[arg(long, value_name = "PATH")]
    pub(super) admin_socket: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    #[command(flatten)]
    pub(super) config: ConfigOptions,
    /// Warnings are errors
    #[arg(long)]
    pub(super) strict: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainOptions {
    /// The word, or its place and the word
    #[arg(value_name = "WORD", required = true, allow_hyphen_values = true, trailing_var_arg = true)]
    pub(super) words: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ConvertOptions {
    #[command(flatten)]
    pub(super) config: ConfigOptions,
}

#[derive(Debug, Args)]
pub(super) struct ControlOptions {
    /// Control socket of the running vipgate
    #[arg(long, value_name = "PATH", default_value = "/run/vipgate/admin.sock")]
    pub(super) admin_socket: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct StatusOptions {
    #[command(flatten)]
    pub(super) control: ControlOptions,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct FailoverOptions {
    #[command(flatten)]
    pub(super) control: ControlOptions,
    /// One instance only
    #[arg(value_name = "INSTANCE")]
    pub(super) instance: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct MaintenanceOptions {
    #[command(flatten)]
    pub(super) control: ControlOptions,
    /// Whether this node is in maintenance
    pub(super) state: Switch,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Switch {
    On,
    Off,
}

#[derive(Debug, Args)]
pub(super) struct ManualOptions {
    /// An existing directory
    #[arg(value_name = "DIRECTORY")]
    pub(super) directory: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct LabOptions {
    /// Configuration of the pair [default: the one that vipgate carries]
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// Leave the lab up and print how to enter it
    #[arg(long)]
    pub(super) keep: bool,
}
