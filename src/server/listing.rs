//! Queries: filter, sort, page (RFC 7644 §3.4.2, §3.4.3; cursors after draft-ietf-scim-cursor-pagination).
//!
//! Must not know what a filter means: that is `scim::filter`. It knows which look-ups need no scan.

use super::call::{Call, Kind};
use super::intake::{self, resource_type};
use super::reply::{Failure, Reply};
use super::resources::{cut, split};
use super::service::{Answer, Service};
use super::store::{Record, Tenant};
use crate::scim::filter::{self, CompareOp, Filter, FilterProblemKind, Literal, Test};
use crate::scim::path::{AttrPath, parse_attr_path};
use crate::scim::value::get_ci;
use crate::scim::{sort, urn};
use base64::Engine;
use serde_json::{Map, Value, json};

/// What a client asks of a collection, after defaults and limits.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Which resources.
    pub kinds: Vec<Kind>,
    /// Which of them.
    pub filter: Option<Filter>,
    /// In which order.
    pub sort_by: Option<AttrPath>,
    /// Backwards.
    pub descending: bool,
    /// The `startIndex` that the answer names.
    pub start_index: usize,
    /// How many matches come before the page.
    pub offset: usize,
    /// `count` as the client sent it.
    pub asked: Option<i64>,
    /// How many entries the page has at most.
    pub count: usize,
    /// The client pages by cursor.
    pub by_cursor: bool,
    /// Only these attributes.
    pub attributes: Vec<String>,
    /// All but these attributes.
    pub excluded: Vec<String>,
}

/// The parameters of a query, wherever they stood.
#[derive(Debug, Default)]
struct Parameters {
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    cursor: Option<String>,
    attributes: Vec<String>,
    excluded: Vec<String>,
}

/// `GET` on a collection or on the root.
pub fn list(service: &mut Service<'_>, call: &Call, kinds: &[Kind]) -> Answer {
    let parameters = Parameters::from_query(call)?;
    answer(service, call, kinds, parameters)
}

/// `POST …/.search` (RFC 7644 §3.4.3).
pub fn search(service: &mut Service<'_>, call: &Call, kinds: &[Kind]) -> Answer {
    let body = intake::object(call)?;
    if let Some(schemas) = get_ci(body, "schemas") {
        let named = schemas.as_array().is_some_and(|s| s.iter().any(|u| u.as_str() == Some(urn::SEARCH)));
        if !named {
            let detail = "schemas must name the SearchRequest message.";
            return Err(Failure::typed(400, "invalidSyntax", detail));
        }
    }
    let parameters = Parameters::from_body(body)?;
    answer(service, call, kinds, parameters)
}

impl Parameters {
    fn from_query(call: &Call) -> Result<Self, Failure> {
        let text = |name: &str| call.param(name).map(str::to_owned);
        let list = |name: &str| call.param(name).map(split).unwrap_or_default();
        Ok(Self {
            filter: text("filter"),
            sort_by: text("sortBy"),
            sort_order: text("sortOrder"),
            start_index: number("startIndex", call.param("startIndex"))?,
            count: number("count", call.param("count"))?,
            cursor: text("cursor"),
            attributes: list("attributes"),
            excluded: list("excludedAttributes"),
        })
    }

    fn from_body(body: &Map<String, Value>) -> Result<Self, Failure> {
        let text = |name: &str| get_ci(body, name).and_then(Value::as_str).map(str::to_owned);
        let whole = |name: &str| match get_ci(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Number(n)) => match n.as_i64() {
                Some(n) => Ok(Some(n)),
                None => Err(not_a_number(name)),
            },
            Some(Value::String(s)) => number(name, Some(s)),
            Some(_) => Err(not_a_number(name)),
        };
        let list = |name: &str| match get_ci(body, name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).flat_map(split).collect(),
            Some(Value::String(s)) => split(s),
            _ => Vec::new(),
        };
        Ok(Self {
            filter: text("filter"),
            sort_by: text("sortBy"),
            sort_order: text("sortOrder"),
            start_index: whole("startIndex")?,
            count: whole("count")?,
            cursor: text("cursor"),
            attributes: list("attributes"),
            excluded: list("excludedAttributes"),
        })
    }
}

fn number(name: &str, text: Option<&str>) -> Result<Option<i64>, Failure> {
    match text.map(str::trim).filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| not_a_number(name)),
    }
}

fn not_a_number(name: &str) -> Failure {
    Failure::typed(400, "invalidValue", format!("{name} must be a whole number."))
}

