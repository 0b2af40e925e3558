//! A backend that comes, goes, or is published at run time: the model that runs, edited, becomes the next generation. The
//! next reload reads the files again and forgets it, as HAProxy's does.

use super::Supervisor;
use super::edit::Weights;
use crate::admin::BackendEdit;
use crate::config::options::cookie;
use crate::model::Model;
use crate::model::options::BackendOptions;
use crate::model::proxy::{Backend, Mode};
use crate::model::track::Object;

impl Supervisor {
    /// Changes the list of backends.
    pub(super) fn edit_backend(&mut self, name: &str, edit: BackendEdit) -> Result<String, String> {
        let current = self.generation.load_full();
        let mut model = (*current.model).clone();
        match edit {
            BackendEdit::Add { template, mode } => add(&mut model, name, &template, mode)?,
            BackendEdit::Delete => delete(&mut model, name)?,
            BackendEdit::Publish(is_published) => find(&mut model, name)?.options.is_unpublished = !is_published,
            BackendEdit::DynamicCookie(is_dynamic) => {
                make_cookies_anew(find(&mut model, name)?, |options| {
                    if let Some(cookie) = &mut options.cookie {
                        cookie.is_dynamic = is_dynamic;
                    }
                });
            }
            BackendEdit::CookieKey(key) => {
                make_cookies_anew(find(&mut model, name)?, |options| options.dynamic_cookie_key = Some(key));
            }
        }
        let weights = Weights::of(&current);
        let next = self.run_model(&current, model)?;
        weights.apply(&next);
        Ok(String::new())
    }
}

fn find<'m>(model: &'m mut Model, name: &str) -> Result<&'m mut Backend, String> {
    model.backends.iter_mut().find(|known| known.name == name).ok_or_else(|| "No such backend.".to_owned())
}

/// Changes what the values of a dynamic cookie are made of, and then those of the servers that have no value of their own.
fn make_cookies_anew(backend: &mut Backend, change: impl FnOnce(&mut BackendOptions)) {
    let before = backend.options.clone();
    change(&mut backend.options);
    for server in &mut backend.servers {
        let address = server.address;
        if server.options.cookie == cookie::made(&before, address) || server.options.cookie.is_none() {
            server.options.cookie = cookie::made(&backend.options, address);
        }
    }
}

/// A backend without servers, which no frontend uses before it is published.
fn add(model: &mut Model, name: &str, template: &str, mode: Option<Mode>) -> Result<(), String> {
    let kinds = [
        ("frontend", model.frontends.iter().any(|known| known.name == name)),
        ("backend", model.backends.iter().any(|known| known.name == name)),
        ("defaults", model.templates.iter().any(|known| known.backend.name == name)),
    ];
    if let Some((kind, _)) = kinds.iter().find(|(_, is_known)| *is_known) {
        return Err(format!("Error during backend creation : name is already used by other proxy '{kind} {name}'."));
    }
    let found = model.templates.iter().find(|known| known.backend.name == template);
    let origin = found.ok_or_else(|| format!("Cannot find default proxy '{template}'."))?.backend.clone();
    let ids = model.frontends.iter().map(|one| one.id).chain(model.backends.iter().map(|one| one.id));
    let id = ids.max().unwrap_or(0) + 1;
    let mut backend = Backend { name: name.to_owned(), id, mode: mode.unwrap_or(origin.mode), ..origin };
    backend.options.is_unpublished = true;
    model.backends.push(backend);
    Ok(())
}

/// Takes a backend out; those behind it move up by one number.
fn delete(model: &mut Model, name: &str) -> Result<(), String> {
    let number = model.backends.iter().position(|known| known.name == name).ok_or("No such backend.")?;
    let moved = |known: usize| if known > number { known - 1 } else { known };
    let is_tracked = model.objects.iter().any(|tracked| match tracked.object {
        Object::Backend { backend, .. } | Object::Server { backend, .. } => backend == number,
        _ => false,
    });
    if is_tracked || model.frontends.iter().any(|frontend| frontend.default_backend == Some(number)) {
        let why = "This proxy cannot be removed at runtime due to other configuration elements pointing to it.";
        return Err(why.to_owned());
    }
    model.backends.remove(number);
    for frontend in &mut model.frontends {
        frontend.default_backend = frontend.default_backend.map(moved);
    }
    for tracked in &mut model.objects {
        if let Object::Backend { backend, .. } | Object::Server { backend, .. } = &mut tracked.object {
            *backend = moved(*backend);
        }
    }
    Ok(())
}
