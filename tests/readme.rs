//! README and docs/ say what is true: their tables are made from the catalogue and the bundled scenarios, their commands
//! parse, their sample loads, their links lead somewhere. `SCIMPROOF_UPDATE=1 cargo test --test readme` writes them anew.

#[path = "readme_parts/picture.rs"]
mod picture;
#[path = "readme_parts/tables.rs"]
mod tables;

use clap::Parser;
use scimproof::cli::args::Cli;
use std::fs;
use std::path::{Path, PathBuf};

const UPDATE: &str = "run SCIMPROOF_UPDATE=1 cargo test --test readme";
const PICTURE: &str = "docs/img/run.svg";

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(root(name)).unwrap_or_else(|e| panic!("{name}: {e}")).replace("\r\n", "\n")
}

fn updating() -> bool {
    std::env::var_os("SCIMPROOF_UPDATE").is_some_and(|v| v == "1")
}

/// Holds a file against what it should be, or makes it so.
fn current(name: &str, text: &str) {
    if updating() {
        fs::write(root(name), text).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let stored = fs::read_to_string(root(name)).unwrap_or_default().replace("\r\n", "\n");
    assert!(stored == text, "{name} is not current: {UPDATE}");
}

/// Puts `text` between `<!-- made: NAME -->` and `<!-- end: NAME -->`.
fn filled(page: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- made: {name} -->\n"), format!("<!-- end: {name} -->"));
    let from = page.find(&begin).unwrap_or_else(|| panic!("no {begin}")) + begin.len();
    let to = page[from..].find(&end).unwrap_or_else(|| panic!("no {end}")) + from;
    format!("{}{}\n{}", &page[..from], text.trim_end(), &page[to..])
}

#[test]
fn readme_tables_are_current() {
    let scenarios = tables::scenarios();
    let mut page = read("README.md");
    page = filled(&page, "numbers", &tables::numbers(&scenarios));
    page = filled(&page, "flows", &tables::flows(&scenarios));
    current("README.md", &page);
}

#[test]
fn docs_tables_are_current() {
    current("docs/rules.md", &tables::rules_page());
    current("docs/scenarios.md", &tables::scenarios_page(&tables::scenarios()));
}

/// The picture is a real run. Ids of the server differ each time, so only what was found is compared.
#[test]
fn picture_shows_what_the_command_prints() {
    let printed = picture::run();
    if updating() {
        fs::write(root(PICTURE), picture::svg(&printed)).expect("the picture can be written");
    }
    let shown = read(PICTURE);
    assert!(shown.len() < 150_000, "{} bytes", shown.len());
    let words = |text: &str| {
        let plain = anstream::adapter::strip_str(text).to_string();
        plain
            .split_whitespace()
            .filter(|w| w.contains('/') && !w.contains("://"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let shown = picture::text_of(&shown);
    for word in words(&printed).iter().filter(|w| scimproof::rules::find(w).is_some()) {
        assert!(shown.contains(word.as_str()), "{word} is printed but not in {PICTURE}: {UPDATE}");
    }
}

/// Lines of code blocks, continued lines joined.
fn code_lines(page: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    let mut open = String::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            open.push_str(line.trim());
            match open.strip_suffix('\\') {
                Some(begun) => open = format!("{begun} "),
                None => lines.push(std::mem::take(&mut open)),
            }
        }
    }
    lines
}

/// The words after `scimproof` in a line of a shell or of a CI file.
fn command_of(line: &str) -> Option<Vec<String>> {
    let line = line.split(" #").next().unwrap_or_default().split(" || ").next().unwrap_or_default();
    let line = line.split(" && ").find(|part| part.contains("scimproof ") || part.contains("cargo run"))?;
    let at = ["cargo run --release -- ", "./scimproof ", "scimproof "]
        .iter()
        .find_map(|start| line.find(start).map(|at| (at, start.len())))?;
    let before = line[..at.0].trim();
    let shell = ["", "$", "-", "run:", "- run:", "exec", "sh '"].contains(&before);
    shell.then(|| words(&without_holes(&line[at.0 + at.1..])))
}

/// `${{ … }}` is filled in by the CI system; a number fits everywhere.
fn without_holes(line: &str) -> String {
    let mut parts = line.split("${{");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| format!("{out}1{}", part.split_once("}}").map_or("", |(_, rest)| rest)))
}

/// Splits like a shell does, quotes removed; enough for the lines that documents show.
fn words(line: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, ' ') => out.push(String::new()),
            _ => out.last_mut().expect("never empty").push(c),
        }
    }
    out.retain(|w| !w.is_empty());
    out
}

