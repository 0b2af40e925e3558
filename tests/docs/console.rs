//! Commands in ```console blocks: a prompt that says where, the command, and what it prints.
//!
//! `$ ` is the reader's machine, `lb1# ` and `lb2# ` are root on a node, `client$ ` is a client of the pair.

use super::page::{Block, Page};

/// Where a command is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The reader's machine.
    Here,
    /// A node.
    Lb1,
    /// The other one.
    Lb2,
    /// A client of the virtual address.
    Client,
}

impl Host {
    const PROMPTS: [(&'static str, Host); 4] =
        [("$ ", Host::Here), ("lb1# ", Host::Lb1), ("lb2# ", Host::Lb2), ("client$ ", Host::Client)];
}

/// A command and what it prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `docs/page.md:12`.
    pub place: String,
    /// The heading that it stands under.
    pub section: String,
    /// Where it is typed.
    pub host: Host,
    /// The command, without comment.
    pub command: String,
    /// The lines shown below it; `...` stands for any number of lines.
    pub output: Vec<String>,
}

impl Step {
    /// The program that it runs.
    pub fn program(&self) -> &str {
        self.command.split_whitespace().next().unwrap_or_default()
    }

    /// Whether it is run on a pair in network namespaces. Packages are installed elsewhere.
    pub fn runs_on_the_pair(&self) -> bool {
        self.host != Host::Here && ["vipgate", "systemctl", "journalctl", "ip", "sed", "curl"].contains(&self.program())
    }
}

/// Every command of a page, in order.
pub fn steps(page: &Page) -> Vec<Step> {
    page.blocks_in("console").iter().flat_map(|block| steps_of(page, block)).collect()
}

fn steps_of(page: &Page, block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (number, line) in block.text.lines().enumerate() {
        let place = format!("{}:{}", page.path.display(), block.line + number);
        let prompt = Host::PROMPTS.iter().find_map(|(prompt, host)| Some((line.strip_prefix(prompt)?, *host)));
        match (prompt, steps.last_mut()) {
            (Some((command, host)), _) => steps.push(Step {
                place,
                section: block.section.clone(),
                host,
                command: without_comment(command),
                output: Vec::new(),
            }),
            (None, Some(step)) => step.output.push(line.trim_end().to_owned()),
            (None, None) => panic!("{place}: output without a command"),
        }
    }
    assert!(!steps.is_empty(), "{}:{}: a console block without a command", page.path.display(), block.line);
    for step in &mut steps {
        while step.output.last().is_some_and(String::is_empty) {
            step.output.pop();
        }
    }
    steps
}

fn without_comment(command: &str) -> String {
    command.split("  #").next().unwrap_or(command).trim().to_owned()
}
