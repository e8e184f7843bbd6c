//! JSON, format `scimproof/1`: the report as it is.
//!
//! Must not add or leave out anything: what tools read is defined by [`crate::event`].

use crate::event::{FORMAT, RunReport};
use std::io::{self, Write};

/// Writes the report.
pub fn write(report: &RunReport, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

/// Why a JSON report could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not our fields.
    #[error("it is no scimproof report: {0}")]
    Json(#[from] serde_json::Error),
    /// A report of another format.
    #[error("its format is `{0}`, this version reads `{FORMAT}`")]
    Format(String),
}

/// Reads a report back.
pub fn read(text: &str) -> Result<RunReport, ReadError> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    match value.get("format").and_then(serde_json::Value::as_str) {
        Some(FORMAT) => Ok(serde_json::from_value(value)?),
        other => Err(ReadError::Format(other.unwrap_or("none").to_owned())),
    }
}
