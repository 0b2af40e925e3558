//! The page "commands" of the site, from the command line, in Markdown.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

use super::arguments::Arguments;

/// The page.
pub(super) fn page() -> String {
    let mut command = Arguments::command();
    command.build();
    let mut page = "# Commands\n\n<!-- Written by `vipgate manual` from the command line: edit that. -->\n\n\
                    Exit status: 0 is success, 1 a failure that was explained on standard error, 2 wrong usage.\n"
        .to_owned();
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        self::command(&mut page, command);
    }
    page
}

// Writing to a String cannot fail; `let _` says that it was considered.
fn command(page: &mut String, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(page, "\n## {}\n\n{about}.\n", command.get_name());
    let _ = writeln!(page, "```text\n{}\n```", usage.trim_start_matches("Usage: "));
    let arguments: Vec<_> = command.get_arguments().filter(|argument| !is_help(argument)).collect();
    if arguments.is_empty() {
        return;
    }
    let _ = writeln!(page, "\n| Argument | Meaning |\n|---|---|");
    for argument in arguments {
        let _ = writeln!(page, "| `{}` | {} |", spelling(argument), meaning(argument));
    }
}

fn is_help(argument: &Arg) -> bool {
    matches!(argument.get_id().as_str(), "help" | "version")
}

/// How it is written: `-f, --file FILE`.
fn spelling(argument: &Arg) -> String {
    let mut words: Vec<_> = argument.get_short().map(|short| format!("-{short}")).into_iter().collect();
    words.extend(argument.get_long().map(|long| format!("--{long}")));
    let mut text = words.join(", ");
    if argument.get_action().takes_values() {
        let names = argument.get_value_names().unwrap_or_default();
        let values: Vec<_> = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        let value = if values.is_empty() { names.join(" ") } else { values.join(" or ") };
        let gap = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}{value}");
    }
    text
}

fn meaning(argument: &Arg) -> String {
    let mut text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(text, ". Default `{}`", defaults.join(" "));
    }
    text.replace('|', "\\|") + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_that_is_shown_and_no_other() {
        let page = page();
        for command in Arguments::command().get_subcommands() {
            let heading = format!("\n## {}\n", command.get_name());
            assert_eq!(page.contains(&heading), !command.is_hide_set(), "{heading}");
        }
        assert!(page.contains("| `-f, --file FILE` |") && page.contains("| `on or off` |"), "{page}");
    }
}
