//! From the socket to a [`Call`] and from a [`Reply`] back to the socket.
//!
//! Must not know SCIM beyond its base path.

use super::auth::Credentials;
use super::behaviour::Plan;
use super::call::{Call, Kind, Payload, Target, parse_query};
use super::reply::{Content, Reply};
use super::service::Service;
use super::state::State;
use super::store::Tenant;
use super::{faults, oauth, persona, variants};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::serve::ListenerExt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where SCIM begins.
pub const BASE: &str = "/scim/v2";
/// Larger bodies are refused; a full replace of a group with 100,000 members still fits.
const BODY_LIMIT: usize = 32 * 1024 * 1024;
/// How long `stop` waits for answers that are under way.
const GRACE: Duration = Duration::from_secs(2);

/// How a server is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bearer token of the first tenant; without any credentials everybody is let in.
    pub token: Option<String>,
    /// Bearer token of a second tenant with a store of its own.
    pub other_token: Option<String>,
    /// Ids of faults to switch on.
    pub faults: Vec<String>,
    /// Ids of variants to switch on.
    pub variants: Vec<String>,
    /// Ids of a product's traits to switch on (see [`super::persona`]).
    pub traits: Vec<String>,
    /// Path of SCIM below the origin.
    pub base_path: String,
    /// Waits this long before each answer.
    pub latency: Option<Duration>,
    /// Page size when the client names none.
    pub page_size: Option<usize>,
    /// Largest page.
    pub max_results: Option<usize>,
    /// `client_id` and `client_secret` of `/oauth/token`.
    pub client: Option<(String, String)>,
    /// Life of the access tokens that `/oauth/token` issues.
    pub token_life: Duration,
    /// Whether the token endpoint says how long they live.
    pub life_is_told: bool,
    /// User and password of basic authentication.
    pub basic: Option<(String, String)>,
    /// A header and its value, for clients that authenticate with a header of their own.
    pub api_key: Option<(String, String)>,
    /// Scheme, host and port as clients see them, when something in front of the server ends TLS.
    pub public_origin: Option<String>,
    /// `userName` of the user that `/Me` stands for; without one it is the oldest.
    pub me: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: None,
            other_token: None,
            faults: Vec::new(),
            variants: Vec::new(),
            traits: Vec::new(),
            base_path: BASE.to_owned(),
            latency: None,
            page_size: None,
            max_results: None,
            client: None,
            token_life: Duration::from_secs(3600),
            life_is_told: true,
            basic: None,
            api_key: None,
            public_origin: None,
            me: None,
        }
    }
}

struct App {
    plan: Plan,
    credentials: Credentials,
    latency: Option<Duration>,
    me: Option<String>,
    address: SocketAddr,
    origin: String,
    base_path: String,
    seeds: Vec<fn(&mut Tenant)>,
    state: Mutex<State>,
}

