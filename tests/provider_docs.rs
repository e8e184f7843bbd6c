//! docs/providers.md names, for each statement of the five documents, what shows it: every name exists, no statement is left out, and
//! what is called a note or a failure is one in the profile.

use scimproof::profile::provider::{self, Expected, ProviderProfile};
use scimproof::run::baseline::glob;
use scimproof::{rules, scenario};
use std::collections::BTreeSet;

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/providers.md");
    std::fs::read_to_string(path).expect("the page is there").replace("\r\n", "\n")
}

/// Names between backticks that look like `area/name`.
fn names(text: &str) -> Vec<&str> {
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-*".contains(c));
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|t| t.split_once('/').is_some_and(|(area, name)| word(area) && word(name)))
        // A media type is no name of ours.
        .filter(|t| !t.starts_with("application/"))
        .collect()
}

/// Number and text of each row.
type Rows = Vec<(String, String)>;

/// Product, how many statements its document makes, and the rows about them.
fn tables(page: &str) -> Vec<(String, usize, Rows)> {
    let parts = page.split("<!-- rows: ").skip(1);
    parts
        .map(|part| {
            let (mark, rest) = part.split_once(" -->\n").expect("the end of the mark");
            let (product, count) = mark.split_once(' ').expect("product and number");
            let rows = rest.lines().take_while(|l| l.starts_with('|')).skip(2).map(|line| {
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                assert_eq!(cells.len(), 5, "{line}");
                (cells[1].to_owned(), cells[3].to_owned())
            });
            (product.to_owned(), count.parse().expect("a number"), rows.collect())
        })
        .collect()
}

#[test]
fn every_name_on_the_page_exists() {
    let page = page();
    let scenarios = scenario::bundled_ids();
    let wrong: BTreeSet<&str> = names(&page)
        .into_iter()
        .filter(|n| rules::find(n).is_none() && !scenarios.contains(n))
        .filter(|n| !rules::catalogue().any(|r| glob(n, r.id)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_statement_has_its_row_and_the_row_says_where_it_shows() {
    let page = page();
    let tables = tables(&page);
    let products: BTreeSet<String> = tables.iter().map(|(product, ..)| product.clone()).collect();
    assert_eq!(products, provider::names().into_iter().map(str::to_owned).collect());
    let letters: BTreeSet<char> = tables.iter().filter_map(|(.., rows)| rows[0].0.chars().next()).collect();
    assert_eq!(letters.len(), tables.len(), "each product has a letter of its own");
    for (product, count, rows) in tables {
        assert_eq!(rows.len(), count, "{product}");
        for (at, (number, text)) in rows.iter().enumerate() {
            assert_eq!(number[1..], (at + 1).to_string(), "{product}: {number}");
            let shown = !names(text).is_empty() || text.contains("y hand");
            assert!(shown, "{product} {number} says neither a rule nor that it is not seen: {text}");
        }
    }
}

/// The names right after `mark`, up to the first words that are no name.
fn listed<'a>(text: &'a str, mark: &str) -> Vec<&'a str> {
    let lists = text.split(mark).skip(1).map(|rest| {
        let end = rest.split('`').step_by(2).position(|between| !["", " ", ", ", " for ", " and "].contains(&between));
        let quoted = rest.split('`').skip(1).step_by(2);
        quoted.take(end.unwrap_or(usize::MAX))
    });
    lists.flatten().filter(|n| rules::find(n).is_some()).collect()
}

fn says(profile: &ProviderProfile, rule: &str, verdict: &Expected) -> bool {
    profile.deviations.iter().any(|d| d.verdict == *verdict && d.rule.iter().any(|r| glob(r, rule)))
}

#[test]
fn notes_and_failures_are_those_of_the_profiles() {
    let mut seen = 0;
    for (product, _, rows) in tables(&page()) {
        let profile = provider::find(&product).expect("profiles load").expect("there is one");
        for (number, text) in rows {
            for (mark, verdict) in [("**note**", Expected::Allow), ("**fail**", Expected::Fail)] {
                for rule in listed(&text, mark) {
                    assert!(says(&profile, rule, &verdict), "{product} {number}: {rule} is no {mark} in the profile");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 30, "only {seen} were found to compare");
}

#[test]
fn lists_end_where_other_words_begin() {
    let text = "**note** for `delete/still-there`, `delete/still-listed`; `create/status-not-201`";
    assert_eq!(listed(text, "**note**"), ["delete/still-there", "delete/still-listed"]);
    assert_eq!(names(text).len(), 3);
    assert!(names("`application/json` `a b/c` `x`").is_empty());
}
