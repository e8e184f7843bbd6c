//! What a cause is, and which of them a family of failures has, the likeliest first. The entries are in [`super::table`].
//!
//! Must not know the target: a cause names what would prove it, [`super::verdict`] holds that against a run.

use super::text::Family;

/// One cause of a failure.
pub struct Cause {
    /// Stable name for tools and tests.
    pub id: &'static str,
    /// What is wrong, one sentence.
    pub title: &'static str,
    /// Families it shows in, with its place there: 1 is the likeliest.
    pub families: &'static [(Family, u8)],
    /// Any of these proves it …
    pub signs: &'static [Sign],
    /// … if all of these are there as well …
    pub with: &'static [Sign],
    /// … and none of these, because then another cause explains it.
    pub but_not: &'static [Sign],
    /// Whether `signs` count only while the last segment of the path is percent-encoded (true), only while it is not (false),
    /// or always.
    pub encoded_id: Option<bool>,
    /// Causes whose signs follow from this one.
    pub explains: &'static [&'static str],
    /// What to change on the server.
    pub fix: &'static str,
    /// What the admin can do until then.
    pub workaround: &'static str,
    /// Where this is known from.
    pub source: &'static str,
    /// Faults of the embedded server that show it.
    pub provoked_by: &'static [&'static str],
    /// For a cause that nobody can provoke from outside: what to look at by hand.
    pub by_hand: Option<&'static str>,
}

impl Cause {
    /// The base of every entry.
    pub const BASE: Cause = Cause {
        id: "",
        title: "",
        families: &[],
        signs: &[],
        with: &[],
        but_not: &[],
        encoded_id: None,
        explains: &[],
        fix: "",
        workaround: "",
        source: "",
        provoked_by: &[],
        by_hand: None,
    };

    /// Its place in a family, if it shows there.
    pub fn place(&self, family: Family) -> Option<u8> {
        self.families.iter().find(|(f, _)| *f == family).map(|(_, place)| *place)
    }

    /// Scenarios that have to be played to see its signs.
    pub fn probes(&self) -> Vec<&'static str> {
        let mut out: Vec<&str> = Vec::new();
        for sign in self.signs.iter().chain(self.with) {
            if !out.contains(&sign.scenario) {
                out.push(sign.scenario);
            }
        }
        out
    }
}

/// A rule that fails at a step.
#[derive(Debug, Clone, Copy)]
pub struct Sign {
    /// Scenario, in any of its dialects.
    pub scenario: &'static str,
    /// Step, or `*` for any.
    pub step: &'static str,
    /// Rule that fails there, or [`ANSWERED_404`].
    pub rule: &'static str,
    /// The step whose answer this one contradicts; empty: what the finding itself names.
    pub against: &'static str,
}

/// In place of a rule: the step was answered 404. For what a server may do, and an identity provider trips over.
pub const ANSWERED_404: &str = "answer/404";

/// A sign.
pub const fn sign(scenario: &'static str, step: &'static str, rule: &'static str) -> Sign {
    Sign { scenario, step, rule, against: "" }
}

/// A sign that contradicts the answer to an earlier step.
pub const fn clash(scenario: &'static str, step: &'static str, rule: &'static str, against: &'static str) -> Sign {
    Sign { scenario, step, rule, against }
}

/// The causes of a family, the likeliest first.
pub fn of(family: Family) -> Vec<&'static Cause> {
    let mut found: Vec<(u8, &Cause)> =
        super::table::CAUSES.iter().filter_map(|c| Some((c.place(family)?, c))).collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, c)| c).collect()
}

/// The cause of that id.
pub fn find(id: &str) -> Option<&'static Cause> {
    super::table::CAUSES.iter().find(|c| c.id == id)
}

/// Scenarios that tell the causes of a family apart, in the order of the causes.
pub fn probes(family: Family) -> Vec<&'static str> {
    let mut out: Vec<&str> = Vec::new();
    for probe in of(family).iter().flat_map(|c| c.probes()) {
        if !out.contains(&probe) {
            out.push(probe);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::table::CAUSES;
    use crate::scenario::{self, model::Scenario};
    use crate::server::faults;
    use std::collections::{BTreeMap, BTreeSet};

    fn scenarios() -> BTreeMap<String, Scenario> {
        let load = |id: &&str| scenario::load_bundled(id).and_then(Result::ok);
        scenario::bundled_ids().iter().filter_map(load).map(|s| (s.id.clone(), s)).collect()
    }

    #[test]
    fn every_cause_is_complete() {
        let mut ids = BTreeSet::new();
        for cause in CAUSES {
            assert!(ids.insert(cause.id), "{} is there twice", cause.id);
            for text in [cause.title, cause.fix, cause.workaround, cause.source] {
                assert!(!text.is_empty(), "{} lacks a text", cause.id);
            }
            assert!(!cause.families.is_empty(), "{} has no family", cause.id);
            assert_eq!(cause.signs.is_empty(), cause.by_hand.is_some(), "{}: signs or a look by hand", cause.id);
            for other in cause.explains {
                let found = find(other).unwrap_or_else(|| panic!("{} explains {other}, which is no cause", cause.id));
                assert!(!found.explains.contains(&cause.id), "{} and {other} explain each other", cause.id);
            }
            for fault in cause.provoked_by {
                assert!(faults::all().iter().any(|f| f.id == *fault), "{}: no fault {fault}", cause.id);
            }
        }
    }

    #[test]
    fn every_sign_can_show() {
        let scenarios = scenarios();
        for cause in CAUSES {
            for sign in cause.signs.iter().chain(cause.with).chain(cause.but_not) {
                let at = format!("{}: {} {}", cause.id, sign.scenario, sign.step);
                let scenario = scenarios.get(sign.scenario).unwrap_or_else(|| panic!("{at}: no such scenario"));
                let known = |step: &str| {
                    let step = step.split('/').next().unwrap_or(step);
                    let mut all = scenario.steps.iter();
                    step == "*" || step == "end" || all.any(|s| s.id == step)
                };
                assert!(known(sign.step), "{at}: no such step");
                assert!(sign.against.is_empty() || known(sign.against), "{at}: no step {}", sign.against);
                let rule = sign.rule == ANSWERED_404
                    || sign.rule == crate::run::findings::UNEXPECTED.id
                    || crate::rules::find(sign.rule).is_some();
                assert!(rule, "{at}: no rule {}", sign.rule);
            }
        }
    }

    #[test]
    fn every_family_has_causes_in_an_order() {
        for family in Family::ALL {
            let causes = of(family);
            assert!(!causes.is_empty(), "{family:?}");
            let places: BTreeSet<u8> = causes.iter().filter_map(|c| c.place(family)).collect();
            assert_eq!(places.len(), causes.len(), "{family:?}: two causes share a place");
        }
    }
}
