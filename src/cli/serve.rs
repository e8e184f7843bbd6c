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
    /// Wait this many milliseconds before each answer
    #[arg(long, value_name = "MS")]
    pub latency: Option<u64>,
}

/// Serves until Ctrl-C. Exit status 2 when an argument is wrong, 3 when the address can not be used.
pub async fn serve(args: ServeArgs) -> ExitCode {
    let address = SocketAddr::new(args.host, args.port);
    let hint = match &args.token {
        Some(_) => "send the token as `Authorization: Bearer …`",
        None => "no token needed",
    };
    let options = Options {
        token: args.token,
        other_token: args.other_token,
        faults: args.faults,
        variants: args.variants,
        latency: args.latency.map(Duration::from_millis),
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
    anstream::eprintln!("{hint}; Ctrl-C stops");
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
