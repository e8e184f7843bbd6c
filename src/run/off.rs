//! A server that answers everything alike, because SCIM is not switched on there: said once, and nothing is played.
//!
//! Must not send anything: discovery asked already.

use crate::exchange::Exchange;
use crate::profile::provider::ProviderProfile;

/// Status of a server that has the routes and nothing behind them (RFC 9110 §15.6.2).
const NOT_IMPLEMENTED: u16 = 501;
/// So much of an answer is repeated.
const SHOWN: usize = 120;

/// How all that was asked first was refused.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Alike {
    status: u16,
    /// The words of the first answer.
    said: String,
    is_scim: bool,
}

impl Alike {
    /// The one refusal that all of these answers are. Refused credentials are another matter.
    pub(super) fn of(answers: &[&Exchange]) -> Option<Self> {
        let first = answers.first()?;
        let status = first.status().filter(|s| *s >= 400 && *s != 401)?;
        let response = first.response().filter(|_| answers.iter().all(|a| a.status() == Some(status)))?;
        let text = String::from_utf8_lossy(&response.body);
        Some(Self {
            status,
            said: text.trim().chars().take(SHOWN).collect(),
            is_scim: response.json().is_some_and(|b| b.get("detail").is_some()),
        })
    }

    /// Why nothing can be tested, if that is what such answers mean: for this product by its document, for any other with 501.
    pub(super) fn reason(&self, provider: Option<&ProviderProfile>) -> Option<String> {
        let documented = provider.and_then(|p| Some((p, p.switched_off.as_ref()?)));
        let remedy = match documented.filter(|(_, off)| off.status == self.status) {
            Some((p, off)) => format!("{}: {} ({})", p.title, off.remedy, off.source),
            None if self.status == NOT_IMPLEMENTED => {
                "Switch it on where the product is administered, or ask its vendor".to_owned()
            }
            None => return None,
        };
        let form = match (self.said.is_empty(), self.is_scim) {
            (true, _) => ", without a body where a SCIM error belongs".to_owned(),
            (_, true) => String::new(),
            (_, false) => format!(", with \"{}\" where a SCIM error belongs", self.said),
        };
        Some(format!("SCIM is off: everything is answered {}{form}. {remedy}", self.status))
    }
}
