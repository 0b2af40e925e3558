//! `unix-bind`: where Unix sockets of later lines stand, and whose they are (manual §3.1).

use std::path::PathBuf;

use crate::config::AccountKind;
use crate::config::haproxy::section::Line;
use crate::config::options;
use crate::model::Endpoint;
use crate::model::bind::BindOptions;
use crate::model::runtime::Ownership;

use super::Context;

/// What later Unix sockets begin with.
#[derive(Clone, Debug, Default)]
pub struct UnixBind {
    prefix: String,
    ownership: Ownership,
}

/// The longest path of a socket: a name beside it, with a process id, must fit into the 107 bytes that the kernel has.
const LONGEST: usize = 97;

impl UnixBind {
    /// Adds `unix-bind [prefix TEXT] [mode MODE] [user NAME] [uid NUMBER] [group NAME] [gid NUMBER]`.
    pub fn add(&mut self, line: &Line, context: &Context<'_>) {
        let mut at = 1;
        while let Some(word) = line.word(at) {
            let name = word.text.as_str();
            if !matches!(name, "prefix" | "mode" | "user" | "uid" | "group" | "gid") {
                let what = "'unix-bind' only supports the 'prefix', 'mode', 'uid', 'gid', 'user' and 'group' options";
                return context.error("E-VALUE", word.span, what);
            }
            let Some(value) = context.argument(line, at + 1, "a value") else { return };
            match name {
                "prefix" => self.prefix.clone_from(&value.text),
                "user" => self.ownership.user = Some(context.account(AccountKind::User, value)),
                "group" => self.ownership.group = Some(context.account(AccountKind::Group, value)),
                _ => {
                    let mut options = BindOptions { ownership: self.ownership.clone(), ..BindOptions::default() };
                    match options::bind::read(&mut options, &[name, &value.text]) {
                        Ok(_) => self.ownership = options.ownership,
                        Err(wrong) => context.wrong(line.from(at), &wrong),
                    }
                }
            }
            at += 2;
        }
    }

    /// The socket behind the prefix, or how many bytes too long that is.
    pub fn placed(&self, endpoint: Endpoint) -> Result<Endpoint, String> {
        match endpoint {
            Endpoint::Unix(path) => {
                let path = PathBuf::from(format!("{}{}", self.prefix, path.display()));
                let length = path.as_os_str().len();
                let what = || format!("the path of a Unix socket has {LONGEST} bytes at most, this one has {length}");
                if length > LONGEST { Err(what()) } else { Ok(Endpoint::Unix(path)) }
            }
            endpoint => Ok(endpoint),
        }
    }

    /// Whose a socket is: what its line does not say is from here.
    pub fn owned(&self, endpoint: &Endpoint, own: &Ownership) -> Ownership {
        match endpoint {
            Endpoint::Unix(_) => Ownership {
                mode: own.mode.or(self.ownership.mode),
                user: own.user.clone().or_else(|| self.ownership.user.clone()),
                group: own.group.clone().or_else(|| self.ownership.group.clone()),
            },
            _ => own.clone(),
        }
    }
}
