//! What a rule sees: one exchange, the case so far, the shadow, what the server advertises.
//!
//! Must not know the engine: everything in here is data that is already there.

use crate::exchange::{Exchange, Response};
use crate::scim::value::get_ci;
use crate::shadow::{Advertised, Call, Expectation, Forecast, Observed, Op, Reason, Shadow};
use serde_json::{Map, Value};

/// The world as a rule sees it.
pub struct View<'a> {
    /// The exchange being judged.
    pub exchange: &'a Exchange,
    /// The request, read as SCIM.
    pub call: &'a Call,
    /// What the answer had to be.
    pub forecast: &'a Forecast,
    /// What the answer says against the shadow.
    pub observed: &'a Observed,
    /// The shadow before this exchange.
    pub before: &'a Shadow,
    /// What the target advertises.
    pub target: &'a Advertised,
    /// Earlier exchanges of this case, oldest first.
    pub earlier: &'a [Past],
    /// True when no other case talks to the server at the same time.
    pub alone: bool,
    /// Which refusal rules this exchange speaks to, worked out once for all of them.
    pub(super) refusal: std::cell::OnceCell<super::refusal::Reading>,
    /// Which state rules the answer contradicts and confirms, worked out once as well.
    pub(super) state: std::cell::OnceCell<super::state::Reading>,
    /// Full resources in the answer, and the single values in them by declared type.
    resources: std::cell::OnceCell<Vec<&'a Map<String, Value>>>,
    pub(super) leaves: std::cell::OnceCell<Vec<super::schema::Leaf<'a>>>,
}

/// An earlier exchange of the case.
#[derive(Debug, Clone)]
pub struct Past {
    /// Step id.
    pub step: String,
    /// The request, read as SCIM.
    pub call: Call,
    /// What went over the wire.
    pub exchange: std::sync::Arc<Exchange>,
}

impl<'a> View<'a> {
    /// A view on one exchange.
    #[expect(clippy::too_many_arguments, reason = "one call site; each is a different thing that rules see")]
    pub fn new(
        exchange: &'a Exchange,
        call: &'a Call,
        forecast: &'a Forecast,
        observed: &'a Observed,
        before: &'a Shadow,
        target: &'a Advertised,
        earlier: &'a [Past],
        alone: bool,
    ) -> Self {
        let (refusal, state, resources, leaves) = Default::default();
        Self { exchange, call, forecast, observed, before, target, earlier, alone, refusal, state, resources, leaves }
    }

    /// The response, if any.
    pub fn response(&self) -> Option<&'a Response> {
        self.exchange.response()
    }

    /// HTTP status; 0 without a response.
    pub fn status(&self) -> u16 {
        self.exchange.status().unwrap_or(0)
    }

    /// True for 2xx.
    pub fn accepted(&self) -> bool {
        self.exchange.accepted()
    }

    /// True for 400…499.
    pub fn client_error(&self) -> bool {
        (400..500).contains(&self.status())
    }

    /// The response body as a JSON object.
    pub fn object(&self) -> Option<&'a Map<String, Value>> {
        self.exchange.json().and_then(Value::as_object)
    }

    /// The body of a list answer: an object that is neither an error nor one resource.
    pub fn list(&self) -> Option<&'a Map<String, Value>> {
        (self.call.lists() && self.status() == 200 && self.call.method != "HEAD").then(|| self.object()).flatten()
    }

    /// True for the envelope of a list, whatever was asked for.
    pub fn shows_list(&self) -> bool {
        self.exchange.json().is_some_and(crate::shadow::facts::is_list)
    }

    /// Entries of a list answer.
    pub fn entries(&self) -> Vec<&'a Map<String, Value>> {
        let list = self.list().and_then(|l| get_ci(l, "Resources"));
        list.and_then(Value::as_array).map(|a| a.iter().filter_map(Value::as_object).collect()).unwrap_or_default()
    }

    /// Every full resource in the answer: the one resource, or the entries of a list.
    pub fn resources(&self) -> &[&'a Map<String, Value>] {
        self.resources.get_or_init(|| match self.call.op {
            _ if !self.accepted() => Vec::new(),
            // A list where one resource belongs is a rule's subject, and no resource.
            Op::Read if self.shows_list() => Vec::new(),
            Op::Create | Op::Read | Op::Replace | Op::Patch => self.object().into_iter().collect(),
            Op::List | Op::Search => self.entries(),
            _ => Vec::new(),
        })
    }

    /// True when the request had to be refused for that reason.
    pub fn must_refuse(&self, reason: Reason) -> bool {
        self.forecast.expect == Expectation::Refuse && self.forecast.reason == Some(reason)
    }

    /// True when the request had to be accepted.
    pub fn must_accept(&self) -> bool {
        self.forecast.expect == Expectation::Accept
    }

    /// The resource type behind the call's endpoint.
    pub fn resource_type(&self) -> Option<&'a crate::scim::schema::ResourceType> {
        self.target.resource_type(&self.call.endpoint)
    }

    /// True for a call on users or groups (or another advertised resource type).
    pub fn on_resources(&self) -> bool {
        self.resource_type().is_some()
    }

    /// True when a read confirms that the last write really changed an attribute of the resource: it is as it was written, and
    /// was shown otherwise before. A write that took back what never came about changed nothing.
    pub fn changed_since_read(&self, known: &crate::shadow::Known) -> bool {
        let Some(rt) = self.resource_type() else { return false };
        self.observed
            .confirmed
            .iter()
            .filter(|(_, cause)| cause.step == known.last_write && cause.kind != crate::shadow::Write::PutOmitted)
            .any(|(key, _)| {
                let now = crate::shadow::facts::look_up(&known.doc, key, rt);
                let before = known.facts.get(key).map(|f| &f.previous);
                let shown = known.last_full.as_deref().map(|full| crate::shadow::facts::look_up(full, key, rt));
                let differs = |b: &Value| crate::shadow::facts::clash(key, &now, b, None, true).is_some();
                // What is shown as it was before has not changed, whatever shape it is shown in.
                let answer = self.exchange.json().filter(|_| self.call.op == Op::Read);
                let same = answer.is_some_and(|body| Some(crate::shadow::facts::look_up(body, key, rt)) == shown);
                before.is_some_and(differs) && shown.as_ref().is_none_or(differs) && !same
            })
    }

    /// `METHOD /path → status`, for texts.
    pub fn line(&self) -> String {
        format!("{} {}", self.exchange.request.method, self.exchange.request.path)
    }
}

/// True when the last segment of a URI's path stands right below this endpoint, in any case of its letters.
pub(super) fn below(path: &str, endpoint: &str) -> bool {
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let (whole, end) = (parent.as_bytes(), endpoint.as_bytes());
    let absolute = whole.len() >= end.len() && whole[whole.len() - end.len()..].eq_ignore_ascii_case(end);
    absolute || endpoint.strip_prefix('/').is_some_and(|relative| relative.eq_ignore_ascii_case(parent))
}

/// A short JSON text for messages.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 160 { text } else { format!("{}…", text.chars().take(160).collect::<String>()) }
}
