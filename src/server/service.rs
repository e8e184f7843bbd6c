//! The way of one request through the server: authentication, routing, hooks, handler, hooks.
//!
//! Must not know sockets: the same way serves the operations of a bulk request.

use super::auth::{self, Credentials};
use super::behaviour::Plan;
use super::call::{Call, Kind, Payload, Target};
use super::render::Renderer;
use super::reply::{Content, Failure, Reply};
use super::state::State;
use super::{bulk, discovery, listing, location, resources};

/// One request's view of the server.
pub struct Service<'a> {
    /// How this server behaves.
    pub plan: &'a Plan,
    /// What it remembers.
    pub state: &'a mut State,
    /// Who may ask.
    pub credentials: &'a Credentials,
    /// `userName` of the user that `/Me` stands for.
    pub me: Option<&'a str>,
}

/// What a handler gives back.
pub type Answer = Result<Reply, Failure>;

impl Service<'_> {
    /// Answers one request from outside.
    pub fn answer(&mut self, call: &mut Call) -> Reply {
        let mut reply = match self.admit(call) {
            Err(refusal) => {
                let mut refusal = *refusal;
                self.plan.after(call, &mut refusal, self.state);
                refusal
            }
            Ok(()) => self.run(call),
        };
        if call.method == "HEAD" {
            reply.content = Content::Empty;
        }
        reply
    }

    fn admit(&mut self, call: &mut Call) -> Result<(), Box<Reply>> {
        let behaviour = &self.plan.behaviour;
        let open = behaviour.open_methods.contains(&call.method.as_str());
        if !open && (!call.target.is_discovery() || behaviour.discovery_needs_auth) {
            call.tenant = auth::authenticate(call, self.credentials, behaviour, self.state)?;
        }
        Ok(())
    }

    /// Runs an admitted request; bulk requests come back here for each operation.
    pub fn run(&mut self, call: &mut Call) -> Reply {
        let plan = self.plan;
        let mut reply = match plan.before(call, self.state) {
            Some(reply) => reply,
            None => self.route(call).unwrap_or_else(Reply::from),
        };
        plan.after(call, &mut reply, self.state);
        reply
    }

    fn route(&mut self, call: &mut Call) -> Answer {
        let unserved = call.target.kind() == Some(Kind::Device) && !self.plan.behaviour.inventory;
        if call.target == Target::Unknown || unserved {
            return Err(Failure::plain(404, format!("{} is no endpoint of this server.", call.path)));
        }
        let methods = call.target.methods();
        if !methods.contains(&call.method.as_str()) {
            let refusal = Reply::error(405, None, format!("{} is not allowed here.", call.method));
            return Ok(refusal.with("Allow", methods.join(", ")));
        }
        negotiate(call)?;
        match call.target.clone() {
            Target::Me => self.me(call),
            Target::Bulk => bulk::run(self, call),
            Target::Config => Ok(discovery::config(call, &self.plan.behaviour)),
            Target::ResourceTypes(name) => discovery::resource_types(call, name.as_deref(), self.plan),
            Target::Schemas(urn) => discovery::schemas(call, urn.as_deref(), self.plan),
            Target::Root => listing::list(self, call, &Kind::CORE),
            Target::RootSearch => listing::search(self, call, &Kind::CORE),
            Target::Search(kind) => listing::search(self, call, &[kind]),
            Target::Collection(kind) if call.method == "POST" => resources::create(self, call, kind),
            Target::Collection(kind) => listing::list(self, call, &[kind]),
            Target::Item(kind, id) => resources::item(self, call, kind, &id),
            Target::Unknown => Err(Failure::plain(404, "Unknown endpoint.")),
        }
    }

    /// `/Me` is an alias of one user (RFC 7644 §3.11): the one that the server is told, or the oldest.
    fn me(&mut self, call: &mut Call) -> Answer {
        let tenant = self.state.of(call);
        let user = match self.me {
            Some(name) => tenant.named(Kind::User, name).first().map(|r| r.id.clone()),
            None => tenant.iter(Kind::User).next().filter(|_| self.plan.behaviour.me).map(|r| r.id.clone()),
        };
        let Some(id) = user else {
            return Err(Failure::plain(501, "This server does not offer /Me."));
        };
        if call.method == "POST" {
            return Err(Failure::plain(403, "The user of /Me exists already."));
        }
        call.target = Target::Item(Kind::User, id.clone());
        let address = location(&call.base, Kind::User, &id);
        resources::item(self, call, Kind::User, &id).map(|reply| reply.with("Location", address))
    }

    /// Renders resources of the caller's tenant.
    pub fn renderer<'s>(&'s self, call: &'s Call) -> Renderer<'s> {
        Renderer { tenant: self.state.of(call), behaviour: &self.plan.behaviour, base: &call.base }
    }
}

/// Media types of request and answer (RFC 7644 §3.1, §8.1): SCIM's own, plain JSON, or nothing said.
fn negotiate(call: &Call) -> Result<(), Failure> {
    if let Some(accept) = call.header("accept")
        && !accept.trim().is_empty()
        && !accept.split(',').any(is_json_range)
    {
        return Err(Failure::plain(406, "This server answers application/scim+json."));
    }
    let writes = matches!(call.method.as_str(), "POST" | "PUT" | "PATCH");
    if let Some(media_type) = call.header("content-type")
        && writes
        && call.body != Payload::Absent
        && !is_json_range(media_type)
    {
        return Err(Failure::plain(415, "Send application/scim+json."));
    }
    Ok(())
}

fn is_json_range(range: &str) -> bool {
    let name = range.split(';').next().unwrap_or_default().trim();
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "*/*" | "application/*" | "*") || name.ends_with("json")
}