fn answer(service: &mut Service<'_>, call: &Call, kinds: &[Kind], given: Parameters) -> Answer {
    let mut query = read(service, kinds, given)?;
    let plan = service.plan;
    if let Some(reply) = plan.list(&mut query, call, service.state) {
        return Ok(reply);
    }
    let (total, page) = evaluate(service, call, &query);
    let resources: Vec<Value> =
        page.iter().map(|(kind, whole)| cut(*kind, whole, &query.attributes, &query.excluded)).collect();
    Ok(Reply::json(200, envelope(&query, total, resources)))
}

fn read(service: &Service<'_>, kinds: &[Kind], given: Parameters) -> Result<ListQuery, Failure> {
    let behaviour = &service.plan.behaviour;
    let filter = match given.filter {
        Some(_) if !behaviour.filter => {
            return Err(Failure::plain(501, "This server does not offer filters."));
        }
        Some(text) => Some(read_filter(&text, kinds, behaviour.unknown_filter_attributes_match_nothing)?),
        None => None,
    };
    let asked = given.count;
    let wanted = match asked {
        None => behaviour.page_size,
        Some(count) => usize::try_from(count).unwrap_or(0),
    };
    let by_cursor = behaviour.cursor && given.cursor.is_some();
    let offset = match given.cursor.filter(|_| by_cursor) {
        Some(cursor) => read_cursor(&cursor)?,
        None => usize::try_from(given.start_index.unwrap_or(1).max(1) - 1).unwrap_or(usize::MAX),
    };
    let sort_by = given.sort_by.filter(|_| behaviour.sort);
    let order = given.sort_order.unwrap_or_default();
    Ok(ListQuery {
        kinds: kinds.to_vec(),
        filter,
        // An attribute that nobody knows sorts nothing (RFC 7644 §3.4.2.3 asks for no error).
        sort_by: sort_by.and_then(|text| parse_attr_path(&text).ok()),
        descending: order.eq_ignore_ascii_case("descending"),
        start_index: offset.saturating_add(1),
        offset,
        asked,
        count: wanted.min(behaviour.max_results),
        by_cursor,
        attributes: given.attributes,
        excluded: given.excluded,
    })
}

fn read_filter(text: &str, kinds: &[Kind], tolerant: bool) -> Result<Filter, Failure> {
    let invalid = |detail: String| Failure::typed(400, "invalidFilter", detail);
    let mut parsed = filter::parse(text).map_err(|e| invalid(e.to_string()))?;
    for kind in kinds {
        complete_names(&mut parsed, *kind);
    }
    let problems: Vec<_> = kinds.iter().filter_map(|kind| filter::check(&parsed, resource_type(*kind)).err()).collect();
    // On the root an attribute that one kind lacks matches nothing there (RFC 7644 §3.4.2.1).
    let tolerant = tolerant || kinds.len() > 1;
    let fatal = problems.iter().find(|p| !tolerant || p.kind != FilterProblemKind::UnknownAttribute);
    match fatal {
        Some(problem) => Err(invalid(problem.message.clone())),
        None => Ok(parsed),
    }
}

/// Entra asks for `manager eq "…"` without the extension's URN; a name that only one extension has is meant.
fn complete_names(filter: &mut Filter, kind: Kind) {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter_mut().for_each(|part| complete_names(part, kind));
        }
        Filter::Not(inner) => complete_names(inner, kind),
        Filter::Attr { path, .. } | Filter::ValuePath { path, .. } => {
            let rt = resource_type(kind);
            if path.urn.is_none() && rt.attribute(path).is_none() {
                let known = rt.extensions.iter().find(|e| e.schema.attribute(&path.attr).is_some());
                path.urn = known.map(|e| e.schema.id.clone());
            }
        }
    }
}

/// All matches counted, and the page of them.
fn evaluate(service: &Service<'_>, call: &Call, query: &ListQuery) -> (usize, Vec<(Kind, Value)>) {
    let newest_first = service.plan.behaviour.newest_first;
    if query.filter.is_none() && query.sort_by.is_none() && !newest_first {
        return window(service, call, query);
    }
    let mut matches: Vec<(Kind, Value)> = Vec::new();
    for kind in &query.kinds {
        scan(service, call, query, *kind, &mut matches);
    }
    let total = matches.len();
    if newest_first {
        matches.reverse();
    }
    if !service.plan.behaviour.sort_page_only {
        sort_matches(&mut matches, query);
    }
    let mut page: Vec<_> = matches.into_iter().skip(query.offset).take(query.count).collect();
    if service.plan.behaviour.sort_page_only {
        sort_matches(&mut page, query);
    }
    (total, page)
}

