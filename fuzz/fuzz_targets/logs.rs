//! Logs and error texts of identity providers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scimproof::diagnose::{logs, text};

fuzz_target!(|input: &str| {
    let _ = logs::okta(input);
    let _ = logs::entra(input);
    let _ = text::read(input);
});
