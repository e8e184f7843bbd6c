//! Shards merged again, and runs compared.

mod report_sample;

use report_sample::{clean, report};
use scimproof::cli::merge::{CompareArgs, MergeArgs, MergeError, compare, merge, run_compare, run_merge};
use scimproof::event::RunReport;
use scimproof::report::json;

fn shards() -> Vec<RunReport> {
    let whole = report();
    let mut one = whole.clone();
    let mut two = whole.clone();
    one.cases = whole.cases.iter().step_by(2).cloned().collect();
    two.cases = whole.cases.iter().skip(1).step_by(2).cloned().collect();
    one.findings.truncate(3);
    two.findings[0].scenario = "okta/other".into();
    vec![one, two]
}

#[test]
fn shards_give_the_whole_again() {
    let merged = merge(shards()).expect("fits");
    let whole = report();
    assert_eq!(merged.cases.len(), whole.cases.len());
    assert_eq!(merged.findings.len(), whole.findings.len());
    assert_eq!(merged.summary.failed, whole.summary.failed);
    assert_eq!(merged.summary.requests, 2 * whole.summary.requests);
    assert_eq!(merged.left_behind.len(), 1);
    assert!(merged.findings[0].also.contains(&"okta/other › set-inactive/verify".to_owned()));
}

#[test]
fn what_is_no_shard_is_refused() {
    assert_eq!(merge(vec![]).err(), Some(MergeError::Nothing));
    assert!(matches!(merge(vec![report(), report()]), Err(MergeError::Twice(_))));
    let mut other = clean();
    other.target.base_url = "https://other.example.org".into();
    assert!(matches!(merge(vec![report(), other]), Err(MergeError::Targets(..))));
}

#[test]
fn new_fixed_and_the_same_are_told_apart() {
    let before = report();
    let mut after = report();
    after.findings.remove(1);
    after.findings[0].rule = "new/one".into();
    after.findings[0].also.clear();
    let d = compare(&before, &after);
    let rules = |list: &[scimproof::cli::merge::Entry]| list.iter().map(|e| e.rule.clone()).collect::<Vec<_>>();
    assert_eq!(rules(&d.new), ["new/one"]);
    assert_eq!(rules(&d.fixed), ["patch/active-not-applied", "patch/body-differs"]);
    assert_eq!(d.same.len(), 4);
    assert_eq!(d.not_played.len(), 6, "the other scenarios of the first finding were not played again");
}

#[test]
fn files_go_in_and_out() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name);
    let mut names = Vec::new();
    for (index, shard) in shards().iter().enumerate() {
        let name = path(&format!("{index}.json"));
        let mut text = Vec::new();
        json::write(shard, &mut text).expect("written");
        std::fs::write(&name, text).expect("written");
        names.push(name);
    }
    let args = MergeArgs {
        reports: names.clone(),
        json: Some(path("all.json")),
        junit: Some(path("all.xml")),
        html: None,
        markdown: None,
    };
    assert_eq!(run_merge(&args, &mut std::io::sink()).expect("merged").code(), 1);
    let args = CompareArgs { before: path("all.json"), after: names[0].clone(), json: false };
    let mut out = Vec::new();
    assert_eq!(run_compare(&args, &mut out).expect("compared").code(), 0);
    assert!(String::from_utf8(out).expect("UTF-8").contains("0 new"));
    let args = CompareArgs { before: path("all.xml"), after: names[0].clone(), json: false };
    let error = run_compare(&args, &mut std::io::sink()).expect_err("no JSON").to_string();
    assert!(error.contains("all.xml: it is no scimproof report"), "{error}");
}
