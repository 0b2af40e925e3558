//! The command line.

use std::path::PathBuf;
use std::time::Duration;

/// What `--help` prints.
pub const HELP: &str = "\
usage: bench [--quick] [--rows WORD] [--rounds N] [--idle N] [--without-vipgate] [--vipgate PATH]

  --quick             short rounds: a look, not a result
  --rows WORD         only rows whose name contains WORD
  --rounds N          rounds for each row and proxy (default 15, quick 5)
  --idle N            instead: memory for each of N idle keep-alive connections
  --without-vipgate   compare haproxy and nginx alone
  --vipgate PATH      the binary (default: the one that cargo built with this benchmark)
  --haproxy PATH      default /usr/sbin/haproxy
  --nginx PATH        default /usr/sbin/nginx
";

/// What to do.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// The table of rows.
    Rows,
    /// Memory of idle connections.
    Idle {
        /// How many.
        connections: usize,
    },
}

/// A parsed command line.
#[derive(Clone, Debug)]
pub struct Options {
    /// What to do.
    pub work: Work,
    /// Only rows whose name contains this.
    pub only: String,
    /// Rounds for each row and proxy.
    pub rounds: usize,
    /// Load before the measured part of a round.
    pub warm_up: Duration,
    /// Measured part of a round.
    pub measured: Duration,
    /// vipgate's binary; `None` leaves it out.
    pub vipgate: Option<PathBuf>,
    /// haproxy's binary.
    pub haproxy: PathBuf,
    /// nginx's binary.
    pub nginx: PathBuf,
}

impl Options {
    /// Reads the arguments; `None` asks for help.
    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
        let mut options = Options {
            work: Work::Rows,
            only: String::new(),
            rounds: 15,
            warm_up: Duration::from_millis(80),
            measured: Duration::from_millis(200),
            vipgate: Some(PathBuf::from(env!("CARGO_BIN_EXE_vipgate"))),
            haproxy: PathBuf::from("/usr/sbin/haproxy"),
            nginx: PathBuf::from("/usr/sbin/nginx"),
        };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => {} // what `cargo bench` adds
                "--help" | "-h" => return Ok(None),
                "--quick" => {
                    options.rounds = 5;
                    options.warm_up = Duration::from_millis(50);
                    options.measured = Duration::from_millis(100);
                }
                "--rows" => options.only = value()?,
                "--rounds" => options.rounds = number(&value()?)?,
                "--idle" => options.work = Work::Idle { connections: number(&value()?)? },
                "--without-vipgate" => options.vipgate = None,
                "--vipgate" => options.vipgate = Some(PathBuf::from(value()?)),
                "--haproxy" => options.haproxy = PathBuf::from(value()?),
                "--nginx" => options.nginx = PathBuf::from(value()?),
                other => return Err(format!("unknown argument {other}")),
            }
        }
        Ok(Some(options))
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or(format!("{text} is not a number above zero"))
}
