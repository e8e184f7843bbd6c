//! `scimproof init`: a commented scimproof.toml, and the lines for a CI job.
//!
//! Must not overwrite anything, and must not ask when nobody is there to answer.

mod page;

use super::config::DEFAULT_FILE;
use super::exit::Exit;
use crate::profile::idp;
use crate::profile::provider::{self, AuthMode, ProviderProfile};
use crate::server::faults::unknown;
use clap::ValueEnum;
use page::{config, next_steps};
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use url::Url;

const EXAMPLES: &str = "\
Examples:
  scimproof init --base-url https://app.example.com/scim/v2 --idp okta --idp entra
  scimproof init --provider core --base-url https://app.example.com
  scimproof init --auth oauth --oauth-token-url https://app.example.com/oauth/token --oauth-client-id scimproof";

/// `scimproof init`.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct InitArgs {
    /// Base URL of the SCIM endpoint; of a product with a profile the host is enough
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Identity provider to play (repeatable)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub idp: Vec<String>,
    /// Service provider profile (see `list providers`): base path and kind of credentials follow from it
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

/// Where a product is that has a path of its own.
const EXAMPLE_HOST: &str = "https://app.example.com";
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
    let profile = match ask {
        Some(input) => complete(&mut args, input, out)?,
        None => known_provider(args.provider.as_deref()).map_err(wrong)?,
    };
    known_idps(&args.idp).map_err(wrong)?;
    if let Some(profile) = &profile {
        settle(&mut args, profile);
    }
    // Created anew or not at all, even when another process was faster.
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => exists(),
            kind => io::Error::new(kind, format!("cannot write {DEFAULT_FILE}: {e}")),
        })?;
    file.write_all(config(&args, profile.as_ref()).as_bytes())?;
    writeln!(out, "Wrote {DEFAULT_FILE}. Next:\n")?;
    writeln!(out, "{}", next_steps(&args))
}

