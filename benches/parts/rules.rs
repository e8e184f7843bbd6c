//! Shadow and catalogue alone: recorded exchanges are judged again and again, without a socket.

use super::recorder::Recorder;
use super::suite;
use scimproof::event::Event;
use scimproof::exchange::{Exchange, Response};
use scimproof::rules::view::{Past, View};
use scimproof::rules::{self, Verdict};
use scimproof::shadow::{Advertised, Call, Shadow};
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROUNDS: usize = 3;

pub async fn measure() {
    let server = suite::server().await;
    let recorder = Recorder::start(&server.base_url()).await;
    let http = suite::client(&recorder.base_url());
    let mut ends = Vec::new();
    suite::play(&http, &mut |event| {
        if matches!(event, Event::CaseFinished(_)) {
            ends.push(recorder.count());
        }
    })
    .await;
    let target = Arc::new(advertised(&http).await);
    let exchanges: Vec<Arc<Exchange>> = recorder.passed().into_iter().map(|p| Arc::new(exchange(p))).collect();
    server.stop().await;
    let started = Instant::now();
    for _ in 0..ROUNDS {
        let mut from = 0;
        for end in &ends {
            judge(&exchanges[from..*end], &target);
            from = *end;
        }
    }
    let count = ROUNDS * ends.last().copied().unwrap_or(0);
    let time = started.elapsed();
    println!(
        "shadow and {} rules alone   {:>8.0} exchanges/s   ({:.0} µs each)",
        rules::catalogue().count(),
        count as f64 / time.as_secs_f64(),
        time.as_secs_f64() * 1e6 / count as f64
    );
}

async fn advertised(http: &scimproof::engine::Http) -> Advertised {
    let ask = |target: &str| scimproof::engine::Outgoing {
        method: "GET".to_owned(),
        target: target.to_owned(),
        ..Default::default()
    };
    let config = http.send(ask("/ServiceProviderConfig")).await;
    let types = http.send(ask("/ResourceTypes")).await;
    let schemas = http.send(ask("/Schemas")).await;
    Advertised::read(http.target().base_url.as_str(), config.json(), types.json(), schemas.json())
}

fn exchange(passed: super::recorder::Passed) -> Exchange {
    Exchange {
        request: passed.request,
        outcome: Ok(Response::new(passed.status, passed.headers, passed.body)),
        duration: Duration::from_millis(1),
        started: None,
    }
}

fn judge(case: &[Arc<Exchange>], target: &Arc<Advertised>) {
    let mut shadow = Shadow::new(target.clone());
    let mut earlier: Vec<Past> = Vec::new();
    for exchange in case {
        let call = Call::of(&exchange.request, &target.types);
        let forecast = shadow.forecast(&call);
        let (observed, learned) = shadow.observe(exchange, &call, &forecast, "step", true);
        let view = View::new(exchange, &call, &forecast, &observed, &shadow, target, &earlier, true);
        let failed = rules::catalogue().filter(|r| matches!((r.check)(&view), Verdict::Fail(_))).count();
        std::hint::black_box(failed);
        shadow.learn(learned);
        earlier.push(Past { step: "step".to_owned(), call, exchange: exchange.clone() });
        if earlier.len() > 400 {
            earlier.remove(0);
        }
    }
}
