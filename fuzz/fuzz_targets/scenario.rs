//! Files that users write: scenarios, profiles, baselines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scimproof::{profile, run, scenario};

fuzz_target!(|text: &str| {
    match scenario::load(text, "any.yaml", &|_| None) {
        Ok(_) => {}
        Err(errors) => errors.iter().for_each(|e| assert!(!e.render(false).is_empty())),
    }
    let _ = profile::idp::parse(text, "any.yaml");
    let _ = profile::provider::load(text, "any.yaml");
    let _ = run::baseline::Baseline::parse(text);
});
