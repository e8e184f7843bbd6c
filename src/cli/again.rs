//! The flags that lead to the same server with the same credentials: for the line under a finding that shows it again.
//!
//! Must not read a secret: names of variables and files are all that is written.

use super::config::{Connection, Settings};
use super::credentials::Auth;
use super::oauth::{By, ClientPlace, OAuth};
use crate::engine::auth::SecretSource;
use std::fmt::Write as _;
use std::path::Path;
use url::Url;

/// Everything after `scimproof run SCENARIO`, with a blank before each flag.
pub fn flags(settings: &Settings) -> String {
    let mut out = String::new();
    if let Some(url) = &settings.connection.base_url {
        let clean = Url::parse(url).map(|mut u| {
            // Only URLs that cannot hold credentials refuse this.
            let _ = u.set_username("");
            let _ = u.set_password(None);
            u.to_string()
        });
        add(&mut out, "base-url", &clean.unwrap_or_default());
        connection(&mut out, &settings.connection);
    }
    match (&settings.connection.provider_file, &settings.connection.provider) {
        (Some(file), _) => add_path(&mut out, "provider-file", Some(file)),
        (None, Some(name)) => add(&mut out, "provider", name),
        (None, None) => {}
    }
    if let Some(domain) = &settings.mail_domain {
        add(&mut out, "mail-domain", domain);
    }
    settings.faults.iter().for_each(|f| add(&mut out, "fault", f));
    settings.variants.iter().for_each(|v| add(&mut out, "variant", v));
    settings.traits.iter().for_each(|t| add(&mut out, "trait", t));
    settings.idps.iter().for_each(|i| add(&mut out, "idp", i));
    out
}

fn connection(out: &mut String, connection: &Connection) {
    match &connection.auth {
        Auth::None => {}
        Auth::Token(source) => add_source(out, "token", source),
        Auth::Basic(source) => add_source(out, "basic", source),
        Auth::OAuth(oauth) => add_oauth(out, oauth),
    }
    for (name, source) in &connection.secret_headers {
        let (kind, place) = kind_and_place(source);
        add(out, &format!("header-{kind}"), &format!("{name}:{place}"));
    }
    if let Some(source) = &connection.other_token {
        add_source(out, "other-token", source);
    }
    add_path(out, "ca-file", connection.ca_file.as_deref());
    add_path(out, "client-cert", connection.client_cert.as_deref());
    add_path(out, "client-key", connection.client_key.as_deref());
    if connection.insecure {
        out.push_str(" --insecure");
    }
}

fn add_oauth(out: &mut String, oauth: &OAuth) {
    add(out, "oauth-token-url", &oauth.token_url);
    add(out, "oauth-client-id", &oauth.client_id);
    if let Some(source) = &oauth.secret {
        add_source(out, "oauth-client-secret", source);
    }
    if oauth.place == ClientPlace::Basic {
        add(out, "oauth-client-auth", "basic");
    }
    if let Some(scope) = &oauth.scope {
        add(out, "oauth-scope", scope);
    }
    for (name, value) in &oauth.fields {
        add(out, "oauth-field", &format!("{name}:{value}"));
    }
    match &oauth.by {
        By::Client => {}
        By::Refresh(source) => add_source(out, "oauth-refresh-token", source),
        By::Browser(browser) => {
            add(out, "oauth-authorize-url", &browser.authorize_url);
            if let Some(url) = &browser.redirect_url {
                add(out, "oauth-redirect-url", url);
            }
        }
    }
}

fn add_source(out: &mut String, name: &str, source: &SecretSource) {
    let (kind, place) = kind_and_place(source);
    add(out, &format!("{name}-{kind}"), &place);
}

/// The end of the flag, and what stands after it.
fn kind_and_place(source: &SecretSource) -> (&'static str, String) {
    match source {
        SecretSource::Env(variable) => ("env", variable.clone()),
        SecretSource::File(path) => ("file", path.display().to_string()),
        SecretSource::Command(line) => ("command", line.clone()),
    }
}

fn add_path(out: &mut String, name: &str, path: Option<&Path>) {
    if let Some(path) = path {
        add(out, name, &path.display().to_string());
    }
}

/// The value as a shell takes it.
fn add(out: &mut String, name: &str, value: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    let written = match !value.is_empty() && value.chars().all(plain) {
        true => write!(out, " --{name} {value}"),
        false => write!(out, " --{name} '{}'", value.replace('\'', "'\\''")),
    };
    written.expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Cli, Command};
    use clap::Parser;

    fn settings(flags: &[&str]) -> Settings {
        let all = ["scimproof", "run"].iter().chain(flags);
        let folder = tempfile::tempdir().expect("folder");
        match Cli::try_parse_from(all).expect("accepted").command {
            Command::Run(args) => Settings::load(*args, folder.path()).expect("good"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_line_leads_to_the_same_connection() {
        let base = "--base-url=https://app.example.com/scim";
        for given in [
            vec!["--token-env=A", "--other-token-env=B", "--ca-file=ca.pem", "--provider=atlan"],
            vec!["--token-file=a/b"],
            vec!["--basic-env=A", "--client-cert=c.pem", "--client-key=k.pem", "--insecure"],
            vec!["--header-env=X-Api-Key:KEY"],
            vec!["--basic-file=a/b", "--header-file=X-Api-Key:a/k", "--other-token-command=other"],
            vec!["--basic-command=pair", "--header-command=X-Api-Key:key", "--other-token-file=a/o"],
            vec![
                "--oauth-token-url=https://t/",
                "--oauth-client-id=c",
                "--oauth-client-secret-file=s",
                "--oauth-client-auth=basic",
            ],
            vec![
                "--oauth-token-url=https://t/",
                "--oauth-client-id=c",
                "--oauth-refresh-token-env=R",
                "--oauth-field=a:b",
            ],
            vec!["--oauth-token-url=https://t/", "--oauth-client-id=c", "--oauth-authorize-url=https://a/?x=1&y=2"],
        ] {
            let first = settings(&[&[base], &given[..]].concat());
            let line = flags(&first);
            let words: Vec<String> = line.split_whitespace().map(|w| w.trim_matches('\'').to_owned()).collect();
            let again = settings(&words.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(again.connection, first.connection, "{line}");
        }
        let quoted = flags(&settings(&[base, "--token-command=pass show 'x'"]));
        assert!(quoted.ends_with(r" --token-command 'pass show '\''x'\'''"), "{quoted}");
        let clean = flags(&settings(&["--base-url=https://me:secret@app.example.com/scim"]));
        assert_eq!(clean, " --base-url https://app.example.com/scim");
    }
}
