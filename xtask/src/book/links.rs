//! Every link inside the built book leads somewhere: the file is there, and so is the place in it.
//!
//! **Layout** The pages are searched for `href`, `src` and `id` as they came out of mdBook: what is checked is what a
//! reader clicks, headings' names included. Links to other sites are not followed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The links of the built pages in `dir` that lead nowhere, each with its page.
pub fn broken(dir: &Path, pages: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let ids: BTreeMap<&PathBuf, BTreeSet<String>> =
        pages.iter().map(|(path, text)| (path, attributes(text, "id").into_iter().collect())).collect();
    let mut broken = Vec::new();
    // The page for printing holds all others, with ids and links made anew; the 404 page is addressed from the root.
    let own = |path: &Path| !["print.html", "404.html", "toc.html"].iter().any(|name| path.ends_with(name));
    for (page, text) in pages.iter().filter(|(path, _)| own(path)) {
        let links = attributes(text, "href").into_iter().chain(attributes(text, "src"));
        for link in links.filter(|link| !leads_out(link)) {
            let (path, fragment) = link.split_once('#').unwrap_or((&link, ""));
            let target = if path.is_empty() { page.clone() } else { resolve(page, path) };
            let known = ids.get(&target);
            if !target.exists() || !(fragment.is_empty() || known.is_some_and(|ids| ids.contains(fragment))) {
                let page = page.strip_prefix(dir).unwrap_or(page).display();
                broken.push(format!("{page}: the link «{link}» leads nowhere"));
            }
        }
    }
    broken.sort();
    broken.dedup();
    broken
}

fn leads_out(link: &str) -> bool {
    ["http://", "https://", "mailto:", "data:", "javascript:"].iter().any(|scheme| link.starts_with(scheme))
}

fn resolve(page: &Path, link: &str) -> PathBuf {
    let mut target = page.parent().map(Path::to_owned).unwrap_or_default();
    for part in link.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                target.pop();
            }
            part => target.push(part),
        }
    }
    target
}

/// The file in `dir` that a request for `url` means; never one outside.
pub fn requested(dir: &Path, url: &str) -> PathBuf {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let mut file = dir.to_owned();
    file.extend(path.split('/').filter(|part| !matches!(*part, "" | "." | "..")));
    if path.ends_with('/') { file.join("index.html") } else { file }
}

/// The values of an attribute, wherever it stands in a tag, with the entities of text undone.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let opening = format!(" {name}=\"");
    html.match_indices(&opening)
        .filter_map(|(at, _)| html[at + opening.len()..].split_once('"'))
        .map(|(value, _)| value.replace("&amp;", "&"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_needs_its_file_and_its_place() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("a")).unwrap();
        let page = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).unwrap();
            (dir.path().join(name), text.to_owned())
        };
        let pages = BTreeMap::from([
            page("index.html", "<a href=\"a/b.html#here\"></a> <a href=\"https://x\"></a><h1 id=\"top\">"),
            page("a/b.html", "<p id=\"here\"> <a href=\"../index.html#top\"></a> <a href=\"#here\"></a>"),
        ]);
        assert_eq!(broken(dir.path(), &pages), Vec::<String>::new());
        let pages = BTreeMap::from([page(
            "index.html",
            "<a href=\"#gone\"> <a href=\"a/c.html\"> <img src=\"a/d.svg\"> <a href=\"index.html\">",
        )]);
        assert_eq!(broken(dir.path(), &pages).len(), 3);
    }

    #[test]
    fn a_request_stays_inside() {
        let file = |url| requested(Path::new("book"), url);
        assert_eq!(file("/"), Path::new("book/index.html"));
        assert_eq!(file("/a/b.html?x#y"), Path::new("book/a/b.html"));
        assert_eq!(file("/../../etc/passwd"), Path::new("book/etc/passwd"));
    }
}
