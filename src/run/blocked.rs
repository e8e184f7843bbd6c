//! Says once what many cases are blocked by: a write that the server refuses.
//!
//! Must not judge: a refusal that is a failure is a finding and told there.

use crate::exchange::Exchange;
use crate::scim::value::value_ci;
use crate::shadow::Call;
use std::collections::BTreeMap;

/// From so many cases on it is worth a word.
const MANY: usize = 3;

/// A write that was refused although nothing was wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    /// `POST /Groups`.
    line: String,
    status: u16,
    detail: String,
}

impl Refusal {
    /// The refusal in an answer; `None` without an answer.
    pub(super) fn of(exchange: &Exchange, call: &Call) -> Option<Self> {
        let detail = exchange.json().and_then(|b| value_ci(b, "detail")?.as_str()).unwrap_or_default();
        Some(Self {
            line: format!("{} {}", call.method, call.endpoint),
            status: exchange.status()?,
            detail: detail.chars().take(120).collect(),
        })
    }
}

/// One statement for each refusal that blocks several cases, the weightiest first.
pub(super) fn remarks(refusals: &[Refusal]) -> Vec<String> {
    let mut groups: BTreeMap<(&str, u16), Vec<&Refusal>> = BTreeMap::new();
    for refusal in refusals {
        groups.entry((&refusal.line, refusal.status)).or_default().push(refusal);
    }
    let mut groups: Vec<_> = groups.into_iter().filter(|(_, cases)| cases.len() >= MANY).collect();
    groups.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    let say = |((line, status), cases): (_, Vec<&Refusal>)| {
        let said =
            cases.iter().find(|c| !c.detail.is_empty()).map(|c| format!(" \"{}\"", c.detail)).unwrap_or_default();
        let domain = said.to_lowercase().contains("domain");
        let hint = if domain { " (--mail-domain gives everybody an address that the server takes)" } else { "" };
        format!(
            "{} cases are blocked by one refusal: {line} is answered {status}{said}; what comes after it was not tested{hint}",
            cases.len()
        )
    };
    groups.into_iter().map(say).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_that_blocks_many_cases_is_said_once() {
        let refusal = |line: &str, status| Refusal { line: line.into(), status, detail: "Not here.".into() };
        let mut all = vec![refusal("POST /Groups", 403); 4];
        all.extend([refusal("POST /Users", 400), refusal("POST /Users", 400)]);
        let said = remarks(&all);
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("4 cases are blocked by one refusal: POST /Groups is answered 403 \"Not here.\""));
    }
}