/// A running server. Dropping it stops it.
pub struct Server {
    app: Arc<App>,
    shutdown: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Binds the address (port 0 picks a free one) and answers from then on.
    pub async fn start(address: SocketAddr, options: Options) -> io::Result<Server> {
        let (plan, seeds) = plan(&options)?;
        let listener = tokio::net::TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let origin = options.public_origin.unwrap_or_else(|| format!("http://{address}"));
        // Small answers must not wait for the client's acknowledgement.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let app = Arc::new(App {
            plan,
            credentials: Credentials {
                token: options.token,
                other_token: options.other_token,
                client: options.client,
                token_life: options.token_life,
                life_is_told: options.life_is_told,
                basic: options.basic,
                api_key: options.api_key,
            },
            latency: options.latency,
            me: options.me,
            address,
            origin,
            base_path: options.base_path,
            state: Mutex::new(seeded(&seeds)),
            seeds,
        });
        let shared = Arc::clone(&app);
        let router = Router::new().fallback(move |request: Request| {
            let app = Arc::clone(&shared);
            async move { app.serve(request).await }
        });
        let (shutdown, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let signal = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            let served = axum::serve(listener, router).with_graceful_shutdown(signal).await;
            drop(served);
        });
        Ok(Server { app, shutdown, task })
    }

    /// The base URL of SCIM, e.g. `http://127.0.0.1:8080/scim/v2`.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.app.origin, self.app.base_path)
    }

    /// Where it listens; with [`Options::public_origin`], clients see another place.
    pub fn address(&self) -> SocketAddr {
        self.app.address
    }

    /// The token endpoint (OAuth 2.0 client credentials and refresh).
    pub fn token_url(&self) -> String {
        format!("{}/oauth/token", self.app.origin)
    }

    /// The authorization endpoint (OAuth 2.0 authorization code with PKCE).
    pub fn authorize_url(&self) -> String {
        format!("{}/oauth/authorize", self.app.origin)
    }

    /// How many access tokens were issued.
    pub fn tokens_issued(&self) -> usize {
        self.app.lock().issued
    }

    /// Every authorization code, access token and refresh token that was given out so far.
    pub fn given_out(&self) -> Vec<String> {
        self.app.lock().given.clone()
    }

    /// A refresh token as if somebody had signed in with a browser before.
    pub fn grant_refresh_token(&self) -> String {
        let token = uuid::Uuid::new_v4().simple().to_string();
        let mut state = self.app.lock();
        state.refresh.insert(token.clone(), 0);
        state.given.push(token.clone());
        token
    }

    /// Every access token is void from now on, as after an administrator has revoked them. Refresh tokens stay.
    pub fn revoke_access_tokens(&self) {
        self.app.lock().access.clear();
    }

    /// Every refresh token is void from now on.
    pub fn revoke_refresh_tokens(&self) {
        self.app.lock().refresh.clear();
    }

    /// Refuses every credential from now on, or takes them again.
    pub fn lock_out(&self, everybody: bool) {
        self.app.lock().locked = everybody;
    }

    /// Forgets every resource and every issued token.
    pub fn reset(&self) {
        *self.app.lock() = seeded(&self.app.seeds);
    }

    /// How many users and groups the first tenant has.
    pub fn counts(&self) -> (usize, usize) {
        let state = self.app.lock();
        let tenant = &state.tenants[0];
        (tenant.len(Kind::User), tenant.len(Kind::Group))
    }

    /// Stops listening and lets answers under way finish.
    pub async fn stop(mut self) {
        let _ = self.shutdown.send(true);
        if tokio::time::timeout(GRACE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.shutdown.send(true);
    }
}

/// What a persona puts into a fresh store.
type Seed = fn(&mut Tenant);

fn plan(options: &Options) -> io::Result<(Plan, Vec<Seed>)> {
    let mut plan = Plan::default();
    let mut seeds = Vec::new();
    if let Some(size) = options.page_size {
        plan.behaviour.page_size = size;
    }
    if let Some(most) = options.max_results {
        plan.behaviour.max_results = most;
    }
    // A product serves what it documents.
    plan.behaviour.inventory = options.traits.is_empty();
    let refuse = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
    for id in &options.variants {
        plan.add(variants::find(id).map_err(refuse)?.hooks);
    }
    for id in &options.faults {
        plan.add(faults::find(id).map_err(refuse)?.hooks);
    }
    for id in &options.traits {
        let found = persona::find(id).map_err(refuse)?;
        plan.add(found.hooks);
        seeds.extend(found.seed);
    }
    Ok((plan, seeds))
}

/// What a server holds before anybody writes.
fn seeded(seeds: &[fn(&mut Tenant)]) -> State {
    let mut state = State::default();
    for seed in seeds {
        seed(&mut state.tenants[0]);
    }
    state
}

