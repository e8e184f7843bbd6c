//! `scimproof init`: a commented scimproof.toml, and the lines for a CI job.
//!
//! Must not overwrite anything, and must not ask when nobody is there to answer.

use super::config::DEFAULT_FILE;
use super::exit::Exit;
use clap::ValueEnum;
use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

/// `scimproof init`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = "Example:\n  scimproof init --base-url https://app.example.com/scim/v2 --idp okta --idp entra")]
pub struct InitArgs {
    /// Base URL of the SCIM endpoint
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Identity provider to play (repeatable)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub idp: Vec<String>,
    /// Service provider profile
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// How the server checks who calls
    #[arg(long, value_enum)]
    pub auth: Option<AuthKind>,
}

/// How the server checks who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum AuthKind {
    /// A bearer token
    #[default]
    Bearer,
    /// User and password
    Basic,
    /// OAuth 2 client credentials
    Oauth,
    /// A header of its own
    Header,
}

const EXAMPLE_URL: &str = "https://app.example.com/scim/v2";

/// The subcommand. Asks only when a person sits at both ends.
pub fn main(args: &InitArgs) -> Exit {
    let mut input = io::stdin().lock();
    let answers = io::stdin().is_terminal() && io::stdout().is_terminal();
    let ask = answers.then_some(&mut input as &mut dyn BufRead);
    let done = std::env::current_dir().and_then(|folder| init(args, &folder, ask, &mut anstream::stdout()));
    super::exit::told(done.map(|()| Exit::Clean))
}

/// Writes the file into `folder` and prints what to do next. `ask` is given when somebody can answer.
pub fn init(args: &InitArgs, folder: &Path, ask: Option<&mut dyn BufRead>, out: &mut dyn Write) -> io::Result<()> {
    let path = folder.join(DEFAULT_FILE);
    if path.exists() {
        return Err(exists());
    }
    let mut args = args.clone();
    if let Some(input) = ask {
        complete(&mut args, input, out)?;
    }
    // Created anew or not at all, even when another process was faster.
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => exists(),
            kind => io::Error::new(kind, format!("cannot write {DEFAULT_FILE}: {e}")),
        })?;
    file.write_all(config(&args).as_bytes())?;
    writeln!(out, "Wrote {DEFAULT_FILE}. Next:\n")?;
    writeln!(out, "{}", next_steps(&args))
}

fn exists() -> io::Error {
    let text = format!("{DEFAULT_FILE} is already there; it stays as it is. Move it away to start anew");
    io::Error::new(io::ErrorKind::AlreadyExists, text)
}

