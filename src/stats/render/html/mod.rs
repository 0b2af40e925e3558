//! The statistics page: one self-contained document, for wide screens and phones, light and dark.
//!
//! Texts that scrapers look for stand as HAProxy writes them: `HAProxy version 2.6..., released ...`, `<b>uptime = </b>`,
//! the classes of rows, the anchors, the names of form fields. Read [`page`] first; [`head`] is what is above the proxies,
//! [`proxy`] a proxy, [`number`] how numbers and times read.

mod head;
mod number;
mod proxy;

use crate::stats::address::Address;
use crate::stats::snapshot::Snapshot;

/// What a page shows, and how.
#[derive(Clone, Debug, Default)]
pub struct Page<'a> {
    /// Where the page is: what its links begin with.
    pub uri: &'a str,
    /// What the address asked for beyond that.
    pub address: Address,
    /// Whether it reloads by itself unless the address says otherwise.
    pub refreshes: bool,
    /// Whether the version is left out.
    pub hides_version: bool,
    /// Whether addresses, cookies and algorithms are shown.
    pub shows_legends: bool,
    /// Name of the node.
    pub node: Option<String>,
    /// Text about the node.
    pub description: Option<String>,
    /// Names of the proxies that are shown at most; empty is all.
    pub scope: Vec<String>,
    /// Whether servers may be changed here.
    pub may_change: bool,
}

/// The whole document.
pub fn page(snapshot: &Snapshot, page: &Page<'_>) -> String {
    let mut out = String::with_capacity(16 * 1024 + snapshot.proxies.len() * 8 * 1024);
    let request = page.address.request(&page.scope, page.shows_legends);
    head::write(&mut out, snapshot, page, &request);
    for shown in snapshot.proxies.iter().filter(|proxy| request.shows(proxy)) {
        proxy::write(&mut out, shown, page, &request);
    }
    out.push_str("<footer>");
    out.push_str("vipgate ");
    text(&mut out, if page.hides_version { "" } else { crate::VERSION });
    out.push_str(" speaking HAProxy's dialect</footer>\n</body></html>\n");
    out
}

/// Text in a document or in the quotes of an attribute.
fn text(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}
