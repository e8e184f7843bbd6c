//! `scimproof serve`: the embedded reference server on its own, with faults and variants to try.
//!
//! Must not know scenarios or rules.

use crate::server::{Options, Server, persona};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `serve`.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// Port to listen on; 0 picks a free one
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub port: u16,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
    /// Bearer token that clients must send; without one everybody is let in
    #[arg(long, value_name = "TOKEN", env = "SCIMPROOF_SERVE_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Bearer token of a second tenant with data of its own
    #[arg(long, value_name = "TOKEN", requires = "token")]
    pub other_token: Option<String>,
    /// User and password that clients may send instead
    #[arg(long, value_name = "USER:PASSWORD", env = "SCIMPROOF_SERVE_BASIC", hide_env_values = true, value_parser = pair)]
    pub basic: Option<(String, String)>,
    /// Header that clients may send instead
    #[arg(long, value_name = "NAME:VALUE", env = "SCIMPROOF_SERVE_API_KEY", hide_env_values = true, value_parser = pair)]
    pub api_key: Option<(String, String)>,
    /// Client of the authorization server at /oauth/authorize and /oauth/token
    #[arg(long, value_name = "ID:SECRET", env = "SCIMPROOF_SERVE_OAUTH_CLIENT", hide_env_values = true, value_parser = pair)]
    pub oauth_client: Option<(String, String)>,
    /// Seconds that an access token lives
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub token_life: u64,
    /// Play a product: what its document says, from its profile (`scimproof list providers`)
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Play the product of a profile of your own
    #[arg(long, value_name = "FILE", conflicts_with = "provider")]
    pub provider_file: Option<PathBuf>,
    /// Switch on a fault (`scimproof list faults`); may be repeated
    #[arg(long = "fault", value_name = "ID")]
    pub faults: Vec<String>,
    /// Switch on a legal variant (`scimproof list variants`); may be repeated
    #[arg(long = "variant", value_name = "ID")]
    pub variants: Vec<String>,
    /// Switch on a product's way (`scimproof list traits`); may be repeated
    #[arg(long = "trait", value_name = "ID")]
    pub traits: Vec<String>,
    /// Wait this many milliseconds before each answer
    #[arg(long, value_name = "MS")]
    pub latency: Option<u64>,
}

/// `name:value`, of which the value may hold colons.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        // The text is not repeated: it is a secret.
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok((name.to_owned(), value.trim().to_owned())),
        _ => Err("two parts with a colon between them are needed".to_owned()),
    }
}

/// What a client has to send.
fn hints(args: &ServeArgs) -> String {
    let all = [
        (args.token.is_some(), "the token as `Authorization: Bearer …`"),
        (args.basic.is_some(), "user and password as `Authorization: Basic …`"),
        (args.api_key.is_some(), "the header"),
        (args.oauth_client.is_some(), "a token of the authorization server"),
    ];
    let given: Vec<&str> = all.into_iter().filter(|(given, _)| *given).map(|(_, text)| text).collect();
    match given.is_empty() {
        true => "no token needed".to_owned(),
        false => format!("send {}", given.join(", or ")),
    }
}

/// Serves until Ctrl-C. Exit status 2 when an argument is wrong, 3 when the address can not be used.
pub async fn serve(args: ServeArgs) -> ExitCode {
    let address = SocketAddr::new(args.host, args.port);
    let hints = hints(&args);
    let options = Options {
        token: args.token,
        other_token: args.other_token,
        faults: args.faults,
        variants: args.variants,
        traits: args.traits,
        latency: args.latency.map(Duration::from_millis),
        basic: args.basic,
        api_key: args.api_key,
        client: args.oauth_client.clone(),
        token_life: Duration::from_secs(args.token_life),
        ..Options::default()
    };
    let provider = match super::run::provider(args.provider.as_deref(), args.provider_file.as_deref()) {
        Ok(provider) => provider,
        Err(problem) => {
            anstream::eprintln!("error: {problem}");
            return ExitCode::from(2);
        }
    };
    let options = match &provider {
        Some(provider) => persona::play(provider, options),
        None => options,
    };
    let played: Vec<&str> =
        options.traits.iter().filter_map(|id| persona::find(id).ok()).map(|found| found.title).collect();
    let played: Vec<String> = played.into_iter().map(|title| format!("  {title}")).collect();
    let server = match Server::start(address, options).await {
        Ok(server) => server,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            return match error.kind() {
                std::io::ErrorKind::InvalidInput => ExitCode::from(2),
                _ => ExitCode::from(3),
            };
        }
    };
    anstream::println!("{}", server.base_url());
    let _ = std::io::stdout().flush();
    anstream::eprintln!("{hints}; Ctrl-C stops");
    if args.oauth_client.is_some() {
        anstream::eprintln!("authorization {}\ntokens {}", server.authorize_url(), server.token_url());
    }
    if let Some(provider) = &provider {
        anstream::eprintln!("plays {}\n{}", provider.title, played.join("\n"));
    }
    let interrupted = tokio::signal::ctrl_c().await;
    server.stop().await;
    match interrupted {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: can not wait for Ctrl-C: {error}");
            ExitCode::from(3)
        }
    }
}
