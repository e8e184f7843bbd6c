//! A conversation that nobody had, judged as a run would judge it. Used by the property tests and by the fuzz targets: what a
//! server sends may be wrong in every way, and the judgement has to end without a panic.

use scimproof::exchange::{AuthKind, Exchange, FailureKind, Request, Response, TransportFailure};
use scimproof::report::redact::Redactor;
use scimproof::rules::view::Past;
use scimproof::run::Tally;
use scimproof::run::judge::{Place, judge};
use scimproof::shadow::{Advertised, Shadow};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// One request and its answer; status 0 is none.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    pub method: String,
    pub target: String,
    pub body: Option<Vec<u8>>,
    pub other_tenant: bool,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub answer: Vec<u8>,
}

impl Turn {
    fn exchange(self) -> Exchange {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (self.target.clone(), None),
        };
        let outcome = match self.status {
            0 => Err(TransportFailure { kind: FailureKind::Closed, message: "cut".into(), repeated: false }),
            status => Ok(Response::new(status, self.headers, self.answer)),
        };
        Exchange {
            request: Request {
                method: self.method,
                url: format!("http://localhost/scim/v2{}", self.target),
                path,
                query,
                headers: vec![("Content-Type".into(), "application/scim+json".into())],
                body: self.body,
                auth: if self.other_tenant { AuthKind::Other } else { AuthKind::Configured },
            },
            outcome,
            duration: Duration::ZERO,
            started: None,
        }
    }
}

/// Judges and reports; the number of findings.
pub fn judge_all(config: Option<&Value>, types: Option<&Value>, schemas: Option<&Value>, turns: Vec<Turn>) -> usize {
    let target = Arc::new(Advertised::read("http://localhost/scim/v2", config, types, schemas));
    let mut shadow = Shadow::new(target.clone());
    let mut tally = Tally::new();
    let mut earlier: Vec<Past> = Vec::new();
    let redactor = Redactor::new(vec!["s3cret".into()]);
    let mut findings = 0;
    for (n, turn) in turns.into_iter().enumerate() {
        let exchange = Arc::new(turn.exchange());
        let step = format!("step-{n}");
        let place = Place { step: &step, earlier: &earlier, alone: n % 2 == 0, settled: n % 5 != 4, statuses: &[] };
        let judged = judge(&exchange, &mut shadow, &target, &place, &mut tally);
        findings += judged.findings.len();
        let _ = (redactor.request_report(&exchange), redactor.response_report(&exchange));
        earlier.push(Past { step, call: judged.call, exchange });
    }
    findings
}
