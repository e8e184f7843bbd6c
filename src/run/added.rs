//! What scimproof sends by itself, beside what the identity provider does: reads after writes, the sweep at the end of a case, the
//! clean-up.
//!
//! Must not judge: what comes back goes the way of every exchange.

use super::play::Player;
use crate::engine::Outgoing;
use crate::exchange::{AuthKind, Exchange};
use crate::rules::view::Past;
use crate::scenario::model::{Action, Need, Step, Verify};
use crate::scim::value::{get_ci, value_ci};
use crate::shadow::forecast::tenant_of;
use crate::shadow::{Call, Entry, Kind, Op, State, ids_of, name_attribute, path_segment, resources_of};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Resources per case that the final sweep reads, and looks up by name.
const SWEEP_READS: usize = 10;
const SWEEP_LOOK_UPS: usize = 4;
/// So many resources per case are read before a list or a change is judged.
const LOOKED_FIRST: usize = 12;
/// Endpoints whose resources identity providers look up by name.
const NAMED: [&str; 2] = ["/Users", "/Groups"];

/// Id of the look at what a case left.
pub(super) const SWEEP: &str = "end";
/// Id of the deletes after it.
pub(super) const CLEAN_UP: &str = "clean-up";

impl Player<'_> {
    /// Reads a resource back after a write to it, accepted or refused.
    pub(super) async fn read_back(&mut self, step: &Step, call: &Call, exchange: &Exchange, round: Option<u64>) {
        let wanted = self.case.scenario.verify == Verify::EachWrite
            && matches!(call.op, Op::Create | Op::Replace | Op::Patch | Op::Delete);
        if !wanted
            || exchange.outcome.is_err()
            || !(call.auth.is_nobodys() || matches!(call.auth, AuthKind::Configured | AuthKind::Other))
        {
            return;
        }
        let entry = match call.op {
            Op::Create if exchange.accepted() => self.shadow.known.entries().last(),
            Op::Create => return self.look_for_refused(step, call, exchange, round).await,
            _ => call.id.as_deref().and_then(|id| self.shadow.entry(&call.endpoint, id)),
        };
        let Some((path, tenant)) = entry.map(|e| (e.path(), e.kind.tenant)) else { return };
        self.probe(step, &path, tenant, &format!("{}/verify", step.id), round).await;
    }

    /// Reads whoever has the name that a refused create asked for; else looks for what should not have been made, by that name.
    /// Where the client was not let in, there may well be somebody.
    async fn look_for_refused(&mut self, step: &Step, call: &Call, exchange: &Exchange, round: Option<u64>) {
        // 404 may be about a member; where nothing was ever created it is about the endpoint.
        let served = self.shadow.known.count(|k| *k.endpoint == *call.endpoint) > 0;
        let refused = matches!(exchange.status(), Some(400 | 413 | 422)) || (exchange.status() == Some(404) && served);
        if !NAMED.contains(&call.endpoint.as_str()) {
            return;
        }
        if exchange.status() == Some(409)
            && let Some(known) = self.shadow.namesake(call)
        {
            let (path, tenant) = (known.path(), known.tenant);
            return self.probe(step, &path, tenant, &format!("{}/verify", step.id), round).await;
        }
        let attribute = name_attribute(&call.endpoint);
        let name = call.body.as_ref().and_then(|b| get_ci(b.as_object()?, attribute)?.as_str());
        let Some(name) = name.filter(|n| refused && n.contains(&self.values.run) && n.len() < 200) else { return };
        if self.context.target.lacks(Need::Filter).is_some() || self.shadow.named(name).next().is_some() {
            return;
        }
        let target = self.look_up(&call.endpoint, name);
        self.probe(step, &target, 0, &format!("{}/look-up", step.id), round).await;
    }

    /// The path and query that look a resource up by its name, encoded as the identity provider does.
    fn look_up(&self, endpoint: &str, name: &str) -> String {
        let attribute = name_attribute(endpoint);
        let quoted = Value::String(name.to_owned()).to_string();
        let query = crate::engine::render::query(&format!("{attribute} eq {quoted}"), self.case.profile.encoding);
        format!("{endpoint}?filter={query}")
    }

    /// A read that the identity provider does not send.
    async fn probe(&mut self, step: &Step, target: &str, tenant: u8, id: &str, round: Option<u64>) {
        let out = self.added_read(target, tenant);
        let Ok(exchange) = self.exchange(out).await else { return };
        let mut judged = self.judge(&exchange, id, true, None);
        self.ask_later(&exchange, &mut judged).await;
        self.follow(&exchange, &mut judged).await;
        let at = self.report_step(step, id, &exchange, Some("Read back after"));
        self.take_findings(at, step, &exchange, &judged);
        self.remember(id, judged.call.clone(), exchange);
        self.thin(at, round);
    }

    /// Before a list is blamed for whom it lacks, and a change for its refusal with 404: who was written since they were read last
    /// is read.
    pub(super) async fn look_first(&mut self, step: &Step, exchange: &Exchange, round: Option<u64>) {
        let call = Call::of(&exchange.request, &self.context.target.types);
        let ids = match (call.op, exchange.status()) {
            (Op::List | Op::Search, Some(200)) if call.filter.is_some() => self.missing_from(exchange, &call, &step.id),
            (Op::Replace | Op::Patch, Some(404 | 410)) => call.id.iter().cloned().collect(),
            _ => return,
        };
        let tenant = tenant_of(&call);
        for id in ids {
            let Some(entry) = self.shadow.entry(&call.endpoint, &id).filter(|e| e.kind.tenant == tenant) else {
                continue;
            };
            let written = self.shadow.find(&call.endpoint, &id).is_some_and(|k| k.state == State::Live && k.dirty);
            if written && self.looked_first < LOOKED_FIRST {
                self.looked_first += 1;
                let path = entry.path();
                self.probe(step, &path, tenant, &format!("{}/look-first", step.id), round).await;
            }
        }
    }

    /// Whom a list should show by its filter, and does not.
    fn missing_from(&mut self, exchange: &Exchange, call: &Call, step: &str) -> Vec<String> {
        let Some(list) = exchange.json() else { return Vec::new() };
        let total = value_ci(list, "totalResults").and_then(Value::as_u64).unwrap_or_default();
        // Who is not on this page may be on another one.
        if total > resources_of(list).len() as u64 {
            return Vec::new();
        }
        self.shadow.tenant = tenant_of(call);
        let forecast = self.shadow.forecast(call);
        let (observed, _) = self.shadow.observe(exchange, call, &forecast, step, true);
        observed.selection.into_iter().flat_map(|s| s.missing).map(|(id, _)| id).collect()
    }

    pub(super) fn added_read(&self, target: &str, tenant: u8) -> Outgoing {
        let headers = self.case.profile.headers.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let auth = if tenant == 1 { AuthKind::Other } else { AuthKind::Configured };
        Outgoing { method: "GET".to_owned(), target: target.to_owned(), headers, auth, ..Outgoing::default() }
    }

    /// After the last step: what was written and not read, bystanders, and look-ups by name.
    pub(super) async fn sweep(&mut self) {
        if self.case.scenario.verify == Verify::Never
            || self.error
            || self.context.stop.load(Ordering::SeqCst)
            || !self.context.options.only.is_empty()
        {
            return;
        }
        let step = own_step(SWEEP, "What the case left is as it should be");
        let live = self.first_of(State::Live, SWEEP_READS);
        let gone = self.first_of(State::Gone, 2);
        for (path, kind, type_name, _) in &live {
            self.probe(&step, path, kind.tenant, &format!("{SWEEP}/read-{type_name}"), None).await;
        }
        if self.context.target.lacks(Need::Filter).is_some() {
            return;
        }
        for (_, kind, type_name, name) in live.iter().take(SWEEP_LOOK_UPS).chain(&gone) {
            let Some(name) = name.as_deref().filter(|_| NAMED.contains(&&*kind.endpoint)) else { continue };
            let target = self.look_up(&kind.endpoint, name);
            self.probe(&step, &target, kind.tenant, &format!("{SWEEP}/look-up-{type_name}"), None).await;
        }
    }

    /// The first resources of that state: path, kind, type in lower case, name.
    fn first_of(&self, state: State, count: usize) -> Vec<(String, Kind, String, Option<String>)> {
        let known = &self.shadow.known;
        let of_state = known.entries().iter().zip(0..).filter(|(entry, _)| entry.kind.state == state);
        let about = |(entry, number): (&Entry, u32)| {
            let known = known.glance(number);
            (entry.path(), entry.kind.clone(), known.type_name.to_lowercase(), known.name().map(str::to_owned))
        };
        of_state.take(count).map(about).collect()
    }

    /// Deletes what the case made: groups before users. Not judged, because an identity provider does not do this; but a server
    /// that breaks down over it is told.
    pub(super) async fn clean_up(&mut self) {
        if self.context.options.keep {
            return;
        }
        self.clear_half_made().await;
        let left = self.left();
        self.context.progress.more(left.len());
        for number in left {
            let entry = &self.shadow.known.entries()[number as usize];
            let (path, tenant) = (entry.path(), entry.kind.tenant);
            self.remove(&path, tenant).await;
            self.context.progress.done(1);
        }
        let known = self.shadow.known.entries().iter();
        let gone: Vec<(String, u8)> =
            known.filter(|e| e.kind.state == State::Gone).map(|e| (e.path(), e.kind.tenant)).collect();
        // Already deleted by a step of the scenario.
        gone.iter().for_each(|(path, tenant)| self.strike(path, *tenant));
    }

    /// Deletes what is ours, and takes it out of the journal; what stays is named.
    pub(super) async fn remove(&mut self, path: &str, tenant: u8) {
        match self.delete(path, self.added_delete(path, tenant)).await {
            None => self.strike(path, tenant),
            Some(why) => {
                let base = self.context.http.target().base_url.as_str();
                self.left_behind.push(format!("DELETE {}{path} ({why})", base.trim_end_matches('/')));
            }
        }
    }

    /// A DELETE in our own name. It names no content type, whatever the identity provider does: there is no content, and some servers
    /// look for it then.
    fn added_delete(&self, path: &str, tenant: u8) -> Outgoing {
        let mut out = Outgoing { method: "DELETE".to_owned(), ..self.added_read(path, tenant) };
        out.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        out
    }

    /// A create that broke down may have been done all the same, and what it made may stand in the way of all cases that follow:
    /// it is looked up by its name, and deleted. What is not found so is the matter of the journal.
    async fn clear_half_made(&mut self) {
        const MOST: usize = 10;
        if self.context.target.lacks(Need::Filter).is_some() {
            return;
        }
        let broke = |p: &&Past| p.call.op == Op::Create && p.exchange.status().is_none_or(|s| s >= 500);
        let named = |p: &Past| {
            let body = p.call.body.as_ref().and_then(Value::as_object)?;
            let name = get_ci(body, name_attribute(&p.call.endpoint))?.as_str()?;
            let ours = NAMED.contains(&p.call.endpoint.as_str()) && name.contains(&self.values.run);
            ours.then(|| (p.call.endpoint.clone(), name.to_owned(), tenant_of(&p.call)))
        };
        let half_made: BTreeSet<_> = self.past.iter().filter(broke).filter_map(named).take(MOST).collect();
        for (endpoint, name, tenant) in half_made {
            if self.context.silent().is_some() {
                return;
            }
            let look = self.added_read(&self.look_up(&endpoint, &name), tenant);
            let found = self.context.http.send(look).await;
            let attribute = name_attribute(&endpoint);
            let of_that_name = |r: &&Value| value_ci(r, attribute).and_then(Value::as_str) == Some(name.as_str());
            let ids = found.json().map(|list| ids_of(resources_of(list).into_iter().filter(of_that_name)));
            for id in ids.unwrap_or_default() {
                let out = self.added_delete(&format!("{endpoint}/{}", path_segment(&id)), tenant);
                self.context.http.send(out).await;
            }
        }
    }

    /// Sends a delete of the clean-up; why the resource is still there, if it is.
    async fn delete(&mut self, path: &str, out: Outgoing) -> Option<String> {
        if self.strangers.contains(path) || path.ends_with('/') {
            return Some("named by the server as made by us, but it was there before: not touched".to_owned());
        }
        if self.context.silent().is_some() {
            return Some("no answer".to_owned());
        }
        let mut exchange = self.context.patience.send(&self.context.http, &out).await;
        if exchange.hung_up() {
            exchange = self.context.http.send(out.clone()).await;
        }
        // A condition is wanted (RFC 6585 §3): whatever the version is, it may go.
        if exchange.status() == Some(428) {
            let mut out = out;
            out.headers.push(("If-Match".to_owned(), "*".to_owned()));
            exchange = self.context.http.send(out).await;
        }
        let exchange = Arc::new(exchange);
        self.heard(&exchange).await;
        if exchange.status().is_some_and(|s| s >= 500 && !matches!(s, 501 | 503)) {
            let step = own_step(CLEAN_UP, "What the case made is deleted");
            let judged = self.judge(&exchange, &step.id, true, None);
            let at = self.report_step(&step, &step.id, &exchange, None);
            self.take_findings(at, &step, &exchange, &judged);
        }
        match exchange.status() {
            Some(200..=299 | 404 | 410) => None,
            status => Some(status.map_or_else(|| "no answer".to_owned(), |s| s.to_string())),
        }
    }

    /// Takes a resource out of the journal.
    fn strike(&mut self, path: &str, tenant: u8) {
        if let Some(journal) = &self.context.journal
            && let Err(problem) = journal.side(tenant == 1).deleted(path)
        {
            self.reason.get_or_insert(problem.to_string());
        }
    }

    /// What is still there, groups before users.
    fn left(&self) -> Vec<u32> {
        let mut left: Vec<(u32, &Entry)> = (0..).zip(self.shadow.known.entries()).collect();
        left.retain(|(_, e)| e.kind.state != State::Gone);
        left.sort_by_key(|(_, e)| &*e.kind.endpoint == "/Users");
        left.into_iter().map(|(number, _)| number).collect()
    }
}

/// A step that no scenario has.
fn own_step(id: &str, title: &str) -> Step {
    Step {
        id: id.to_owned(),
        title: title.to_owned(),
        line: 1,
        dialects: Vec::new(),
        needs: Vec::new(),
        cycle: None,
        when: Vec::new(),
        repeat: None,
        joined: false,
        setup: false,
        action: Action::Pause(Duration::ZERO),
        expect: None,
        capture: Vec::new(),
        impact: None,
        verify: false,
        recorded: None,
    }
}
