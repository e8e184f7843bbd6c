//! Values that stand for no value: what a program writes where it has nothing.
//!
//! Must not know which request made them: whoever reads them takes them for what they say.

use super::rule::{Finding, Impact, Level, Rule, Verdict};
use super::view::View;
use crate::scim::schema::AttrType;
use crate::scim::value::get_ci;
use crate::shadow::Op;
use serde_json::Value;

/// Rules of this area.
pub static RULES: &[Rule] = &[Rule {
    id: "schema/nothing-as-text",
    title: "An attribute without a value is returned as a text such as `None` or `null`",
    spec: "RFC 7643 §2.5",
    level: Level::Must,
    clash: false,
    impact: Impact::UpdateLost,
    breaks: &[],
    requirements: &["data-null-equals-unset"],
    explain: "An attribute without a value is absent or null. Here it holds the word that the server's language prints for nothing, which no request has sent: people are shown with the title None, and an import takes it into the directory.",
    hint: "Leave attributes without a value out; look for where a missing value is turned into a text.",
    wrong: "PATCH active false → GET {\"title\":\"None\"}",
    right: "GET without title",
    proven_by: &["deactivate-writes-none"],
    check: nothing_as_text,
}];

/// What languages print for nothing.
const NOTHING: [&str; 8] = ["None", "null", "NULL", "undefined", "nil", "<nil>", "(null)", "[object Object]"];

fn nothing_as_text(view: &View<'_>) -> Verdict {
    let Some(shown) = view.object().filter(|_| view.call.op == Op::Read && view.status() == 200) else {
        return Verdict::NotApplicable;
    };
    let (Some(rt), Some(id)) = (view.resource_type(), view.call.id.as_deref()) else { return Verdict::NotApplicable };
    // What others have written may be what they mean.
    if view.before.find(&view.call.endpoint, id).is_none() {
        return Verdict::NotApplicable;
    }
    let sent = |word: &str| {
        let bodies = view.earlier.iter().filter_map(|p| p.call.body.as_ref());
        bodies.flat_map(|body| super::state::texts(body, "")).any(|text| text == word)
    };
    let word = |value: Option<&Value>| {
        let text = value?.as_str()?;
        (NOTHING.contains(&text) && !sent(text)).then(|| text.to_owned())
    };
    for attribute in rt.schema.attributes.iter().filter(|a| !a.multi_valued) {
        let value = get_ci(shown, &attribute.name);
        let found = match attribute.kind {
            AttrType::Complex => value.and_then(Value::as_object).and_then(|inner| {
                let mut parts = attribute.sub_attributes.iter();
                parts.find_map(|s| Some((format!("{}/{}", attribute.name, s.name), word(get_ci(inner, &s.name))?)))
            }),
            _ => word(value).map(|text| (attribute.name.clone(), text)),
        };
        if let Some((place, text)) = found {
            return Verdict::Fail(vec![Finding::new(format!("body /{place}"), "no value", format!("{text:?}"))]);
        }
    }
    Verdict::Pass
}