fn complete(args: &mut InitArgs, input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<()> {
    if args.base_url.is_none() {
        let answer = question(input, out, &format!("Base URL of the SCIM endpoint [{EXAMPLE_URL}]: "))?;
        args.base_url = answer;
    }
    if args.idp.is_empty() {
        let answer = question(input, out, "Identity providers, e.g. okta, entra [all]: ")?;
        let names = answer.unwrap_or_default();
        args.idp = names.split([',', ' ']).filter(|n| !n.is_empty()).map(str::to_owned).collect();
    }
    while args.auth.is_none() {
        let answer = question(input, out, "Credentials: bearer, basic, oauth or header [bearer]: ")?;
        args.auth = match answer {
            None => Some(AuthKind::Bearer),
            Some(word) => AuthKind::from_str(&word, true).ok(),
        };
    }
    Ok(())
}

/// An answer; `None` when it is empty or the input has ended.
fn question(input: &mut dyn BufRead, out: &mut dyn Write, text: &str) -> io::Result<Option<String>> {
    write!(out, "{text}")?;
    out.flush()?;
    let mut line = String::new();
    input.read_line(&mut line)?;
    let line = line.trim();
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

fn config(args: &InitArgs) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut out =
        String::from("# Settings of `scimproof run`. Flags win over this file. Secrets do not belong into it.\n\n");
    out.push_str("# Where the SCIM endpoint is; without it the embedded reference server is tested.\n");
    let _ = writeln!(out, "base_url = {}\n", quoted(args.base_url.as_deref().unwrap_or(EXAMPLE_URL)));
    out.push_str("# Identity providers to play; `scimproof list idps` shows all. Left out: all of them.\n");
    if args.idp.is_empty() {
        out.push_str("# idp = [\"okta\", \"entra\"]\n\n");
    } else {
        let names: Vec<String> = args.idp.iter().map(|n| quoted(n)).collect();
        let _ = writeln!(out, "idp = [{}]\n", names.join(", "));
    }
    out.push_str("# Documented deviations of a product; `scimproof list providers` shows all.\n");
    match &args.provider {
        Some(name) => {
            let _ = writeln!(out, "provider = {}\n", quoted(name));
        }
        None => out.push_str("# provider = \"…\"\n\n"),
    }
    out.push_str(COMMON);
    out.push_str(match args.auth.unwrap_or_default() {
        AuthKind::Bearer => BEARER,
        AuthKind::Basic => BASIC,
        AuthKind::Oauth => OAUTH,
        AuthKind::Header => HEADER,
    });
    out.push_str(REST);
    out
}

const COMMON: &str = r#"# Failures that are known and accepted: reported, but they do not fail the run.
# Written by `scimproof run --baseline known-failures.toml --update-baseline`.
# baseline = "known-failures.toml"

# strict = true          # RFC SHOULDs fail the run too
# jobs = 4               # scenarios side by side
# timeout = "30s"        # for one answer
# rate = "10/s"          # at most so many requests
# allow_existing = true  # scenarios may change users and groups that were there before

[auth]
"#;

const BEARER: &str = "\
# The name of the environment variable that holds the token, never the token.
token_env = \"SCIM_TOKEN\"
# token_file = \"/run/secrets/scim-token\"
# token_command = \"vault read -field=token secret/scim\"
";

const BASIC: &str = "\
# The name of the environment variable that holds `user:password`.
basic_env = \"SCIM_BASIC\"
";

const OAUTH: &str = "\
# OAuth 2 client credentials; the secret comes from an environment variable.
[auth.oauth]
token_url = \"https://app.example.com/oauth/token\"
client_id = \"scimproof\"
client_secret_env = \"SCIM_CLIENT_SECRET\"
# scope = \"scim\"
";

const HEADER: &str = "\
# Header name and the environment variable that holds its value.
header_env = { \"X-Api-Key\" = \"SCIM_API_KEY\" }
";

const REST: &str = r#"
# [select]
# scenarios = ["okta/*"]
# tags = ["groups"]
# skip = ["rfc/bulk*"]

# [reports]
# junit = "scimproof.xml"
# json = "scimproof.json"
# html = "scimproof.html"
# markdown = "scimproof.md"
"#;

fn variable(auth: AuthKind) -> &'static str {
    match auth {
        AuthKind::Bearer => "SCIM_TOKEN",
        AuthKind::Basic => "SCIM_BASIC",
        AuthKind::Oauth => "SCIM_CLIENT_SECRET",
        AuthKind::Header => "SCIM_API_KEY",
    }
}

fn next_steps(args: &InitArgs) -> String {
    let name = variable(args.auth.unwrap_or_default());
    format!(
        "  export {name}=…\n  scimproof run\n\nGitHub Actions:\n\n\
         \x20 - name: SCIM conformance\n\
         \x20   run: scimproof run --junit scimproof.xml --github\n\
         \x20   env:\n\
         \x20     {name}: ${{{{ secrets.{name} }}}}\n\
         \x20 - uses: actions/upload-artifact@v4\n\
         \x20   if: always()\n\
         \x20   with:\n\
         \x20     name: scimproof\n\
         \x20     path: scimproof.xml"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::TargetArgs;
    use crate::cli::config::{Auth, Connection};

    fn written(args: &InitArgs, answers: Option<&str>) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().expect("folder");
        let mut out = Vec::new();
        let mut input = answers.map(str::as_bytes);
        let ask = input.as_mut().map(|i| i as &mut dyn BufRead);
        init(args, folder.path(), ask, &mut out).expect("written");
        (folder, String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn what_is_written_is_read_again_for_every_kind_of_credentials() {
        for &auth in AuthKind::value_variants() {
            let args = InitArgs {
                base_url: Some("https://x.example.org/\"scim\"".into()),
                idp: vec!["okta".into(), "entra".into()],
                provider: Some("slack".into()),
                auth: Some(auth),
            };
            let (folder, out) = written(&args, None);
            let read = Connection::load(TargetArgs::default(), folder.path()).expect("good");
            assert_eq!(read.base_url, args.base_url);
            assert_eq!(read.provider.as_deref(), Some("slack"));
            assert!(read.auth != Auth::None || !read.header_env.is_empty());
            assert!(out.contains(variable(auth)));
        }
    }

    #[test]
    fn every_commented_setting_is_a_good_one() {
        let (folder, _) = written(&InitArgs::default(), None);
        let path = folder.path().join(DEFAULT_FILE);
        let text = std::fs::read_to_string(&path).expect("readable");
        let on = [
            "idp",
            "baseline",
            "strict",
            "jobs",
            "timeout",
            "rate",
            "allow_existing",
            "[select]",
            "scenarios",
            "tags",
            "skip",
            "[reports]",
            "junit",
            "json",
            "html",
            "markdown",
        ];
        let lines: Vec<String> = text
            .lines()
            .map(|l| match l.strip_prefix("# ") {
                Some(rest) if on.iter().any(|o| rest == *o || rest.starts_with(&format!("{o} ="))) => rest.to_owned(),
                _ => l.to_owned(),
            })
            .collect();
        std::fs::write(&path, lines.join("\n")).expect("written");
        Connection::load(TargetArgs::default(), folder.path()).expect("good");
        assert!(lines.iter().filter(|l| !l.starts_with('#')).count() > on.len());
    }

    #[test]
    fn an_existing_file_stays() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join(DEFAULT_FILE);
        std::fs::write(&path, "mine").expect("written");
        let error = init(&InitArgs::default(), folder.path(), None, &mut io::sink()).expect_err("refused");
        assert!(error.to_string().contains("already there"));
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), "mine");
    }

    #[test]
    fn answers_fill_what_flags_left_open() {
        let (folder, _) = written(&InitArgs::default(), Some("https://s.example.org\nokta, entra\nnonsense\nbasic\n"));
        let text = std::fs::read_to_string(folder.path().join(DEFAULT_FILE)).expect("readable");
        assert!(text.contains("idp = [\"okta\", \"entra\"]") && text.contains("basic_env"));
        let (folder, _) = written(&InitArgs::default(), Some(""));
        let text = std::fs::read_to_string(folder.path().join(DEFAULT_FILE)).expect("readable");
        assert!(text.contains(EXAMPLE_URL));
    }
}
