//! `scimproof init` for each kind of credentials: what it writes works at once, and so does the step for CI that it prints.

#[path = "support/going.rs"]
mod going;
mod support;

use going::{End, Going, call};
use scimproof::server::Options;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use support::site::Site;
use tempfile::TempDir;

const SECRET: &str = "1nit client/secret+";

fn site(certified: bool) -> Site {
    let credentials = Options {
        token: Some("1nit-token".into()),
        basic: Some(("me".into(), "1nit:password".into())),
        api_key: Some(("X-Scim-Key".into(), "1nit-key".into())),
        client: Some(("the client".into(), SECRET.into())),
        ..Options::default()
    };
    Site::start(if certified { Options::default() } else { credentials }, certified)
}

/// Calls `init` and gives what it printed.
fn init(folder: &Path, site: &Site, flags: &[&str]) -> String {
    let base = site.server.base_url();
    std::fs::write(folder.join("ca.pem"), site.authority.pem()).unwrap();
    let args = [&["init", "--base-url", &base, "--idp", "okta", "--ca-file", "ca.pem"], flags].concat();
    let end = call(folder, &args, &[]);
    assert_eq!(end.code, 0, "{end:?}");
    end.stdout
}

fn is_install(step: &Value) -> bool {
    step["run"].as_str().is_some_and(|line| line.starts_with("cargo install --locked --git https://"))
}

/// The YAML after the last heading, as steps.
fn steps(printed: &str) -> Vec<Value> {
    let (_, yaml) = printed.split_once("GitHub Actions:\n\n").expect("a step");
    let steps: Vec<Value> = serde_saphyr::from_str(yaml).unwrap_or_else(|e| panic!("{e}\n{yaml}"));
    assert!(steps.iter().any(|s| s["uses"] == "actions/upload-artifact@v4"), "{yaml}");
    assert_eq!(steps[0]["uses"], "actions/checkout@v4", "scimproof.toml has to be there: {yaml}");
    assert!(is_install(&steps[1]), "and so has the program: {yaml}");
    steps
}

/// The secrets that the steps name; each variable is filled from the secret of the same name.
fn secrets(steps: &[Value]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, value) in steps.iter().filter_map(|s| s["env"].as_object()).flatten() {
        assert_eq!(value.as_str(), Some(format!("${{{{ secrets.{name} }}}}").as_str()));
        names.insert(name.clone());
    }
    names
}

/// Runs the `run:` lines of the steps in a shell, as CI does, with those variables and no others.
fn play(folder: &Path, steps: &[Value], env: &[(&str, &str)]) {
    let program = Path::new(env!("CARGO_BIN_EXE_scimproof")).parent().unwrap().display().to_string();
    // The program is there already.
    for line in steps.iter().filter(|s| !is_install(s)).filter_map(|s| s["run"].as_str()) {
        // One case is enough to see that it works.
        let line = line.replace("scimproof run", "scimproof run okta/create-user");
        let done = std::process::Command::new("sh")
            .args(["-c", &line])
            .current_dir(folder)
            .env_clear()
            .env("PATH", format!("{program}:/usr/local/bin:/usr/bin:/bin"))
            .envs(env.iter().copied())
            .output()
            .unwrap();
        assert!(done.status.success(), "{line}\n{done:?}");
    }
    assert!(folder.join("scimproof.xml").is_file());
}

/// `scimproof run --config`, from another folder.
fn run(folder: &Path, env: &[(&str, &str)]) -> End {
    let elsewhere = tempfile::tempdir().unwrap();
    let config = folder.join("scimproof.toml").display().to_string();
    call(elsewhere.path(), &["run", "okta/create-user", "--config", &config], env)
}

/// The whole way of one kind.
fn works(site: &Site, flags: &[&str], env: &[(&str, &str)], named: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let printed = init(folder.path(), site, flags);
    let end = run(folder.path(), env);
    assert_eq!(end.code, 0, "{flags:?} {end:?}");
    assert!(end.stdout.contains(&site.server.base_url()), "{end:?}");
    let steps = steps(&printed);
    assert_eq!(secrets(&steps), named.iter().map(|n| (*n).to_owned()).collect(), "{printed}");
    folder
}

/// The same, and the step for CI as well.
fn works_in_ci(site: &Site, flags: &[&str], env: &[(&str, &str)], named: &[&str]) {
    let folder = works(site, flags, env, named);
    std::fs::remove_file(folder.path().join("scimproof.toml")).unwrap();
    let printed = init(folder.path(), site, flags);
    play(folder.path(), &steps(&printed), env);
}

#[test]
fn fixed_credentials() {
    let site = site(false);
    works_in_ci(&site, &[], &[("SCIM_TOKEN", "1nit-token")], &["SCIM_TOKEN"]);
    works_in_ci(&site, &["--auth", "bearer"], &[("SCIM_TOKEN", "1nit-token")], &["SCIM_TOKEN"]);
    works_in_ci(&site, &["--auth", "basic"], &[("SCIM_BASIC", "me:1nit:password")], &["SCIM_BASIC"]);
    let header = ["--auth", "header", "--header-name", "X-Scim-Key"];
    works_in_ci(&site, &header, &[("SCIM_API_KEY", "1nit-key")], &["SCIM_API_KEY"]);
}

