//! One exchange, held against shadow and catalogue.
//!
//! Must not send anything and must not know reports.

use super::Tally;
use crate::exchange::Exchange;
use crate::rules::view::{Past, View};
use crate::rules::{self, Finding, Rule, Verdict};
use crate::scenario::model::StatusSpec;
use crate::shadow::{Advertised, Call, Choice, Forecast, Shadow};
use std::sync::Arc;

/// What came of judging one exchange.
pub struct Judged {
    /// What the request asks for.
    pub call: Call,
    /// What a correct server does.
    pub forecast: Forecast,
    /// What is wrong.
    pub findings: Vec<(&'static Rule, Finding)>,
}

/// Where an exchange stands in its case.
pub struct Place<'a> {
    /// Name of the step.
    pub step: &'a str,
    /// Exchanges before it.
    pub earlier: &'a [Past],
    /// True when no other case ran meanwhile.
    pub alone: bool,
    /// False while other requests of the same step were in flight.
    pub settled: bool,
    /// Statuses that the step itself names.
    pub statuses: &'a [StatusSpec],
}

/// Feeds the shadow and asks every rule.
pub fn judge(
    exchange: &Arc<Exchange>,
    shadow: &mut Shadow,
    target: &Advertised,
    place: &Place<'_>,
    tally: &mut Tally,
) -> Judged {
    let call = Call::of(&exchange.request, &target.types);
    shadow.tenant = crate::shadow::forecast::tenant_of(&call);
    let mut forecast = shadow.forecast(&call);
    if let Some(status) = exchange.status()
        && left_open(place.statuses, status)
    {
        forecast = forecast.opened();
        // The conflict that the step foresees is not about what the schema lacks.
        if status == 409 && forecast.choice == Some(Choice::UndeclaredAttribute) {
            forecast.choice = Some(Choice::Other);
        }
    }
    let (observed, learned) = shadow.observe(exchange, &call, &forecast, place.step, place.settled);
    let view = View::new(exchange, &call, &forecast, &observed, shadow, target, place.earlier, place.alone);
    let mut findings = Vec::new();
    for rule in rules::catalogue() {
        match (rule.check)(&view) {
            Verdict::NotApplicable => {}
            Verdict::Pass => tally.entry(rule.id).or_default().0 += 1,
            Verdict::Fail(found) => {
                tally.entry(rule.id).or_default().1 += 1;
                findings.extend(found.into_iter().map(|f| (rule, f)));
            }
        }
    }
    shadow.learn(learned);
    Judged { call, forecast, findings }
}

/// The scenario's author knows that both success and refusal are right here, or that this refusal is.
fn left_open(named: &[StatusSpec], status: u16) -> bool {
    let allows = |statuses: &[u16]| named.iter().any(|n| statuses.iter().any(|s| n.allows(*s)));
    let refusal = (400..500).contains(&status) && named.iter().any(|n| n.allows(status));
    refusal
        || (allows(&[200, 201, 204])
            && (named.iter().any(|n| matches!(n, StatusSpec::Class(4)))
                || (400..500).any(|s| named.contains(&StatusSpec::Exact(s)))))
}
