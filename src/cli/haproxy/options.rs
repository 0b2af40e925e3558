//! HAProxy's command line (management guide §3), as far as it means something here.

use std::path::PathBuf;

/// Every option that has an effect.
pub(super) const USAGE: &str = "\
Usage : haproxy [-f <cfgfile|cfgdir>]* [<option>...] [-- <cfgfile>*]
        -c               judges the configuration and ends
        -cc <condition>  evaluates a condition and ends
        -v, -vv          prints the version and ends
        -V, -q           says more, or nothing, at start
        -dW              takes warnings for errors
        -D               goes into the background
        -d, -db          stays in the foreground, whatever the configuration says
        -W, -Ws          is a master with a worker, for systemd
        -S <bind>        has the master's runtime socket there
        -C <dir>         changes to that directory first
        -p <pidfile>     writes the process's number there
        -L <name>        is this node, or this peer
        -n <maxconn>     takes so many connections at most
        -sf, -st <pid>*  ends these processes, gracefully or at once, when it serves
        -x <socket>      takes the listening sockets of the process behind that runtime socket
";

/// What the command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Invocation {
    /// `-f FILE`, and what follows `--`.
    pub(super) files: Vec<PathBuf>,
    /// `-v`, `-vv`: how much of the version to print; 0 is nothing.
    pub(super) version: u8,
    /// `-c`: judge the files and end.
    pub(super) is_check: bool,
    /// `-cc CONDITION`: evaluate it and end.
    pub(super) condition: Option<String>,
    /// `-V`: say that the files are valid, and what was passed over.
    pub(super) is_verbose: bool,
    /// `-q`: say nothing at start.
    pub(super) is_quiet: bool,
    /// `-dW`: warnings are errors.
    pub(super) is_strict: bool,
    /// `-D`, unless `-d` or `-db` is given.
    pub(super) is_background: bool,
    /// `-d` or `-db`.
    pub(super) is_foreground: bool,
    /// `-W` or `-Ws`.
    pub(super) is_master: bool,
    /// `-C DIR`.
    pub(super) directory: Option<PathBuf>,
    /// `-p FILE`.
    pub(super) pid_file: Option<PathBuf>,
    /// `-L NAME`.
    pub(super) node: Option<String>,
    /// `-n COUNT`; 0 is the configuration's.
    pub(super) maxconn: usize,
    /// `-S ADDRESS[,OPTION...]`: the master CLI.
    pub(super) master: Option<String>,
    /// `-sf PID...` and `-st PID...`: processes that this one takes the place of.
    pub(super) replaced: Vec<i32>,
    /// `-st`: they end at once instead of letting their sessions finish.
    pub(super) is_abrupt: bool,
    /// `-x SOCKET`: the runtime socket of a process that gives its listening sockets away.
    pub(super) taken_from: Option<PathBuf>,
    /// Options without effect, each with the reason.
    pub(super) passed_over: Vec<String>,
}

/// Why a command line is not understood or cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OptionError {
    /// HAProxy would print its usage, too.
    #[error("unknown option '{0}'")]
    Unknown(String),
    /// Nothing follows.
    #[error("option '{0}' needs an argument")]
    Argument(String),
    /// Known, but not supported.
    #[error("option '{0}' is not supported: {1}")]
    Refused(String, &'static str),
}

/// Options without effect that take an argument.
const PASSED_OVER_WITH_ARGUMENT: [(&str, &str); 2] =
    [("-m", "memory is bounded by maxconn"), ("-N", "a frontend without maxconn is bounded by the process")];

/// Options without effect, by what they begin with.
const PASSED_OVER: [(&str, &str); 18] = [
    ("-dM", "it debugs HAProxy's memory"),
    ("-dI", "it debugs HAProxy's integrity checks"),
    ("-dA", "it debugs HAProxy's core dumps"),
    ("-dC", "it prints HAProxy's view of the configuration"),
    ("-dD", "diagnostics are always on"),
    ("-dF", "bytes are the same without fast forwarding"),
    ("-dG", "names are resolved by the system's resolver"),
    ("-dK", "`vipgate explain` knows the keywords"),
    ("-dL", "one file is loaded"),
    ("-dR", "every worker has its own socket, which needs SO_REUSEPORT"),
    ("-dS", "bytes are the same without splicing"),
    ("-dT", "there are no kernel TLS sockets"),
    ("-dV", "TLS to servers is refused"),
    ("-dX", "there are no such events"),
    ("-dZ", "bytes are the same without zero copy"),
    ("-dt", "it traces HAProxy's own parts"),
    ("-de", "vipgate waits with epoll"),
    ("-dp", "vipgate waits with epoll"),
];

/// What an option does, in the words of the usage, or why it does nothing.
pub(super) fn explain(option: &str) -> Option<String> {
    let is_of = |line: &&str| {
        let names = line.trim_start().split("  ").next().unwrap_or_default();
        names.split([' ', ',']).any(|word| word == option)
    };
    let used = USAGE.lines().skip(1).find(is_of).map(|line| line.trim().to_owned());
    let passed_over = || {
        let known = PASSED_OVER.iter().chain(&PASSED_OVER_WITH_ARGUMENT).find(|(name, _)| *name == option);
        known.map(|(name, why)| format!("{name}\n    nothing here: {why}"))
    };
    let is_option = option.starts_with('-');
    let text = Some(option).filter(|_| is_option).and_then(|_| used.or_else(passed_over))?;
    Some(format!("{text}\n    where    HAProxy's command line\n"))
}

