//! `scimproof init`: a commented scimproof.toml, and the lines for a CI job.
//!
//! Must not overwrite anything, and must not ask when nobody is there to answer.

mod page;

use super::config::DEFAULT_FILE;
use super::exit::Exit;
use clap::ValueEnum;
use page::{config, next_steps};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  scimproof init --base-url https://app.example.com/scim/v2 --idp okta --idp entra
  scimproof init --auth oauth --oauth-token-url https://app.example.com/oauth/token --oauth-client-id scimproof";

/// `scimproof init`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
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
    /// Name of the header, for `--auth header`
    #[arg(long, value_name = "NAME", value_parser = header_name)]
    pub header_name: Option<String>,
    /// Where access tokens are issued, for the kinds that begin with oauth
    #[arg(long, value_name = "URL")]
    pub oauth_token_url: Option<String>,
    /// Client id
    #[arg(long, value_name = "ID")]
    pub oauth_client_id: Option<String>,
    /// Scope to ask for
    #[arg(long, value_name = "SCOPE")]
    pub oauth_scope: Option<String>,
    /// The server wants id and secret of the client as basic credentials
    #[arg(long)]
    pub oauth_client_auth_basic: bool,
    /// Where a sign-in with a browser begins
    #[arg(long, value_name = "URL")]
    pub oauth_authorize_url: Option<String>,
    /// PEM file with the client certificate
    #[arg(long, value_name = "PEM")]
    pub client_cert: Option<String>,
    /// PEM file with its key, when that is a file of its own
    #[arg(long, value_name = "PEM", requires = "client_cert")]
    pub client_key: Option<String>,
    /// PEM file with further certificate authorities to trust
    #[arg(long, value_name = "PEM")]
    pub ca_file: Option<String>,
}

impl InitArgs {
    /// What was asked for, or follows from what was: an address for tokens makes no sense without OAuth.
    fn kind(&self) -> AuthKind {
        self.auth.or_else(|| self.told()).unwrap_or_default()
    }

    fn told(&self) -> Option<AuthKind> {
        if self.oauth_authorize_url.is_some() {
            Some(AuthKind::OauthCode)
        } else if self.oauth_token_url.is_some() || self.oauth_client_id.is_some() {
            Some(AuthKind::Oauth)
        } else if self.header_name.is_some() {
            Some(AuthKind::Header)
        } else {
            self.client_cert.as_ref().map(|_| AuthKind::Mtls)
        }
    }
}

fn header_name(text: &str) -> Result<String, String> {
    super::args::parse_header(&format!("{text}:x")).map(|(name, _)| name)
}

/// How the server checks who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum AuthKind {
    /// A bearer token
    #[default]
    Bearer,
    /// User and password
    Basic,
    /// A header of its own
    Header,
    /// OAuth 2 client credentials
    Oauth,
    /// OAuth 2 with a refresh token
    OauthRefresh,
    /// OAuth 2 with a sign-in in a browser (authorization code)
    OauthCode,
    /// A client certificate
    Mtls,
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
    args.auth = args.auth.or_else(|| args.told());
    while args.auth.is_none() {
        let names = "bearer, basic, header, oauth, oauth-refresh, oauth-code or mtls";
        let answer = question(input, out, &format!("Credentials: {names} [bearer]: "))?;
        args.auth = match answer {
            None => Some(AuthKind::Bearer),
            Some(word) => AuthKind::from_str(&word, true).ok(),
        };
    }
    details(args, input, out)
}

/// What only this kind of credentials needs to know.
fn details(args: &mut InitArgs, input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<()> {
    let mut fill = |value: &mut Option<String>, text: &str| -> io::Result<()> {
        if value.is_none() {
            *value = question(input, out, text)?;
        }
        Ok(())
    };
    match args.kind() {
        AuthKind::Bearer | AuthKind::Basic => {}
        AuthKind::Header => {
            fill(&mut args.header_name, "Name of the header [X-Api-Key]: ")?;
            // A name that no header can have is asked for when the file is read, where the error names its line.
        }
        AuthKind::Mtls => {
            fill(&mut args.client_cert, "PEM file with the client certificate [client.pem]: ")?;
            fill(&mut args.client_key, "PEM file with its key [in the same file]: ")?;
            fill(&mut args.ca_file, "PEM file with further certificate authorities [none]: ")?;
        }
        kind => {
            fill(&mut args.oauth_token_url, "Token URL [https://app.example.com/oauth/token]: ")?;
            fill(&mut args.oauth_client_id, "Client id [scimproof]: ")?;
            fill(&mut args.oauth_scope, "Scope [none]: ")?;
            if kind != AuthKind::Oauth {
                fill(&mut args.oauth_authorize_url, "Authorization URL [https://app.example.com/oauth/authorize]: ")?;
            }
        }
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
                ..InitArgs::default()
            };
            let (folder, out) = written(&args, None);
            let read = Connection::load(TargetArgs::default(), folder.path()).expect("good");
            assert_eq!(read.base_url, args.base_url);
            assert_eq!(read.provider.as_deref(), Some("core"));
            assert!(read.auth != Auth::None || !read.secret_headers.is_empty() || read.client_cert.is_some());
            assert!(page::variables(auth).iter().all(|v| out.contains(v)), "{out}");
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
        let (folder, _) = written(
            &InitArgs::default(),
            Some("\n\noauth-code\nhttps://t.example.org/\nme\nscim offline_access\nhttps://a.example.org/\n"),
        );
        let read = Connection::load(TargetArgs::default(), folder.path()).expect("good");
        let Auth::OAuth(oauth) = read.auth else { panic!("no OAuth") };
        assert_eq!((oauth.token_url.as_str(), oauth.client_id.as_str()), ("https://t.example.org/", "me"));
        assert!(matches!(oauth.by, crate::cli::oauth::By::Browser(b) if b.authorize_url == "https://a.example.org/"));
        let (folder, _) = written(&InitArgs::default(), Some("\n\nmtls\nc.pem\nk.pem\n\n"));
        let read = Connection::load(TargetArgs::default(), folder.path()).expect("good");
        assert_eq!(read.client_key, Some(folder.path().join("k.pem")));
        let (folder, _) = written(&InitArgs::default(), Some(""));
        let text = std::fs::read_to_string(folder.path().join(DEFAULT_FILE)).expect("readable");
        assert!(text.contains(EXAMPLE_URL));
    }
}
