//! HAR files, Postman collections and Runscope tests: what is read makes a scenario that loads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scimproof::record::{self, draft, sift};

fuzz_target!(|input: &[u8]| {
    let Ok(recording) = record::read(input, "x") else { return };
    let redactor = record::redactor(&recording.entries);
    let format = recording.format;
    let Ok(sifted) = sift::sift(recording, None) else { return };
    let Ok(Some(profile)) = scimproof::profile::idp::find("rfc") else { return };
    let head = draft::Head { id: "x/y", format, title: None, source: None, profile: &profile };
    if let Err(why) = draft::draft(&sifted, &head, &redactor) {
        assert!(!why.contains("please report"), "{why}");
    }
});