/// Reads the arguments behind the name of the program.
pub(super) fn read(arguments: &[String]) -> Result<Invocation, OptionError> {
    let mut asked = Invocation::default();
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| OptionError::Argument(option.clone()));
        match option.as_str() {
            "--" => {
                asked.files.extend(rest.by_ref().map(PathBuf::from));
            }
            "-f" => asked.files.push(PathBuf::from(value()?)),
            "-v" => asked.version = 1,
            "-vv" => asked.version = 2,
            "-c" => asked.is_check = true,
            "-cc" => asked.condition = Some(value()?),
            "-V" => asked.is_verbose = true,
            "-q" => asked.is_quiet = true,
            "-dW" => asked.is_strict = true,
            "-D" => asked.is_background = true,
            "-d" | "-db" => asked.is_foreground = true,
            "-W" | "-Ws" => asked.is_master = true,
            "-C" => asked.directory = Some(PathBuf::from(value()?)),
            "-p" => asked.pid_file = Some(PathBuf::from(value()?)),
            "-L" => asked.node = Some(value()?),
            "-n" => {
                // As atol() reads it.
                let text = value()?;
                let digits = text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
                asked.maxconn = digits.parse().unwrap_or(0);
            }
            "-sf" | "-st" => {
                asked.is_abrupt = option == "-st";
                while let Some(pid) = rest.clone().next().and_then(|word| word.parse().ok()).filter(|pid| *pid > 0) {
                    asked.replaced.push(pid);
                    rest.next();
                }
            }
            "-x" => asked.taken_from = Some(PathBuf::from(value()?)).filter(|path| path.as_os_str() != "/dev/null"),
            "-S" => asked.master = Some(value()?),
            "-dr" => {
                let why = "a server whose name has no address is an error without 'init-addr none'";
                return Err(OptionError::Refused(option.clone(), why));
            }
            _ => {
                let with_argument = PASSED_OVER_WITH_ARGUMENT.iter().find(|(name, _)| name == option);
                let plain = PASSED_OVER.iter().find(|(name, _)| option.starts_with(name));
                let (_, why) = with_argument.or(plain).ok_or_else(|| OptionError::Unknown(option.clone()))?;
                if with_argument.is_some() {
                    value()?;
                }
                asked.passed_over.push(format!("option '{option}' has no effect: {why}"));
            }
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Invocation, OptionError> {
        read(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_usage_has_options_that_are_known() {
        let words = USAGE.lines().skip(1).flat_map(|line| line.split([' ', ',']));
        let options: Vec<&str> = words.filter(|word| word.starts_with('-')).collect();
        assert_eq!(options.len(), 20, "{options:?}");
        for option in options {
            let read = asked(option).or_else(|_| asked(&format!("{option} 1")));
            assert!(read.is_ok_and(|asked| asked.passed_over.is_empty()), "{option}");
        }
    }

    #[test]
    fn command_line_of_vtest_is_understood() {
        let asked = asked("-d -dM -dI -dW -L A -f /tmp/cfg -p /tmp/pid").expect("it is known");
        assert!(asked.is_foreground && asked.is_strict && !asked.is_check);
        assert_eq!((asked.node.as_deref(), asked.files.len()), (Some("A"), 1));
        assert_eq!(asked.passed_over.len(), 2);
    }

    #[test]
    fn files_follow_dashes_and_old_pids_may_be_none() {
        let asked = asked("-c -V -sf -- a.cfg b.cfg").expect("it is known");
        assert!(asked.is_check && asked.is_verbose);
        assert_eq!(asked.files, [PathBuf::from("a.cfg"), PathBuf::from("b.cfg")]);
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        assert_eq!(asked("-z"), Err(OptionError::Unknown("-z".to_owned())));
        assert_eq!(asked("-f"), Err(OptionError::Argument("-f".to_owned())));
        assert!(matches!(asked("-dr"), Err(OptionError::Refused(..))));
    }

    #[test]
    fn a_limit_is_the_digits_that_it_begins_with() {
        let maxconn = |line: &str| asked(line).map(|asked| asked.maxconn);
        assert_eq!((maxconn("-n 12"), maxconn("-n 7x"), maxconn("-n foo")), (Ok(12), Ok(7), Ok(0)));
    }

    #[test]
    fn old_processes_are_replaced() {
        let asked = asked("-f a.cfg -x /run/a.sock -st 12 34 -db").expect("it is known");
        assert_eq!(
            (asked.replaced.as_slice(), asked.is_abrupt, asked.is_foreground),
            ([12, 34].as_slice(), true, true)
        );
        assert_eq!(asked.taken_from, Some(PathBuf::from("/run/a.sock")));
    }
}
