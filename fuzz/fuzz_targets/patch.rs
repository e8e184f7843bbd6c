//! A PATCH body (first line) on a document (the rest).
#![no_main]

use libfuzzer_sys::fuzz_target;
use scimproof::scim::patch::{Options, apply};
use scimproof::scim::schema::ResourceType;

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(2, |b| *b == b'\n');
    let mut json = || serde_json::from_slice(lines.next().unwrap_or_default()).ok();
    let (Some(patch), Some(document)) = (json(), json()) else { return };
    for rt in [ResourceType::user(), ResourceType::group()] {
        let _ = apply(&document, &patch, &rt, &Options::default());
    }
});
