//! Follows a location that looks wrong before a server is accused of it: a resource may have more than one address.
//!
//! Must not judge anew: it asks, and strikes what the answer refutes.

use super::judge::Judged;
use super::play::Player;
use crate::engine::Outgoing;
use crate::exchange::Exchange;
use crate::rules::{Finding, Rule};
use crate::scim::value::value_ci;
use crate::shadow::text_of;
use serde_json::Value;

/// Rules that say where a resource is to be found.
const RULES: [&str; 3] = ["schema/location-wrong", "create/location-wrong", "me/location-missing"];
/// So many addresses are tried in one case; the next ones are taken for what the last one was.
const LIMIT: usize = 6;

/// What came of the addresses that were tried in a case.
#[derive(Debug, Default)]
pub(super) struct Followed {
    tried: usize,
    led_home: bool,
}

/// The id of the resource that says it is at that address: the only one in an answer, or one of a list.
fn id_of(body: &Value, location: &str) -> Option<String> {
    let entries = value_ci(body, "Resources").and_then(Value::as_array);
    let there = |r: &&Value| value_ci(r, "meta").and_then(|m| value_ci(m, "location")).is_some_and(|l| l == location);
    let resource = entries.map_or(Some(body), |all| all.iter().find(there))?;
    value_ci(resource, "id").and_then(text_of)
}

impl Player<'_> {
    /// Strikes the finding that a location is wrong, where a GET of it answers that very resource.
    pub(super) async fn follow(&mut self, exchange: &Exchange, judged: &mut Judged) {
        let about = |(rule, _): &(&Rule, Finding)| RULES.contains(&rule.id);
        while let Some(n) = judged.findings.iter().position(about) {
            let shown = judged.findings[n].1.actual.clone();
            if !self.leads_home(exchange, &shown).await {
                return;
            }
            let (rule, _) = judged.findings.remove(n);
            self.acquit(rule.id);
        }
    }

    async fn leads_home(&mut self, exchange: &Exchange, location: &str) -> bool {
        if self.followed.tried >= LIMIT {
            return self.followed.led_home;
        }
        let base = self.context.target.base_url.trim_end_matches('/').to_owned();
        // Nothing leaves the base URL: the token must not go anywhere else.
        let below = location.strip_prefix(&base).filter(|rest| rest.starts_with('/'));
        let id = exchange.json().and_then(|body| id_of(body, location));
        let (Some(target), Some(id)) = (below, id) else { return false };
        let headers = vec![("Accept".to_owned(), "application/scim+json".to_owned())];
        // A name in it may have blanks, which no request line can carry.
        let target = target.replace(' ', "%20");
        let auth = exchange.request.auth;
        let out = Outgoing { method: "GET".into(), target, headers, auth, ..Outgoing::default() };
        let Ok(there) = self.exchange(out).await else {
            return false;
        };
        let found = there.json().and_then(|b| value_ci(b, "id")).and_then(text_of);
        self.followed.tried += 1;
        self.followed.led_home = there.status() == Some(200) && found == Some(id);
        self.followed.led_home
    }
}
