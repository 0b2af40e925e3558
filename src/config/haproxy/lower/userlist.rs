//! `userlist` sections: users, their passwords and groups (manual §12.1).

use crate::config::haproxy::section::{Line, Section};
use crate::config::haproxy::table::Place;
use crate::model::rules::{Password, User, Userlist};

use super::Context;

/// A section; `known` are those before it.
pub fn read(section: &Section, known: &[Userlist], context: &Context<'_>) -> Option<Userlist> {
    let name = context.argument(&section.head, 1, "a name")?;
    context.no_more(&section.head, 2);
    if known.iter().any(|list| list.name == name.text) {
        let message = format!("ignoring duplicated userlist '{}'", name.text);
        context.warning("W-DUPLICATE", name.span, message, "the first of that name counts");
        return None;
    }
    let mut list = Userlist { name: name.text.clone(), users: Vec::new() };
    let mut groups: Vec<&Line> = Vec::new();
    for line in &section.lines {
        match context.find(Place::Userlist, Place::Userlist, line) {
            Some((row, _)) if row.name == "user" => user(&mut list, line, context),
            Some(_) => groups.push(line),
            None => {}
        }
    }
    let names: Vec<&str> = groups.iter().map(|line| line.text(1)).collect();
    for line in section.lines.iter().filter(|line| line.text(0) == "user") {
        let named = line.from(2).windows(2).filter(|pair| pair[0].text == "groups");
        for group in named.flat_map(|pair| pair[1].text.split(',')).filter(|group| !names.contains(group)) {
            context.error("E-UNRESOLVED", line.span(), format!("userlist '{}' has no group '{group}'", list.name));
        }
    }
    groups.into_iter().for_each(|line| group(&mut list, line, context));
    Some(list)
}

fn user(list: &mut Userlist, line: &Line, context: &Context<'_>) {
    let name = line.text(1).to_owned();
    if list.users.iter().any(|user| user.name == name) {
        let message = format!("ignoring duplicated user '{name}' in userlist '{}'", list.name);
        context.warning("W-DUPLICATE", line.span_of(2), message, "the first of that name counts");
        return;
    }
    let mut user = User { name, password: None, groups: Vec::new() };
    let mut at = 2;
    while let Some(word) = line.word(at) {
        if word.text == "password" && line.word(at + 1).is_none() {
            let message = format!("user '{}' has no password and is never let in", user.name);
            context.warning("W-VALUE", word.span, message, "write what mkpasswd -m sha-512 prints");
            break;
        }
        let Some(value) = context.argument(line, at + 1, "a value") else { return };
        match word.text.as_str() {
            "password" if !value.text.starts_with('$') && Userlist::complaint(&value.text).is_some() => {
                let message = format!("'{}' is no encrypted password: no other matches it", value.text);
                context.warning("W-VALUE", value.span, message, "write what mkpasswd -m sha-512 prints");
            }
            "password" => {
                if let Some(complaint) = Userlist::complaint(&value.text) {
                    context.refuse(value.span, "this form of password", complaint);
                }
                user.password = Some(Password::Crypted(value.text.clone()));
            }
            "insecure-password" => user.password = Some(Password::Plain(value.text.clone())),
            "groups" => user.groups.extend(value.text.split(',').map(str::to_owned)),
            other => context.error("E-VALUE", word.span, format!("'user' does not know '{other}'")),
        }
        at += 2;
    }
    list.users.push(user);
}

fn group(list: &mut Userlist, line: &Line, context: &Context<'_>) {
    match line.text(2) {
        "" => {}
        "users" => {
            let Some(names) = context.argument(line, 3, "the names of users") else { return };
            context.no_more(line, 4);
            for name in names.text.split(',') {
                match list.users.iter_mut().find(|user| user.name == name) {
                    Some(user) => user.groups.push(line.text(1).to_owned()),
                    None => {
                        let message = format!("userlist '{}' has no user '{name}'", list.name);
                        context.error("E-UNRESOLVED", names.span, message);
                    }
                }
            }
        }
        other => context.error("E-VALUE", line.span(), format!("'group' does not know '{other}'")),
    }
}
