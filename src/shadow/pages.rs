//! Pages of lists seen since the last write, and whether two of one list agree.
//!
//! Must not know requests: a page comes with the text of its query.

use std::collections::{BTreeSet, HashMap, HashSet};

/// A page of a list, for walks.
#[derive(Debug, Clone)]
pub struct Page {
    /// Endpoint, filter and sort of the query.
    pub query: String,
    /// Effective first index.
    pub start: i64,
    /// Ids on it.
    pub ids: Vec<String>,
    /// `totalResults`.
    pub total: Option<i64>,
    /// Step that asked.
    pub step: String,
}

/// The pages seen so far. A walk over a thousand pages compares each with its neighbours, not with all.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    list: Vec<Page>,
    /// On which pages an id stands.
    holders: HashMap<String, Vec<usize>>,
}

impl Pages {
    /// True when none was seen since the last write.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.holders.clear();
    }

    pub(super) fn add(&mut self, page: Page) {
        for id in &page.ids {
            let holders = self.holders.entry(id.clone()).or_default();
            if holders.last() != Some(&self.list.len()) {
                holders.push(self.list.len());
            }
        }
        self.list.push(page);
    }

    /// Everybody whom a walk has shown, where this page is its last one: pages of one list and one total that follow each other
    /// from the first entry on. Nothing for a page from which entries are missing.
    pub(super) fn walked<'a>(&'a self, page: &'a Page) -> Option<(HashSet<&'a str>, &'a Page)> {
        let total = page.total?;
        if page.start.saturating_add(page.ids.len() as i64) <= total {
            return None;
        }
        let mut met: HashSet<&str> = page.ids.iter().map(String::as_str).collect();
        let (mut next, mut last) = (page.start, None);
        // The latest page that ends where the one behind it begins; each step goes back, so this ends.
        while next > 1 {
            let ends_here = |p: &&Page| {
                p.query == page.query
                    && p.total == page.total
                    && !p.ids.is_empty()
                    && p.start + p.ids.len() as i64 == next
            };
            let before = self.list.iter().rev().find(ends_here)?;
            met.extend(before.ids.iter().map(String::as_str));
            last = last.or(Some(before));
            next = before.start;
        }
        Some((met, last?))
    }

    /// Earlier pages of the same list that say something else, and what. Where `steady` is false, pages with another total
    /// say nothing: somebody else changes the list.
    pub(super) fn clashes(&self, page: &Page, steady: bool) -> Vec<(&Page, String)> {
        let sharing: BTreeSet<usize> =
            page.ids.iter().filter_map(|id| self.holders.get(id)).flatten().copied().collect();
        let concerned =
            |(n, other): &(usize, &Page)| other.total != page.total || sharing.contains(n) || overlap(other, page);
        self.list
            .iter()
            .enumerate()
            .filter(|(_, other)| other.query == page.query && (steady || other.total == page.total))
            .filter(concerned)
            .filter_map(|(_, other)| Some((other, clash(other, page)?)))
            .collect()
    }
}

/// True when both pages hold an entry of the same number.
fn overlap(a: &Page, b: &Page) -> bool {
    let end = |p: &Page| p.start.saturating_add(p.ids.len() as i64);
    a.start < end(b) && b.start < end(a)
}

fn clash(other: &Page, page: &Page) -> Option<String> {
    if let (Some(a), Some(b)) = (other.total, page.total)
        && a != b
    {
        return Some(format!("totalResults is {b} here and {a} on the other page"));
    }
    let position = |p: &Page, id: &str| p.ids.iter().position(|x| x == id).map(|at| p.start + at as i64);
    for id in &page.ids {
        if let (Some(here), Some(there)) = (position(page, id), position(other, id))
            && here != there
        {
            return Some(format!("{id} is entry {here} here and entry {there} on the other page"));
        }
    }
    for (offset, id) in page.ids.iter().enumerate() {
        let here = page.start + offset as i64;
        if let Some(there) = usize::try_from(here - other.start).ok().and_then(|i| other.ids.get(i))
            && there != id
        {
            return Some(format!("entry {here} is {id} here and {there} on the other page"));
        }
    }
    None
}
