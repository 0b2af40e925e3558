//! The site builds without a warning, has every page, and every link of every page leads somewhere.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::page::{pages, root};

#[test]
fn site_builds_without_warnings() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let mut command = Command::new("mkdocs");
    command.args(["build", "--strict", "--quiet", "--site-dir"]).arg(directory.path()).current_dir(root());
    let output = command.output().expect("mkdocs, which ./dev test installs (packages mkdocs and mkdocs-material)");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
    assert!(directory.path().join("index.html").exists());
}

#[test]
fn every_page_is_in_the_navigation() {
    let navigation = fs::read_to_string(root().join("mkdocs.yml")).expect("mkdocs.yml");
    for page in pages() {
        let Ok(inside) = page.path.strip_prefix("docs") else { continue };
        assert!(navigation.contains(&format!(": {}\n", inside.display())), "{} is not in mkdocs.yml", inside.display());
    }
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut wrong = Vec::new();
    for page in pages() {
        for link in page.text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file.is_empty() {
                true => page.path.clone(),
                false => page.path.parent().unwrap_or(Path::new("")).join(file),
            };
            let text = fs::read_to_string(root().join(&target));
            let is_there = root().join(&target).exists()
                && (heading.is_empty() || text.is_ok_and(|text| headings(&text).iter().any(|known| known == heading)));
            if !is_there {
                wrong.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "links that lead nowhere:\n{}", wrong.join("\n"));
}

/// The anchors of a page.
fn headings(text: &str) -> Vec<String> {
    let titles = text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    titles
        .map(|title| {
            let kept = title.chars().filter(|letter| letter.is_alphanumeric() || " _-".contains(*letter));
            kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
        })
        .collect()
}