impl App {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A handler that panicked answered nothing; the store is still whole, so the next one may go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, request: Request) -> Response<Body> {
        if let Some(latency) = self.latency {
            tokio::time::sleep(latency).await;
        }
        let (head, body) = request.into_parts();
        let Ok(bytes) = axum::body::to_bytes(body, BODY_LIMIT).await else {
            return send(Reply::error(413, None, "The request body is too large."));
        };
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let path = head.uri.path();
        if path == "/oauth/token" {
            return send(self.token(head.method.as_str(), &headers, &bytes));
        }
        if path == "/oauth/authorize" {
            let query = head.uri.query().unwrap_or_default();
            let mut state = self.lock();
            let reply = oauth::authorization_endpoint(head.method.as_str(), query, &self.credentials, &mut state);
            drop(state);
            return send(reply);
        }
        let Some(below) = path.strip_prefix(self.base_path.as_str()).filter(|p| p.is_empty() || p.starts_with('/'))
        else {
            let detail = format!("Nothing is served at {path}; SCIM begins at {}.", self.base_path);
            return send(Reply::error(404, None, detail));
        };
        let mut call = Call {
            method: head.method.as_str().to_owned(),
            path: below.to_owned(),
            target: Target::parse(below),
            query: parse_query(head.uri.query()),
            raw_query: head.uri.query().unwrap_or_default().to_owned(),
            headers,
            body: Payload::read(&bytes),
            base: format!("{}{}", self.origin, self.base_path),
            tenant: 0,
            memo: None,
            snapshot: None,
        };
        if let Some(reply) = self.too_large(&call, &bytes) {
            return send(reply);
        }
        if self.plan.behaviour.lost_updates && call.method == "PATCH" {
            self.take_snapshot(&mut call).await;
        }
        if self.plan.behaviour.racing_creates && call.is("POST", Kind::User) {
            self.look_first(&mut call).await;
        }
        let reply = {
            let mut state = self.lock();
            let mut service =
                Service { plan: &self.plan, state: &mut state, credentials: &self.credentials, me: self.me.as_deref() };
            service.answer(&mut call)
        };
        send(reply)
    }

    fn token(&self, method: &str, headers: &[(String, String)], body: &Bytes) -> Reply {
        let authorization = headers.iter().find(|(k, _)| k == "authorization");
        let authorization = authorization.map(|(_, v)| v.as_str());
        let mut state = self.lock();
        oauth::token_endpoint(method, authorization, body, &self.credentials, &mut state)
    }

    /// `maxPayloadSize` holds for bulk requests (RFC 7644 §3.7.4).
    fn too_large(&self, call: &Call, bytes: &Bytes) -> Option<Reply> {
        let most = self.plan.behaviour.bulk_payload;
        (call.target == Target::Bulk && bytes.len() > most).then(|| {
            let detail = format!("A bulk request has at most {most} bytes.");
            Reply::error(413, None, detail)
        })
    }

    /// Notes that the name is free, then dawdles: whoever takes it meanwhile comes first.
    async fn look_first(&self, call: &mut Call) {
        let name = call.json().and_then(|b| b.get("userName")?.as_str());
        let free = name.is_some_and(|name| self.lock().of(call).named(Kind::User, name).is_empty());
        call.snapshot = free.then_some(serde_json::Value::Null);
        tokio::time::sleep(Duration::from_millis(8)).await;
    }

    /// Reads the group, then dawdles: whoever writes meanwhile is overwritten.
    async fn take_snapshot(&self, call: &mut Call) {
        if let Target::Item(Kind::Group, id) = &call.target {
            let found = {
                let state = self.lock();
                state.of(call).get(Kind::Group, id).map(|r| r.document())
            };
            call.snapshot = found;
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
}

fn send(reply: Reply) -> Response<Body> {
    if reply.status == 0 {
        // What a crashed thread leaves behind: the task ends, and its connection with it.
        std::panic::resume_unwind(Box::new("hang up"));
    }
    let (media_type, body) = match reply.content {
        Content::Empty => (None, Body::empty()),
        Content::Json(value) => (Some(reply.media_type), Body::from(value.to_string())),
        Content::Text(media_type, text) => (Some(media_type.to_owned()), Body::from(text)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(value) = media_type.filter(|m| !m.is_empty()).and_then(|m| HeaderValue::from_str(&m).ok()) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(&value)) {
            headers.append(name, value);
        }
    }
    response
}