fn wrong(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// The profile of that name, or what was probably meant.
fn known_provider(name: Option<&str>) -> Result<Option<ProviderProfile>, String> {
    super::run::provider(name, None)
}

fn known_idps(names: &[String]) -> Result<(), String> {
    let known = idp::names();
    let strange = names.iter().find(|name| !known.contains(&name.to_lowercase().as_str()));
    strange.map_or(Ok(()), |name| Err(unknown("idp", name, known.into_iter())))
}

/// What the product's document says, where nobody said otherwise: base path, kind of credentials, where tokens come from.
fn settle(args: &mut InitArgs, profile: &ProviderProfile) {
    args.auth = Some(args.auth.or_else(|| args.told()).unwrap_or_else(|| documented(profile)));
    let base = args.base_url.get_or_insert_with(|| EXAMPLE_HOST.to_owned());
    let Ok(mut url) = Url::parse(base) else { return };
    for (path, place) in [
        (&profile.auth.token_path, &mut args.oauth_token_url),
        (&profile.auth.authorize_path, &mut args.oauth_authorize_url),
    ] {
        if let (Some(path), None) = (path, &place) {
            *place = url.join(path).ok().map(Into::into);
        }
    }
    if let (Some(path), "/") = (&profile.base_path, url.path()) {
        url.set_path(path);
        args.base_url = Some(url.into());
    }
}

/// The kind of credentials that a product documents.
fn documented(profile: &ProviderProfile) -> AuthKind {
    match (profile.auth.mode, &profile.auth.authorize_path) {
        (AuthMode::Bearer, _) => AuthKind::Bearer,
        (AuthMode::Basic, _) => AuthKind::Basic,
        (AuthMode::Oauth2, Some(_)) => AuthKind::OauthCode,
        (AuthMode::Oauth2, None) => AuthKind::Oauth,
    }
}

fn exists() -> io::Error {
    let text = format!("{DEFAULT_FILE} is already there; it stays as it is. Move it away to start anew");
    io::Error::new(io::ErrorKind::AlreadyExists, text)
}

/// Asks for what no flag told. The product comes first: what it documents is offered as the answer to what follows.
fn complete(args: &mut InitArgs, input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<Option<ProviderProfile>> {
    let profile = which_provider(args, input, out)?;
    if args.base_url.is_none() {
        let path = profile.as_ref().map(|p| p.base_path.clone().unwrap_or_default());
        let example = path.map_or_else(|| EXAMPLE_URL.to_owned(), |path| format!("{EXAMPLE_HOST}{path}"));
        args.base_url = question(input, out, &format!("Base URL of the SCIM endpoint [{example}]: "))?;
    }
    which_idps(args, input, out)?;
    args.auth = args.auth.or_else(|| args.told());
    let usual = profile.as_ref().map_or(AuthKind::default(), documented);
    while args.auth.is_none() {
        let names = "bearer, basic, header, oauth, oauth-refresh, oauth-code or mtls";
        let answer = question(input, out, &format!("Credentials: {names} [{}]: ", word(usual)))?;
        args.auth = match answer {
            None => Some(usual),
            Some(word) => AuthKind::from_str(&word, true).ok(),
        };
    }
    if let Some(profile) = &profile {
        settle(args, profile);
    }
    details(args, input, out)?;
    Ok(profile)
}

/// A kind as it is written after `--auth`.
fn word(kind: AuthKind) -> String {
    kind.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
}

fn which_provider(
    args: &mut InitArgs,
    input: &mut dyn BufRead,
    out: &mut dyn Write,
) -> io::Result<Option<ProviderProfile>> {
    if args.provider.is_none() {
        let text = format!("Product, if it is one of {} [none]: ", provider::names().join(", "));
        args.provider = question(input, out, &text)?;
    }
    loop {
        match known_provider(args.provider.as_deref()) {
            Ok(profile) => return Ok(profile),
            Err(problem) => args.provider = question(input, out, &format!("{problem}\nProduct [none]: "))?,
        }
    }
}

fn which_idps(args: &mut InitArgs, input: &mut dyn BufRead, out: &mut dyn Write) -> io::Result<()> {
    let mut text = "Identity providers, e.g. okta, entra [all]: ".to_owned();
    let mut asked = !args.idp.is_empty();
    loop {
        if !asked {
            let names = question(input, out, &text)?.unwrap_or_default();
            args.idp = names.split([',', ' ']).filter(|n| !n.is_empty()).map(str::to_owned).collect();
        }
        match known_idps(&args.idp) {
            Ok(()) => return Ok(()),
            Err(problem) => (text, asked) = (format!("{problem}\nIdentity providers [all]: "), false),
        }
    }
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
    use crate::cli::config::Connection;
    use crate::cli::credentials::Auth;

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
                provider: Some("core".into()),
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
        let (folder, _) =
            written(&InitArgs::default(), Some("\nhttps://s.example.org\nokta, entra\nnonsense\nbasic\n"));
        let text = std::fs::read_to_string(folder.path().join(DEFAULT_FILE)).expect("readable");
        assert!(text.contains("idp = [\"okta\", \"entra\"]") && text.contains("basic_env"));
        let (folder, _) = written(
            &InitArgs::default(),
            Some("\n\n\noauth-code\nhttps://t.example.org/\nme\nscim offline_access\nhttps://a.example.org/\n"),
        );
        let read = Connection::load(TargetArgs::default(), folder.path()).expect("good");
        let Auth::OAuth(oauth) = read.auth else { panic!("no OAuth") };
        assert_eq!((oauth.token_url.as_str(), oauth.client_id.as_str()), ("https://t.example.org/", "me"));
        assert!(matches!(oauth.by, crate::cli::oauth::By::Browser(b) if b.authorize_url == "https://a.example.org/"));
        let (folder, _) = written(&InitArgs::default(), Some("\n\n\nmtls\nc.pem\nk.pem\n\n"));
        let read = Connection::load(TargetArgs::default(), folder.path()).expect("good");
        assert_eq!(read.client_key, Some(folder.path().join("k.pem")));
        let (folder, _) = written(&InitArgs::default(), Some(""));
        let text = std::fs::read_to_string(folder.path().join(DEFAULT_FILE)).expect("readable");
        assert!(text.contains(EXAMPLE_URL));
    }

    #[test]
    fn a_product_brings_its_path_and_its_sign_in() {
        let args = InitArgs { provider: Some("core".into()), ..InitArgs::default() };
        let own = InitArgs { base_url: Some("https://core.example.org".into()), ..args.clone() };
        for (args, host) in [(args, EXAMPLE_HOST), (own, "https://core.example.org")] {
            let (folder, out) = written(&args, None);
            let read = Connection::load(TargetArgs::default(), folder.path()).expect("good");
            assert_eq!(read.base_url, Some(format!("{host}/scim")));
            let Auth::OAuth(oauth) = read.auth else { panic!("no OAuth") };
            assert_eq!(oauth.token_url, format!("{host}/oauth2/token"));
            assert!(out.contains("SCIM_CLIENT_SECRET") && !out.contains("SCIM_TOKEN"), "{out}");
            let text = std::fs::read_to_string(folder.path().join(DEFAULT_FILE)).expect("readable");
            assert!(
                text.contains(&format!("{host}/oauth2/authorize")) && text.contains("come from the vendor"),
                "{text}"
            );
        }
        // What was said counts more than the document.
        let args = InitArgs {
            provider: Some("core".into()),
            base_url: Some("https://core.example.org/x".into()),
            auth: Some(AuthKind::Bearer),
            ..InitArgs::default()
        };
        let (folder, _) = written(&args, None);
        let read = Connection::load(TargetArgs::default(), folder.path()).expect("good");
        assert_eq!(read.base_url.as_deref(), Some("https://core.example.org/x"));
        assert!(matches!(read.auth, Auth::Token(_)));
    }

    #[test]
    fn a_product_is_asked_for_and_asked_again() {
        let (folder, out) = written(&InitArgs::default(), Some("cor\ncore\n\noka\nokta\n\n\n\n\n\n"));
        let read = Connection::load(TargetArgs::default(), folder.path()).expect("good");
        assert_eq!(
            (read.provider.as_deref(), read.base_url.as_deref()),
            (Some("core"), Some("https://app.example.com/scim"))
        );
        assert!(matches!(read.auth, Auth::OAuth(_)));
        for words in [
            "one of atlan, collate, core",
            "did you mean `core`?",
            "[https://app.example.com/scim]",
            "did you mean `okta`?",
            "[oauth-code]",
        ] {
            assert!(out.contains(words), "{words}: {out}");
        }
    }

    #[test]
    fn names_that_nobody_knows_are_refused_before_anything_is_written() {
        let refused = |args: InitArgs| {
            let folder = tempfile::tempdir().expect("folder");
            let error = init(&args, folder.path(), None, &mut io::sink()).expect_err("refused");
            assert!(!folder.path().join(DEFAULT_FILE).exists());
            error.to_string()
        };
        let provider = |name: &str| InitArgs { provider: Some(name.into()), ..InitArgs::default() };
        assert_eq!(refused(provider("nosuch")), "there is no provider `nosuch`; `scimproof list providers` shows all");
        assert_eq!(refused(provider("colate")), "there is no provider `colate`; did you mean `collate`?");
        let idp = refused(InitArgs { idp: vec!["okta".into(), "nosuch".into()], ..InitArgs::default() });
        assert!(idp.starts_with("there is no idp `nosuch`; "), "{idp}");
    }
}