/// A page of everything: nothing but the page is looked at.
fn window(service: &Service<'_>, call: &Call, query: &ListQuery) -> (usize, Vec<(Kind, Value)>) {
    let tenant = service.state.of(call);
    let renderer = service.renderer(call);
    let mut total = 0;
    let mut page = Vec::new();
    for kind in &query.kinds {
        let size = tenant.len(*kind);
        let skip = query.offset.saturating_sub(total).min(size);
        let room = query.count - page.len();
        if query.offset < total + size {
            let records = tenant.window(*kind, skip, room);
            page.extend(records.into_iter().map(|r| (*kind, renderer.resource(*kind, r))));
        }
        total += size;
    }
    (total, page)
}

fn scan(service: &Service<'_>, call: &Call, query: &ListQuery, kind: Kind, found: &mut Vec<(Kind, Value)>) {
    let rt = resource_type(kind);
    let escapes = service.plan.behaviour.or_escapes_tenant && query.filter.as_ref().is_some_and(has_or);
    for (index, tenant) in service.state.tenants.iter().enumerate() {
        if index != call.tenant && !escapes {
            continue;
        }
        let mut renderer = service.renderer(call);
        renderer.tenant = tenant;
        let mut visit = |record: &Record| {
            let whole = renderer.resource(kind, record);
            if query.filter.as_ref().is_none_or(|f| filter::matches(f, &whole, rt)) {
                found.push((kind, whole));
            }
        };
        match query.filter.as_ref().and_then(|f| candidates(tenant, kind, f)) {
            Some(few) => few.into_iter().for_each(&mut visit),
            None => tenant.iter(kind).for_each(&mut visit),
        }
    }
}

/// The resources that an index names; `None` when all must be looked at.
fn candidates<'t>(tenant: &'t Tenant, kind: Kind, filter: &Filter) -> Option<Vec<&'t Record>> {
    match filter {
        Filter::And(parts) => parts.iter().find_map(|part| candidates(tenant, kind, part)),
        Filter::Attr { path, test: Test::Compare(CompareOp::Eq, Literal::Str(value)) } if path.sub.is_none() => {
            if path.attr.eq_ignore_ascii_case(kind.unique_attribute()) {
                Some(tenant.named(kind, value))
            } else if path.attr.eq_ignore_ascii_case("externalId") {
                Some(tenant.with_external_id(kind, value))
            } else if path.attr.eq_ignore_ascii_case("id") {
                Some(tenant.get(kind, value).into_iter().collect())
            } else {
                None
            }
        }
        _ => None,
    }
}

fn has_or(filter: &Filter) -> bool {
    match filter {
        Filter::Or(_) => true,
        Filter::And(parts) => parts.iter().any(has_or),
        Filter::Not(inner) => has_or(inner),
        _ => false,
    }
}

fn sort_matches(matches: &mut [(Kind, Value)], query: &ListQuery) {
    let Some(path) = &query.sort_by else {
        return;
    };
    matches.sort_by(|(kind, a), (_, b)| {
        let order = sort::compare(a, b, path, resource_type(*kind));
        if query.descending { order.reverse() } else { order }
    });
}

fn envelope(query: &ListQuery, total: usize, resources: Vec<Value>) -> Value {
    let mut body = json!({ "schemas": [urn::LIST], "totalResults": total });
    if query.by_cursor {
        let next = query.offset + resources.len();
        if next < total && !resources.is_empty() {
            body["nextCursor"] = write_cursor(next).into();
        }
        if query.offset > 0 {
            let back = query.offset.saturating_sub(query.count);
            body["previousCursor"] = write_cursor(back).into();
        }
    } else {
        body["startIndex"] = query.start_index.into();
    }
    body["itemsPerPage"] = resources.len().into();
    body["Resources"] = resources.into();
    body
}

fn write_cursor(offset: usize) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("after:{offset}"))
}

/// An empty cursor asks for the first page.
fn read_cursor(cursor: &str) -> Result<usize, Failure> {
    if cursor.is_empty() {
        return Ok(0);
    }
    let invalid = || Failure::typed(400, "invalidCursor", "This cursor was not issued here.");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let offset = text.strip_prefix("after:").ok_or_else(invalid)?;
    offset.parse().map_err(|_| invalid())
}
