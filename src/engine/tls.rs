//! Trust: extra CA, client certificate, and the HTTP client built with them.
//!
//! Must not know credentials or SCIM. No client made here follows a redirect.

use super::error::EngineError;
use super::target::{Limits, ProxyChoice, is_loopback};
use reqwest::{Certificate, Client, ClientBuilder, Identity, Proxy};
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// How much the certificate of the server is trusted, and who we are.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// PEM file with CA certificates that are trusted in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// Accept any certificate. Say so to the user: see [`super::Http::warnings`].
    pub insecure: bool,
    /// PEM file with the client certificate and, unless given separately, its key.
    pub client_cert: Option<PathBuf>,
    /// PEM file with the key of the client certificate.
    pub client_key: Option<PathBuf>,
}

/// The files of [`TlsOptions`], read.
pub(super) struct Trust {
    roots: Vec<Certificate>,
    identity: Option<Identity>,
    insecure: bool,
}

impl Trust {
    pub(super) fn load(options: &TlsOptions) -> Result<Self, EngineError> {
        let roots = options.ca_file.as_deref().map(read_roots).transpose()?;
        Ok(Self { roots: roots.unwrap_or_default(), identity: read_identity(options)?, insecure: options.insecure })
    }

    /// A client for that address.
    pub(super) fn client(&self, url: &Url, limits: &Limits, proxy: &ProxyChoice) -> Result<Client, EngineError> {
        // Without a provider, reqwest panics; a second installation is refused, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |system_roots: bool| {
            let builder = with_proxy(bare_client(limits), url, proxy)?;
            self.apply(builder, system_roots).build().map_err(|e| EngineError::Client(causes(&e)))
        };
        match build(true) {
            // Slim containers have no CA certificates at all; plain http and --ca-file must work there.
            Err(EngineError::Client(why)) if why.contains("No CA certificates") => build(false),
            other => other,
        }
    }

    fn apply(&self, mut builder: ClientBuilder, system_roots: bool) -> ClientBuilder {
        let roots = self.roots.iter().cloned();
        builder = if system_roots { builder.tls_certs_merge(roots) } else { builder.tls_certs_only(roots) };
        if let Some(identity) = &self.identity {
            builder = builder.identity(identity.clone());
        }
        builder.tls_danger_accept_invalid_certs(self.insecure)
    }
}

fn bare_client(limits: &Limits) -> ClientBuilder {
    Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        // Left at its default: only what HTTP/2 says was not processed (RFC 9113 §8.7) is sent anew, as a server that restarts
        // gracefully may ask for. Retries in the usual sense are the scenario's.
        .referer(false)
        .http1_title_case_headers()
        // The number of headers is left at its default (100): with any other the library fetches memory for each head that it reads,
        // and a flood of interim answers would keep a thread busy for half a minute before it looks at the clock.
        .http2_max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX))
        .connect_timeout(limits.timeout.min(Duration::from_secs(10)))
        // Common servers drop idle connections after 2 to 5 s without a word. Reusing one just then would look like their fault.
        .pool_idle_timeout(Duration::from_millis(1500))
        .tcp_nodelay(true)
}

fn with_proxy(builder: ClientBuilder, url: &Url, choice: &ProxyChoice) -> Result<ClientBuilder, EngineError> {
    match choice {
        ProxyChoice::System if is_loopback(url) => Ok(builder.no_proxy()),
        ProxyChoice::System => Ok(builder),
        ProxyChoice::Direct => Ok(builder.no_proxy()),
        ProxyChoice::Url(text) => Proxy::all(text)
            .map(|proxy| builder.no_proxy().proxy(proxy))
            .map_err(|e| EngineError::Client(format!("the proxy URL is wrong: {}", causes(&e.without_url())))),
    }
}

fn read_roots(file: &Path) -> Result<Vec<Certificate>, EngineError> {
    let fail = |why: String| tls_error("CA file", file, why);
    let pem = std::fs::read(file).map_err(|e| fail(e.to_string()))?;
    let roots = Certificate::from_pem_bundle(&pem).map_err(|e| fail(causes(&e)))?;
    if roots.is_empty() {
        return Err(fail("it holds no `BEGIN CERTIFICATE`; PEM is expected".into()));
    }
    Ok(roots)
}

fn read_identity(options: &TlsOptions) -> Result<Option<Identity>, EngineError> {
    let Some(cert) = &options.client_cert else {
        return match &options.client_key {
            Some(key) => Err(tls_error("client key", key, "a client certificate is needed with it".into())),
            None => Ok(None),
        };
    };
    let mut pem = std::fs::read(cert).map_err(|e| tls_error("client certificate", cert, e.to_string()))?;
    if let Some(key) = &options.client_key {
        let key_pem = std::fs::read(key).map_err(|e| tls_error("client key", key, e.to_string()))?;
        pem.push(b'\n');
        pem.extend(key_pem);
    }
    if String::from_utf8_lossy(&pem).contains("ENCRYPTED PRIVATE KEY") {
        return Err(tls_error("client certificate", cert, "its key is encrypted; decrypt it first".into()));
    }
    Identity::from_pem(&pem).map(Some).map_err(|e| tls_error("client certificate", cert, causes(&e)))
}

fn tls_error(what: &'static str, file: &Path, why: String) -> EngineError {
    EngineError::Tls { what, file: file.to_owned(), why }
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
