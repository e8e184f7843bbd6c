//! Shards as `docs/ci.md` documents them: the GitHub Actions matrix and the Kubernetes Job of that page are taken from it, checked,
//! and their commands are run. Merged, they say what one run says.

#[path = "support/tool.rs"]
mod tool;

use serde_json::Value;
use std::collections::BTreeMap;
use tool::{Desk, Out, Serve};

/// What the shards play here: some twenty cases, some of them with findings.
const SELECT: &str = "idp = [\"onelogin\", \"jumpcloud\"]\n";
const FAULT: [&str; 2] = ["--fault", "patch-active-ignored"];

/// The fenced block of the page that holds a text, as YAML.
fn documented(mark: &str) -> Value {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ci.md")).expect("the page");
    let block = page.split("```yaml\n").skip(1).filter_map(|b| b.split("```").next()).find(|b| b.contains(mark));
    serde_saphyr::from_str(block.unwrap_or_else(|| panic!("docs/ci.md has no block with {mark}"))).expect("YAML")
}

/// Outcome of each case, and the places of each rule that fails.
fn essence(report: &Value) -> (BTreeMap<String, String>, BTreeMap<String, usize>) {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let cases = report["cases"].as_array().expect("cases");
    let name = |c: &Value| format!("{}@{}", text(&c["scenario"]), text(&c["dialect"]));
    let outcomes = cases.iter().map(|c| (name(c), text(&c["outcome"]))).collect();
    let findings = report["findings"].as_array().expect("findings");
    let mut rules = BTreeMap::new();
    for f in findings {
        *rules.entry(text(&f["rule"])).or_default() += 1 + f["also"].as_array().map_or(0, Vec::len);
    }
    (outcomes, rules)
}

/// What one run says of the same server.
fn whole(server: &Serve) -> (Value, i32) {
    let desk = desk(server);
    let out = desk.call(&["run", "--json", "all.json"]);
    (desk.json("all.json"), out.code)
}

fn desk(server: &Serve) -> Desk {
    let desk = Desk::new();
    let text = format!("base_url = \"{}\"\n{SELECT}[auth]\ntoken_env = \"SCIM_TOKEN\"\n", server.base);
    desk.write("scimproof.toml", &text);
    desk
}

fn check_merged(desk: &Desk, merged: &Out, json: &Value, server: &Serve) {
    let (expected, code) = whole(server);
    assert_eq!((merged.code, code), (1, 1), "{merged:?}");
    let ((cases, rules), (all_cases, all_rules)) = (essence(json), essence(&expected));
    assert!(all_cases.len() > 15, "{all_cases:?}");
    assert_eq!(cases, all_cases);
    assert_eq!(rules, all_rules);
    for count in ["passed", "failed", "skipped", "errors", "blocked"] {
        assert_eq!(json["summary"][count], expected["summary"][count], "{count}");
    }
    let junit = quick_junit::Report::deserialize_from_str(&desk.read("scimproof.xml")).expect("JUnit");
    assert_eq!(junit.test_suites.len(), cases.len());
}

#[test]
fn the_matrix_of_github_actions_is_one_run() {
    let workflow = documented("matrix:");
    let job = &workflow["jobs"]["scim"];
    let shards: Vec<u64> =
        job["strategy"]["matrix"]["shard"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    assert_eq!(job["strategy"]["fail-fast"], false, "one shard's failure must not end the others");
    assert_eq!(shards, (1..=shards.len() as u64).collect::<Vec<_>>(), "shards count from 1");
    let steps = job["steps"].as_array().expect("steps");
    let run = steps.iter().filter_map(|s| s["run"].as_str()).find(|r| r.contains("--shard")).expect("the run");
    assert!(run.contains(&format!("/{}", shards.len())), "{run}");
    let upload = steps.iter().find(|s| s["uses"].as_str().is_some_and(|u| u.contains("upload"))).expect("an upload");
    let verdict = &workflow["jobs"]["verdict"];
    assert_eq!(verdict["needs"], "scim");
    let last = verdict["steps"].as_array().expect("steps");
    let merge = last.iter().filter_map(|s| s["run"].as_str()).find(|r| r.contains(" merge ")).expect("the merge");
    let download = last.iter().find(|s| s["uses"].as_str().is_some_and(|u| u.contains("download"))).expect("one");
    assert_eq!(download["with"]["pattern"], "shard-*");

    let server = Serve::start(&FAULT);
    let desk = desk(&server);
    for shard in &shards {
        let filled = |text: &str| text.replace("${{ matrix.shard }}", &shard.to_string());
        let out = desk.shell(&filled(run));
        assert_eq!(out.code, 0, "{out:?}");
        let path = filled(upload["with"]["path"].as_str().expect("a path"));
        assert!(desk.path(&path).exists() && merge.contains(&path), "{path}");
        // The names of the artifacts fit the pattern of the download.
        assert!(filled(upload["with"]["name"].as_str().expect("a name")).starts_with("shard-"));
    }
    let merged = desk.shell(&format!("{merge} --json merged.json"));
    check_merged(&desk, &merged, &desk.json("merged.json"), &server);
    // The same shard is the same cases.
    let again = Desk::new();
    again.write("scimproof.toml", &desk.read("scimproof.toml"));
    again.shell(&run.replace("${{ matrix.shard }}", "2"));
    assert_eq!(essence(&again.json("shard-2.json")), essence(&desk.json("shard-2.json")));
}

#[test]
fn the_job_of_kubernetes_is_one_run() {
    let job = documented("completionMode: Indexed");
    let schema = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/k8s/job-batch-v1.json"));
    let schema: Value = serde_json::from_str(&schema.expect("the schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<String> = validator.iter_errors(&job).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut typo = job.clone();
    typo["spec"]["completion"] = Value::from(4);
    assert!(!validator.is_valid(&typo), "the schema refuses nothing");

    let spec = &job["spec"];
    let completions = spec["completions"].as_u64().expect("a number");
    let pod = &spec["template"]["spec"];
    let container = &pod["containers"][0];
    assert!(pod["terminationGracePeriodSeconds"].as_u64() >= Some(60), "the clean-up waits for a busy server for 30 s");
    let shell: Vec<&str> =
        container["command"].as_array().expect("a command").iter().filter_map(Value::as_str).collect();
    assert_eq!(shell, ["/bin/sh", "-c"]);
    let script = container["args"][0].as_str().expect("a script");
    // Only so does SIGTERM reach the program and not the shell.
    assert!(script.starts_with("exec scimproof run") && script.contains(&format!("/{completions}\"")), "{script}");

    let server = Serve::start(&FAULT);
    let desk = desk(&server);
    let reports = desk.path("reports");
    std::fs::create_dir(&reports).expect("made");
    for index in 0..completions {
        let setup = format!("export JOB_COMPLETION_INDEX={index} BASE_URL={}; ", server.base);
        let here = script.replace("/reports/", &format!("{}/", reports.display()));
        let out = desk.shell(&format!("{setup}{here}"));
        assert!(out.code == 0 || out.code == 1, "{out:?}");
    }
    let merged = desk.shell("scimproof merge reports/shard-*.json --junit scimproof.xml --json merged.json");
    check_merged(&desk, &merged, &desk.json("merged.json"), &server);
}
