//! From an admin's error text or a log export to the cause: read it, play the few scenarios that tell its causes apart, hold
//! the causes against what they show.
//!
//! May use run, rules and scenario; must not know reports, arguments or how a verdict is printed.

pub mod causes;
pub mod logs;
pub mod look;
pub mod probe;
pub mod table;
pub mod text;
pub mod verdict;

pub use probe::{Setup, diagnose};
pub use text::{Family, Reading};
pub use verdict::{Complaint, Diagnosis};