#[test]
fn commands_in_documents_parse() {
    let mut seen = 0;
    for page in ["README.md", "docs/ci.md", "docs/how-it-judges.md", "docs/sign-in.md"] {
        for line in code_lines(&read(page)) {
            let Some(arguments) = command_of(&line) else { continue };
            let arguments = arguments.iter().map(String::as_str);
            if let Err(problem) = Cli::try_parse_from(std::iter::once("scimproof").chain(arguments)) {
                let asked = matches!(
                    problem.kind(),
                    clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion
                );
                assert!(asked, "{page}: {line}\n{problem}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 15, "only {seen} commands found");
}

#[test]
fn rules_faults_and_scenarios_named_in_commands_exist() {
    let scenarios = scimproof::scenario::bundled_ids();
    for page in ["README.md", "docs/ci.md", "docs/how-it-judges.md", "docs/sign-in.md"] {
        for line in code_lines(&read(page)) {
            let Some(arguments) = command_of(&line) else { continue };
            for pair in arguments.windows(2) {
                match pair[0].as_str() {
                    "--fault" => assert!(scimproof::server::faults::find(&pair[1]).is_ok(), "{page}: {line}"),
                    "--variant" => assert!(scimproof::server::variants::find(&pair[1]).is_ok(), "{page}: {line}"),
                    "explain" => {
                        let id = pair[1].as_str();
                        let known = scimproof::rules::find(id).is_some()
                            || scenarios.contains(&id)
                            || scimproof::server::faults::find(id).is_ok();
                        assert!(known, "{page}: {line}");
                    }
                    "run" if pair[1].contains('/') && !pair[1].contains('*') && !pair[1].ends_with('/') => {
                        let id = pair[1].split('@').next().unwrap_or_default();
                        assert!(scenarios.contains(&id) || id.ends_with(".yaml"), "{page}: {line}");
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn the_sample_scenario_loads() {
    let page = read("README.md");
    let from = page.find("```yaml\n# yaml-language-server").expect("a sample") + "```yaml\n".len();
    let text = &page[from..from + page[from..].find("```").expect("its end")];
    if let Err(errors) = scimproof::scenario::load(text, "sample.yaml", &|_| None) {
        panic!("{}", errors.iter().map(|e| e.render(false)).collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn links_lead_to_files() {
    for page in
        ["README.md", "docs/ci.md", "docs/how-it-judges.md", "docs/rules.md", "docs/scenarios.md", "docs/sign-in.md"]
    {
        let text = read(page);
        let folder = root(page).parent().expect("it is in a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            let local = !path.is_empty() && !path.contains(':');
            assert!(!local || folder.join(path).exists(), "{page}: {link} leads nowhere");
        }
    }
}

/// The README names one test command, and the check that every change must pass runs the same one.
#[test]
fn the_test_command_is_the_one_of_ci() {
    let page = read("README.md");
    assert!(code_lines(&page).iter().any(|l| l == "cargo test"), "README.md names no test command");
    let ci = read(".ci/run");
    let run: Vec<&str> = ci.lines().map(str::trim).filter(|l| l.starts_with("cargo test")).collect();
    assert_eq!(run.len(), 1, "{run:?}");
}
