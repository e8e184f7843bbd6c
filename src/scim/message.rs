//! The envelopes of answers: errors and lists (RFC 7644 §3.4.2, §3.12).
//! Must not know why a request failed or where the resources come from.

use super::urn;
use serde_json::{Map, Value, json};

/// An error body. The status is a string (RFC 7644 §3.12); `scimType` is left out when there is none.
pub fn error(status: u16, scim_type: Option<&str>, detail: &str) -> Value {
    let mut body = Map::new();
    body.insert("schemas".into(), json!([urn::ERROR]));
    body.insert("status".into(), Value::String(status.to_string()));
    if let Some(kind) = scim_type {
        body.insert("scimType".into(), Value::String(kind.to_owned()));
    }
    body.insert("detail".into(), Value::String(detail.to_owned()));
    Value::Object(body)
}

/// A list body of one page: `resources` of `total`, beginning at the 1-based `start_index` (RFC 7644 §3.4.2).
pub fn list(resources: Vec<Value>, total: usize, start_index: usize) -> Value {
    json!({
        "schemas": [urn::LIST],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_status_is_a_string() {
        let body = error(400, Some("invalidFilter"), "no");
        assert_eq!(body["status"], "400");
        assert_eq!(body["scimType"], "invalidFilter");
        assert!(error(404, None, "gone").get("scimType").is_none());
    }

    #[test]
    fn list_counts_its_page() {
        let body = list(vec![json!({"id": "1"})], 7, 3);
        assert_eq!(body["itemsPerPage"], 1);
        assert_eq!(body["totalResults"], 7);
        assert_eq!(body["startIndex"], 3);
    }
}
