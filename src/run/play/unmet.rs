//! Why a case, or a step of it, cannot be played against this target, with these options or for this product.
//!
//! Must not look at answers.

use super::Player;
use crate::profile::provider::ProviderProfile;
use crate::scenario::model::{Action, Need, RequestSpec, Step};
use std::sync::atomic::Ordering;

impl<'a> Player<'a> {
    /// Why the whole case cannot be played.
    pub(super) fn unmet(&self) -> Option<String> {
        if self.context.stop.load(Ordering::SeqCst) {
            return Some("the run was interrupted".to_owned());
        }
        if let Some(refused) = &self.context.access_refused {
            let about_access = self.case.scenario.tags.iter().any(|t| t == "auth" || t == "connection-test")
                || self.case.scenario.id.ends_with("connection-test")
                || self.case.scenario.id == "rfc/auth";
            if !about_access {
                return Some(refused.clone());
            }
        }
        if self.context.options.guard.read_only && self.case.scenario.steps.iter().any(writes) {
            return Some("--read-only: the case writes".to_owned());
        }
        if self.unmade.is_some() {
            return self.unmade.clone();
        }
        self.foreign_product()
            .or_else(|| self.case.scenario.needs.iter().find_map(|need| self.lacking(*need)))
            .or_else(|| self.form_not_offered())
    }

    /// A form whose first write is not offered is not played at all: what the other forms share with it says nothing about it.
    fn form_not_offered(&self) -> Option<String> {
        let dialect = &self.case.dialect.as_ref()?.name;
        let first = self.case.scenario.steps.iter().find(|s| !s.setup && s.dialects.contains(dialect) && writes(s))?;
        first.needs.iter().find_map(|need| self.lacking(*need))
    }

    pub(super) fn lacking(&self, need: Need) -> Option<String> {
        if let Some(provider) = self.provider()
            && !self.context.options.forced.contains(&need)
            && let Some(reason) = provider.lacks(need)
        {
            return Some(reason);
        }
        // An identity provider sends its look-ups without asking whether there are filters.
        let target = &self.context.target;
        let looks_up = need == Need::Filter && target.filters_unsaid && self.case.scenario.idp != "rfc";
        if looks_up { None } else { target.lacks(need) }
    }

    pub(in crate::run) fn provider(&self) -> Option<&'a ProviderProfile> {
        self.context.options.provider.as_deref()
    }

    /// Scenarios tagged `provider:NAME` and `only-provider` play one product's own promises.
    pub(super) fn foreign_product(&self) -> Option<String> {
        let tags = &self.case.scenario.tags;
        let meant: Vec<&str> = tags.iter().filter_map(|t| t.strip_prefix("provider:")).collect();
        let own = self.provider().is_some_and(|p| meant.contains(&p.name.as_str()));
        (tags.iter().any(|t| t == "only-provider") && !own)
            .then(|| format!("plays what {} documents: choose it with --provider", meant.join(" and ")))
    }
}

/// True for a step that sends anything but reads and searches.
pub(super) fn writes(step: &Step) -> bool {
    let write = |spec: &RequestSpec| {
        let search =
            spec.method == "POST" && spec.target.to_string().split('?').next().is_some_and(|p| p.ends_with(".search"));
        !matches!(spec.method.as_str(), "GET" | "HEAD" | "OPTIONS") && !search
    };
    match &step.action {
        Action::Send(spec) => write(spec),
        Action::Parallel(specs) => specs.iter().any(write),
        Action::Pause(_) => false,
    }
}