#[test]
fn client_credentials() {
    let site = site(false);
    let url = site.server.token_url();
    let flags = ["--auth", "oauth", "--oauth-token-url", &url, "--oauth-client-id", "the client"];
    works_in_ci(&site, &flags, &[("SCIM_CLIENT_SECRET", SECRET)], &["SCIM_CLIENT_SECRET"]);
    let more = [&flags[..], &["--oauth-client-auth-basic", "--oauth-scope", "scim"]].concat();
    works_in_ci(&site, &more, &[("SCIM_CLIENT_SECRET", SECRET)], &["SCIM_CLIENT_SECRET"]);
}

#[test]
fn a_refresh_token() {
    let site = site(false);
    let (url, authorize) = (site.server.token_url(), site.server.authorize_url());
    let flags = ["--auth", "oauth-refresh", "--oauth-token-url", &url, "--oauth-client-id", "the client"];
    let flags = [&flags[..], &["--oauth-authorize-url", &authorize]].concat();
    let refresh = site.server.grant_refresh_token();
    let env = [("SCIM_CLIENT_SECRET", SECRET), ("SCIM_REFRESH_TOKEN", refresh.as_str())];
    let folder = works(&site, &flags, &env, &["SCIM_CLIENT_SECRET", "SCIM_REFRESH_TOKEN"]);
    // The way to the first one is printed, too.
    std::fs::remove_file(folder.path().join("scimproof.toml")).unwrap();
    let printed = init(folder.path(), &site, &flags);
    let line = printed.split("scimproof run okta/connection-test").nth(1).expect("a line").replace("\\\n", " ");
    let line = line.split("\n\n").next().unwrap().replace("'the client'", "the#client");
    let words: Vec<String> = line.split_whitespace().map(|w| w.replace('#', " ")).collect();
    let mut args = vec!["run", "okta/connection-test", "--ca-file", "ca.pem"];
    args.extend(words.iter().map(String::as_str));
    let mut going = Going::start(folder.path(), &args, &env[..1]);
    let back = site.browse(&going.address(), "allow");
    site.get(back.as_str());
    let end = going.end();
    assert_eq!(end.code, 0, "{end:?}");
    let saved = std::fs::read_to_string(folder.path().join("refresh-token")).unwrap();
    play(folder.path(), &steps(&printed), &[("SCIM_CLIENT_SECRET", SECRET), ("SCIM_REFRESH_TOKEN", saved.trim())]);
}

#[test]
fn an_authorization_code() {
    let site = site(false);
    let (url, authorize) = (site.server.token_url(), site.server.authorize_url());
    let flags = ["--auth", "oauth-code", "--oauth-token-url", &url, "--oauth-client-id", "the client"];
    let flags = [&flags[..], &["--oauth-authorize-url", &authorize, "--oauth-scope", "scim offline_access"]].concat();
    let folder = tempfile::tempdir().unwrap();
    let printed = init(folder.path(), &site, &flags);
    let mut going = Going::start(folder.path(), &["run", "okta/create-user"], &[("SCIM_CLIENT_SECRET", SECRET)]);
    let back = site.browse(&going.address(), "allow");
    site.get(back.as_str());
    let end = going.end();
    assert_eq!(end.code, 0, "{end:?}");
    // The refresh token that it saved is what CI needs.
    let saved = std::fs::read_to_string(folder.path().join("refresh-token")).unwrap();
    let steps = steps(&printed);
    assert_eq!(secrets(&steps), ["SCIM_CLIENT_SECRET", "SCIM_REFRESH_TOKEN"].map(str::to_owned).into());
    play(folder.path(), &steps, &[("SCIM_CLIENT_SECRET", SECRET), ("SCIM_REFRESH_TOKEN", saved.trim())]);
}

#[test]
fn a_client_certificate() {
    let site = site(true);
    let folder = tempfile::tempdir().unwrap();
    let printed = init(folder.path(), &site, &["--auth", "mtls"]);
    std::fs::write(folder.path().join("client.pem"), site.client_pem()).unwrap();
    assert_eq!(run(folder.path(), &[]).code, 0);
    // In CI the file is made of the secret.
    std::fs::remove_file(folder.path().join("client.pem")).unwrap();
    let steps_of_one = steps(&printed);
    assert_eq!(secrets(&steps_of_one), ["SCIM_CLIENT_PEM".to_owned()].into());
    play(folder.path(), &steps_of_one, &[("SCIM_CLIENT_PEM", &site.client_pem())]);
    let (cert, key) = site.authority.issue("client.example.com", false);
    let folder = tempfile::tempdir().unwrap();
    let printed = init(folder.path(), &site, &["--client-cert", "tls.crt", "--client-key", "tls.key"]);
    let steps = steps(&printed);
    assert_eq!(secrets(&steps), ["SCIM_CLIENT_PEM", "SCIM_CLIENT_KEY"].map(str::to_owned).into());
    play(folder.path(), &steps, &[("SCIM_CLIENT_PEM", &cert), ("SCIM_CLIENT_KEY", &key)]);
}

/// Nothing works with the variables left out: the tests above would pass with a server that lets everybody in.
#[test]
fn each_variable_is_needed() {
    let site = site(false);
    for kind in ["bearer", "basic", "header", "oauth", "oauth-refresh", "oauth-code"] {
        let folder = tempfile::tempdir().unwrap();
        let printed = init(folder.path(), &site, &["--auth", kind, "--oauth-token-url", &site.server.token_url()]);
        let end = run(folder.path(), &[]);
        assert_eq!(end.code, 2, "{kind}: {end:?}");
        let missing = secrets(&steps(&printed)).into_iter().any(|name| end.stderr.contains(&format!("`{name}`")));
        assert!(missing, "{kind}: {end:?}");
    }
}
