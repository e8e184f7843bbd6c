//! Which cases are played: scenarios, their dialects and profiles, selected by name, tag and identity provider.
//!
//! Must not know the target; what the target lacks is decided when the case is played.

use crate::profile::idp::IdpProfile;
use crate::run::baseline::glob;
use crate::scenario::model::{Action, Dialect, Scenario};
use crate::shadow::Advertised;
use crate::shadow::advertised::Unfamiliar;
use std::sync::Arc;

/// One scenario under one profile and dialect.
#[derive(Debug, Clone)]
pub struct Case {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// Its identity provider.
    pub profile: Arc<IdpProfile>,
    /// Dialect, where it has several. With `for_each`, the type that it is played for.
    pub dialect: Option<Dialect>,
    /// What the target advertises beyond the RFCs, where the scenario is played for that.
    pub subject: Option<Arc<Unfamiliar>>,
}

impl Case {
    /// `scenario` or `scenario@dialect`.
    pub fn name(&self) -> String {
        match &self.dialect {
            Some(d) => format!("{}@{}", self.scenario.id, d.name),
            None => self.scenario.id.clone(),
        }
    }

    /// True when other cases would disturb it: it reads lists that hold foreign resources, too.
    pub fn needs_quiet(&self) -> bool {
        self.scenario.tags.iter().any(|t| t == "alone" || t == "paging" || t == "list") || self.reads_whole_lists()
    }

    fn reads_whole_lists(&self) -> bool {
        self.scenario.steps.iter().any(|step| match &step.action {
            Action::Send(spec) if spec.method == "GET" => {
                let target = spec.target.to_string();
                let path = target.split('?').next().unwrap_or_default().trim_end_matches('/').to_owned();
                ["/Users", "/Groups", ""].contains(&path.as_str())
                    && !target.contains("filter=")
                    && !spec.query.iter().any(|(n, _)| n == "filter")
            }
            _ => false,
        })
    }
}

/// What the user wants to have played.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Scenario ids, `id@dialect`, globs or prefixes (`okta/`); empty: all.
    pub names: Vec<String>,
    /// Identity providers; empty: all.
    pub idps: Vec<String>,
    /// Tags; empty: all.
    pub tags: Vec<String>,
    /// Names (or globs) to leave out.
    pub skip: Vec<String>,
    /// Shard index (1-based) and count.
    pub shard: Option<(usize, usize)>,
}

/// Makes cases of scenarios and selects among them, in a stable order.
pub fn plan(scenarios: Vec<(Scenario, Arc<IdpProfile>)>, selection: &Selection) -> Vec<Case> {
    let mut cases = Vec::new();
    for (scenario, profile) in scenarios {
        let scenario = Arc::new(scenario);
        let dialects: Vec<Option<Dialect>> = if scenario.for_each.is_some() {
            selection.subjects(&scenario.id)
        } else if scenario.dialects.is_empty() {
            vec![None]
        } else {
            scenario.dialects.iter().cloned().map(Some).collect()
        };
        for dialect in dialects {
            cases.push(Case { scenario: scenario.clone(), profile: profile.clone(), dialect, subject: None });
        }
    }
    cases.retain(|c| selection.wants(c));
    match selection.shard {
        Some((index, count)) => {
            cases.into_iter().enumerate().filter(|(i, _)| i % count == index - 1).map(|(_, c)| c).collect()
        }
        None => cases,
    }
}

/// Makes a case for each type that a scenario with `for_each` is played for, now that the target has said which there are.
/// Where there is none the case stays, and is skipped with the reason.
pub(crate) fn expanded(cases: Vec<Case>, target: &Advertised) -> Vec<Case> {
    let subjects: Vec<Arc<Unfamiliar>> = target.unfamiliar().into_iter().map(Arc::new).collect();
    let mut out = Vec::with_capacity(cases.len());
    for case in cases {
        if case.scenario.for_each.is_none() {
            out.push(case);
            continue;
        }
        let wanted = |s: &&Arc<Unfamiliar>| {
            case.dialect.as_ref().is_none_or(|d| d.name.eq_ignore_ascii_case(&s.resource_type.name))
        };
        let found: Vec<&Arc<Unfamiliar>> = subjects.iter().filter(wanted).collect();
        if found.is_empty() {
            out.push(case.clone());
        }
        out.extend(found.into_iter().map(|s| Case {
            dialect: Some(subject_dialect(&s.resource_type.name)),
            subject: Some(s.clone()),
            ..case.clone()
        }));
    }
    out
}

fn subject_dialect(name: &str) -> Dialect {
    Dialect { name: name.to_owned(), title: format!("The advertised type {name}") }
}

impl Selection {
    /// Types named as `scenario@Type`; `[None]` for all that there will be.
    fn subjects(&self, scenario: &str) -> Vec<Option<Dialect>> {
        let named = self.names.iter().filter_map(|n| n.strip_prefix(scenario)?.strip_prefix('@'));
        let named: Vec<Option<Dialect>> =
            named.filter(|n| !n.contains('*')).map(|n| Some(subject_dialect(n))).collect();
        if named.is_empty() { vec![None] } else { named }
    }

    fn wants(&self, case: &Case) -> bool {
        let name = case.name();
        let id = &case.scenario.id;
        let named = |pattern: &String| {
            pattern == &name
                || pattern == id
                || glob(pattern, &name)
                || glob(pattern, id)
                || id.starts_with(&format!("{}/", pattern.trim_end_matches('/')))
        };
        (self.names.is_empty() || self.names.iter().any(named))
            && (self.idps.is_empty() || self.idps.iter().any(|i| i.eq_ignore_ascii_case(&case.scenario.idp)))
            && (self.tags.is_empty() || self.tags.iter().any(|t| case.scenario.tags.contains(t)))
            && !self.skip.iter().any(named)
    }
}
