//! What becomes of the whole provisioning job: Entra counts failures and, past its thresholds, puts the job into quarantine.
//!
//! Must not judge single answers; it counts what was played as Entra. Source: Microsoft, application provisioning quarantine
//! status, and the sequence that starts each cycle.

use super::judge::Judged;
use crate::event::{Halt, JobReport};
use crate::exchange::Exchange;
use crate::scenario::model::Scenario;
use crate::shadow::{Call, Op};
use serde_json::Value;

/// Failures of objects count from here on.
const COUNTED_FROM: u64 = 5_000;
/// Then so many percent of all operations, or so many failures, are too many.
const PERCENT: u64 = 40;
const OBJECTS: u64 = 40_000;
/// Failures of references (members, managers) included.
const ALL: u64 = 60_000;

/// Rules that say that an answer cannot be read at all.
const UNREADABLE: [&str; 2] = ["list/envelope-wrong", "headers/json-invalid"];

/// True for conversations of the job; Microsoft's validator tests single requests, it is none.
pub(super) fn belongs(scenario: &Scenario) -> bool {
    scenario.idp == "entra" && !scenario.tags.iter().any(|t| t == "validator")
}

/// What a case adds to the job.
#[derive(Debug, Default)]
pub(crate) struct Count {
    operations: u64,
    objects: u64,
    references: u64,
    halt: Option<Halt>,
}

impl Count {
    /// Takes one exchange that Entra itself sends; `meant`: the scenario provokes the refusal.
    pub(super) fn take(&mut self, judged: &Judged, exchange: &Exchange, meant: bool, place: impl FnOnce() -> String) {
        let call = &judged.call;
        // Entra goes more slowly then, and the operation is not one that failed.
        if exchange.status() == Some(429) {
            return;
        }
        self.operations += 1;
        let unreadable = judged.findings.iter().any(|(rule, _)| UNREADABLE.contains(&rule.id));
        if (exchange.accepted() && !unreadable) || meant {
            return;
        }
        match reference(call) {
            true => self.references += 1,
            false => self.objects += 1,
        }
        if let Some(why) = at_once(call, exchange, unreadable) {
            let request = format!("{} {}", exchange.request.method, exchange.request.path);
            self.halt.get_or_insert_with(|| Halt { at: place(), request, why: why.to_owned() });
        }
    }

    pub(super) fn add(&mut self, other: Count) {
        self.operations += other.operations;
        self.objects += other.objects;
        self.references += other.references;
        self.halt = self.halt.take().or(other.halt);
    }

    /// `None` when nothing was played as Entra.
    pub(super) fn report(self) -> Option<JobReport> {
        (self.operations > 0).then_some(JobReport {
            operations: self.operations,
            object_failures: self.objects,
            reference_failures: self.references,
            halt: self.halt,
            quarantined: false,
            verdict: None,
        })
    }
}

/// Causes of which one occurrence is enough.
fn at_once(call: &Call, exchange: &Exchange, unreadable: bool) -> Option<&'static str> {
    let status = exchange.status()?;
    let list = call.op == Op::List;
    match status {
        401 => Some("the credentials are refused"),
        404 if list => Some("404 where a list is required: the endpoint is taken for incompatible with SCIM"),
        _ if list && unreadable => {
            Some("the answer to a look-up is no ListResponse: the endpoint is taken for incompatible with SCIM")
        }
        _ => None,
    }
}

/// True for a change of members or of a manager, which Entra counts apart.
fn reference(call: &Call) -> bool {
    let named = |text: &str| {
        let lower = text.to_ascii_lowercase();
        lower.starts_with("members") || lower.ends_with("manager")
    };
    let operations = call.body.as_ref().and_then(Value::as_object).map(crate::shadow::forecast::operations);
    call.op == Op::Patch
        && operations.is_some_and(|mut all| all.any(|o| crate::shadow::forecast::op_path(o).is_some_and(named)))
}

/// Decides from the figures, also of several shards together, and says so in one sentence (`None`: nothing failed).
pub fn decide(job: &mut JobReport) {
    let (objects, all) = (job.object_failures, job.object_failures + job.reference_failures);
    let percent = (objects * 100).checked_div(job.operations).unwrap_or_default();
    let proportion = objects >= COUNTED_FROM && (percent > PERCENT || objects > OBJECTS);
    job.quarantined = job.halt.is_some() || proportion || all >= ALL;
    job.verdict = match &job.halt {
        Some(halt) => Some(format!(
            "Entra ID would put the whole job into quarantine at {} ({}): {}; one occurrence is enough",
            halt.at, halt.request, halt.why
        )),
        None if job.quarantined => Some(format!(
            "Entra ID would put the whole job into quarantine: {all} of {} operations failed, {objects} of them \
             ({percent} % of all) not for a reference",
            job.operations
        )),
        None if all > 0 => Some(format!(
            "Entra ID would keep the job running: {all} of {} operations failed ({} of them changes of members or managers); \
             quarantine begins at {COUNTED_FROM} failed objects and more than {PERCENT} %, or {OBJECTS}, or {ALL} failures of any kind",
            job.operations, job.reference_failures
        )),
        None => None,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(operations: u64, objects: u64, references: u64) -> JobReport {
        let mut job = JobReport {
            operations,
            object_failures: objects,
            reference_failures: references,
            halt: None,
            quarantined: false,
            verdict: None,
        };
        decide(&mut job);
        job
    }

    #[test]
    fn thresholds_are_entras() {
        assert!(!job(10_000, 0, 0).quarantined && job(10_000, 0, 0).verdict.is_none());
        assert!(!job(5_000, 4_999, 0).quarantined, "below the count nothing is too much");
        assert!(!job(20_000, 8_000, 0).quarantined, "forty percent are not more than forty");
        assert!(job(12_000, 5_000, 0).quarantined);
        assert!(job(1_000_000, 40_001, 0).quarantined);
        assert!(!job(1_000_000, 0, 59_999).quarantined);
        assert!(job(1_000_000, 20_000, 40_000).quarantined);
    }
}
