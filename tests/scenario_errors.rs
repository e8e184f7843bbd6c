//! What authors read when a scenario file is wrong, and what the loader promises for any text.

use proptest::prelude::*;
use scimproof::scenario;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn wrong_file(id: &str) -> Option<String> {
    let name = id.strip_prefix("wrong/")?;
    fs::read_to_string(root().join("tests/wrong").join(format!("{name}.yaml"))).ok()
}

fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_wrong_file_says_what_is_wrong_and_where() {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("tests/wrong"))
        .expect("the folder is in the repository")
        .map(|e| e.expect("a folder entry").path())
        .collect();
    files.sort();
    assert!(files.len() >= 15);
    for file in files {
        let name = file.file_stem().expect("a file name").to_string_lossy();
        let text = fs::read_to_string(&file).expect("a text");
        let shown = format!("scenarios/wrong/{name}.yaml");
        let errors = scenario::load(&text, &shown, &wrong_file).expect_err(&format!("{name} is wrong on purpose"));
        let rendered: Vec<String> = errors.iter().map(|e| e.render(false)).collect();
        golden(&format!("scenario-error-{name}"), &rendered.join("\n\n"));
    }
}

#[test]
fn an_error_in_one_line_is_for_editors() {
    let text = wrong_file("wrong/id-is-not-path").expect("the file is in the repository");
    let errors =
        scenario::load(&text, "scenarios/wrong/id-is-not-path.yaml", &|_| None).expect_err("it is wrong on purpose");
    assert_eq!(
        errors[0].to_string(),
        "scenarios/wrong/id-is-not-path.yaml:1:11: the id is `wrong/another-name` but the file is `wrong/id-is-not-path`"
    );
}

#[test]
fn colour_changes_no_word() {
    let text = wrong_file("wrong/unknown-key").expect("the file is in the repository");
    let errors = scenario::load(&text, "x.yaml", &|_| None).expect_err("it is wrong on purpose");
    let styled = errors[0].render(true);
    assert!(styled.contains('\u{1b}'), "{styled}");
    assert!(!errors[0].render(false).contains('\u{1b}'));
}

const ODD: &[u8] = b" \n:{}[]\"'$&*-#";

fn mutated(text: &str, cuts: &[(usize, u8)]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (at, byte) in cuts {
        if bytes.is_empty() {
            break;
        }
        let n = at % bytes.len();
        match byte % 4 {
            0 => bytes[n] = byte % 128,
            1 => drop(bytes.remove(n)),
            2 => bytes.insert(n, ODD[usize::from(*byte) % ODD.len()]),
            _ => bytes.truncate(n.max(1)),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Errors must be drawable whatever the text is.
fn load_and_draw(text: &str) {
    if let Err(errors) = scenario::load(text, "scenarios/a/b.yaml", &|_| Some(text.to_owned())) {
        assert!(!errors.is_empty());
        for error in errors {
            assert!(!error.render(false).is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_text_loads_or_is_refused(text in "\\PC{0,80}") {
        load_and_draw(&text);
    }

    #[test]
    fn any_bytes_load_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        load_and_draw(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_damaged_file_loads_or_is_refused(
        which in 0..8_usize,
        cuts in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
    ) {
        let names = ["bad-repeat", "bad-filters", "other-dialect", "unknown-key", "bad-places", "include-with", "bad-matchers", "misplaced-keys"];
        let text = wrong_file(&format!("wrong/{}", names[which])).expect("the file is in the repository");
        load_and_draw(&mutated(&text, &cuts));
    }
}
