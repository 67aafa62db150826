//! The guide: what its list and its pages point to is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The pages by their names, with what they say.
fn pages() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guide");
    let pages = fs::read_dir(folder).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem()?.to_str()?.to_owned();
        (path.extension()? == "md").then(|| (name, fs::read_to_string(path).unwrap()))
    });
    pages.collect()
}

/// The lines outside of code.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    page.lines().filter(move |line| {
        let fence = line.starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The anchors that rustdoc makes of a page's headings.
fn anchors(page: &str) -> Vec<String> {
    let headings = prose(page).filter_map(|line| line.strip_prefix("## "));
    let anchor = |heading: &str| {
        let kept = heading.chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ => letter
                .is_alphanumeric()
                .then(|| letter.to_ascii_lowercase()),
        });
        kept.collect()
    };
    headings.map(anchor).collect()
}

/// The targets of the links in some text that are pages of the guide, `page` or `page#anchor`.
fn targets(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let links = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'));
    let links = links.map(|(target, _)| target);
    let pages = links.filter(|target| !target.contains(':') && !target.contains('/'));
    pages.map(|target| match target.split_once('#') {
        Some((page, anchor)) => (page, Some(anchor)),
        None => (target, None),
    })
}

fn check(pages: &BTreeMap<String, String>, from: &str, (page, anchor): (&str, Option<&str>)) {
    let target = pages.get(page);
    let target = target.unwrap_or_else(|| panic!("{from}: there is no page {page}"));
    if let Some(anchor) = anchor {
        assert!(
            anchors(target).iter().any(|there| there == anchor),
            "{from}: there is no {page}#{anchor}"
        );
    }
}

#[test]
fn each_line_of_the_list_points_to_a_part_of_the_guide() {
    let pages = pages();
    let index = &pages["index"];
    let mut lines = 0;
    let mut named = Vec::new();
    for line in index.lines().filter(|line| line.starts_with("- ")) {
        let targets: Vec<_> = targets(line).collect();
        assert_eq!(targets.len(), 1, "{line}");
        check(&pages, line, targets[0]);
        named.push(targets[0].0);
        lines += 1;
    }
    assert!(lines >= 40, "{lines}");
    for page in pages.keys().filter(|page| *page != "index") {
        assert!(named.contains(&&**page), "{page} is not in the list");
    }
}

#[test]
fn each_link_between_pages_points_to_a_part_of_the_guide() {
    let pages = pages();
    for (name, page) in &pages {
        for line in prose(page) {
            for target in targets(line) {
                check(&pages, name, target);
            }
        }
    }
}

/// What stands first is what lists of modules show.
#[test]
fn each_page_begins_with_one_sentence() {
    for (name, page) in pages() {
        let mut paragraphs = page.split("\n\n");
        let first = paragraphs.next().unwrap();
        let one = first.ends_with('.') && !first.contains('\n');
        assert!(one || name == "index", "{name}");
    }
}
