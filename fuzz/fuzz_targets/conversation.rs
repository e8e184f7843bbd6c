//! Parts parted by the byte 1E: three discovery documents, then turns. A turn is `METHOD STATUS TARGET`, a line with the request's
//! body, a line of headers (`Name: value` parted by tabs), and the answer's body.
#![no_main]

#[path = "../../tests/support/conversation.rs"]
mod conversation;

use conversation::{Turn, judge_all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.split(|b| *b == 0x1e);
    let mut document = || serde_json::from_slice(parts.next().unwrap_or_default()).ok();
    let (config, types, schemas) = (document(), document(), document());
    let turns: Vec<Turn> = parts.take(12).map(turn).collect();
    judge_all(config.as_ref(), types.as_ref(), schemas.as_ref(), turns);
});

fn turn(part: &[u8]) -> Turn {
    let mut lines = part.splitn(4, |b| *b == b'\n');
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let first = text(lines.next().unwrap_or_default());
    let mut words = first.splitn(3, ' ').map(str::to_owned);
    let (method, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let target = words.next().unwrap_or_default();
    let body = lines.next().filter(|b| !b.is_empty()).map(<[u8]>::to_vec);
    let headers = text(lines.next().unwrap_or_default());
    let headers = headers.split('\t').filter_map(|h| h.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned()));
    Turn {
        other_tenant: target.ends_with("#2"),
        method,
        target,
        body,
        status: status.parse().unwrap_or(0),
        headers: headers.collect(),
        answer: lines.next().unwrap_or_default().to_vec(),
    }
}
