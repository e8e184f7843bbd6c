//! A walk over the pages of a list: whether it still gets anywhere.
//!
//! Must not know scenarios: it sees the bodies of one repeated step. Where to stop for other reasons is the scenario's word.

use crate::scim::value::get_ci;
use crate::shadow::{ids_of, resources_of};
use serde_json::Value;
use std::collections::HashSet;

/// Everybody that the pages have shown so far.
#[derive(Default)]
pub(super) struct Walk {
    met: HashSet<String>,
    last: String,
}

impl Walk {
    /// False for a page that shows nobody new, or more than the list says it holds: a server that ignores `startIndex`, or one
    /// that never ends. Each page was judged by the rules; more of them would tell nothing, and nobody waits for a million.
    /// The same request once more is no page: who waits for a change asks so.
    pub(super) fn moves(&mut self, url: &str, list: &Value) -> bool {
        let ids = ids_of(resources_of(list));
        if ids.is_empty() || std::mem::replace(&mut self.last, url.to_owned()) == url {
            return true;
        }
        let before = self.met.len();
        self.met.extend(ids);
        let total = list.as_object().and_then(|o| get_ci(o, "totalResults")?.as_u64()).unwrap_or(u64::MAX);
        // Others may add somebody while the walk goes on, so a few more than the total are no proof.
        self.met.len() > before && (self.met.len() as u64) <= total.saturating_mul(2).saturating_add(200)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(total: u64, ids: std::ops::Range<u64>) -> Value {
        let resources: Vec<_> = ids.map(|id| serde_json::json!({ "id": id.to_string() })).collect();
        serde_json::json!({ "totalResults": total, "Resources": resources })
    }

    #[test]
    fn a_walk_ends_where_a_page_comes_again_or_the_list_outgrows_its_total() {
        let mut walk = Walk::default();
        assert!(walk.moves("1", &page(250, 0..100)));
        assert!(walk.moves("101", &page(250, 100..200)));
        assert!(!walk.moves("201", &page(250, 0..100)), "startIndex is ignored");
        let mut walk = Walk::default();
        let pages = (0..100).take_while(|n| walk.moves(&n.to_string(), &page(100, n * 100..n * 100 + 100))).count();
        assert_eq!(pages, 4, "the total says 100");
        assert!(Walk::default().moves("1", &page(0, 0..0)), "an empty page is the scenario's matter");
    }

    #[test]
    fn asking_the_same_again_is_waiting() {
        let mut walk = Walk::default();
        assert!((0..10).all(|_| walk.moves("?filter=…", &page(1, 0..1))));
    }
}
