//! `vipgate manual`: vipgate(8), vipgate.yaml(5), their pages of the site and completions, from the command line and the
//! keyword table.
//!
//! The package is built with it, so what it installs is what this binary does; `./dev docs` copies the Markdown.

use std::fs;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::config;

use super::arguments::{Arguments, ManualOptions};
use super::reference;

/// What the command line does not know.
const REST: &str = r".SH SIGNALS
.TP
SIGHUP, SIGUSR2
Reads the configuration again, as
.B vipgate reload
does. A bad file changes nothing.
.TP
SIGTERM, SIGINT
Offers the virtual addresses to the other node, keeps them until it has taken over, lets sessions finish
.RB ( process.drain )
and ends. A second one ends it at once.
.TP
SIGUSR1
Does the same, also where
.B vipgate haproxy
ends at once with the others.
.SH ENVIRONMENT
.TP
VIPGATE_LOG
What is logged: error, warn, info (the default), debug or trace.
.SH EXIT STATUS
0 is success, 1 a failure that was explained on standard error, 2 wrong usage.
.SH FILES
.TP
.I /etc/vipgate/vipgate.yaml
The configuration, see
.BR vipgate.yaml (5).
.TP
.I /etc/vipgate/conf.d/*.yaml
Merged into it by name.
.TP
.I /run/vipgate/admin.sock
The control socket: HTTP for members of the group vipgate.
.TP
.I /run/vipgate/vips
Addresses held, on kernels before 5.18, which cannot tag them.
.SH SEE ALSO
.BR vipgate.yaml (5),
.BR systemctl (1)
";

pub(super) fn run(options: &ManualOptions) -> anyhow::Result<ExitCode> {
    let directory = &options.directory;
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.join(name);
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    };
    write("vipgate.8", &page().context("cannot render vipgate(8)")?)?;
    write("vipgate.yaml.5", config::manual(crate::VERSION).as_bytes())?;
    write("configuration.md", config::reference().as_bytes())?;
    write("commands.md", reference::page().as_bytes())?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut Arguments::command(), "vipgate", directory)
            .with_context(|| format!("cannot write the completions of {shell}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// vipgate(8): one page for all commands.
fn page() -> std::io::Result<Vec<u8>> {
    let mut command = Arguments::command();
    command.build();
    let man = Man::new(command.clone()).section("8").manual("System administration");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    writeln!(page, ".SH COMMANDS")?;
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        writeln!(page, ".SS {}", command.get_name())?;
        writeln!(page, "{}", command.get_about().map(ToString::to_string).unwrap_or_default().replace('-', "\\-"))?;
        let mut options = Vec::new();
        Man::new(command.clone()).render_options_section(&mut options)?;
        let options = String::from_utf8_lossy(&options);
        // Its heading is that of the command.
        page.extend(
            options
                .lines()
                .filter(|line| *line != ".SH OPTIONS")
                .flat_map(|line| [line, "\n"])
                .collect::<String>()
                .bytes(),
        );
    }
    page.extend(REST.bytes());
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_that_is_shown_and_its_options() {
        let page = String::from_utf8(page().unwrap()).unwrap();
        for command in Arguments::command().get_subcommands() {
            let heading = format!(".SS {}", command.get_name());
            assert_eq!(page.contains(&heading), !command.is_hide_set(), "{heading}");
        }
        assert!(page.contains("\\-\\-strict") && page.contains(".SH SIGNALS"), "{page}");
        assert_eq!(page.matches(".TH").count(), 1);
    }
}
