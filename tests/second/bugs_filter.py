"""Bugs of filters: refused, ignored, crashed, or understood wrongly."""

import re

import filters
from bugkit import bug, change_node, crash_if, is_groups, is_users, refuse_if, refuse_node, wrap
from catalogue import USERS
from errors import ScimError, bad, not_found


@bug("filter-eq-matches-substring")
def eq_is_co(app):
    """LIKE '%name%' for groups."""
    change_node(app, lambda rtype, n: (n[0], n[1], "co", n[3])
                if is_groups(rtype) and n[0] == "compare" and n[2] == "eq" and n[1].attr.name == "displayName" else n)


@bug("filter-escaped-quote-no-match")
def raw_escapes(app):
    """The string is cut out of the filter, its escapes stay in it."""
    change_node(app, lambda rtype, n: (*n[:3], n[3].replace('"', '\\"'))
                if n[0] == "compare" and isinstance(n[3], str) else n)


@bug("filter-externalid-case-insensitive")
def external_id_folded(app):
    """The collation of the column knows no case."""
    wrap(app.filters, "fold", lambda inner, attr, text: text.lower() if attr.name == "externalId"
         else inner(attr, text))


@bug("filter-externalid-returns-empty")
def external_id_lost(app):
    """The filter looks into a column that nobody fills."""
    wrap(app.filters, "compare", lambda inner, attr, *more: attr.name != "externalId" and inner(attr, *more))


def ignore_filter(app, kind):
    """The parameter is not looked at."""
    wrap(app.listing, "condition", lambda inner, rtype, *more: None if kind(rtype) else inner(rtype, *more))


@bug("filter-groups-ignored")
def groups_ignored(app):
    """Only users got a filter."""
    ignore_filter(app, is_groups)


@bug("filter-users-ignored")
def users_ignored(app):
    """The handler has no parameter of that name."""
    ignore_filter(app, is_users)


@bug("filter-hides-inactive-users")
def inactive_hidden(app):
    """The default scope of the model leaves out who is inactive."""
    def found(inner, tenant, rtypes, query):
        pairs = inner(tenant, rtypes, query)
        return [p for p in pairs if p[0].data.get("active") is not False] if query.filter else pairs
    wrap(app.listing, "found", found)


@bug("filter-ne-500")
def ne_crashes(app):
    """A table of operators without this one."""
    refuse_node(app, lambda rtype, n: n[0] == "compare" and n[2] == "ne", None)


@bug("filter-no-match-404")
def no_match_404(app):
    """Nothing found is not found."""
    def answer(inner, tenant, rtypes, query):
        found = inner(tenant, rtypes, query)
        if query.filter and not found["totalResults"]:
            raise not_found("resource")
        return found
    wrap(app.listing, "answer", answer)


@bug("filter-not-operator-400")
def no_not(app):
    """The parser knows no `not`."""
    refuse_node(app, lambda rtype, n: n[0] == "not", bad("invalidFilter", "unexpected not"))


@bug("filter-parentheses-ignored")
def no_parentheses(app):
    """They are cut away before parsing; those of `not` are needed for it."""
    def compile_flat(rtype, text, forgiving=False):
        words, kept, open_not = filters.tokens(text), [], []
        for word in words:
            if word == "(":
                open_not.append(bool(kept) and kept[-1].lower() == "not")
            if word not in "()" or open_not[-1:] == [True]:
                kept.append(word)
            if word == ")" and open_not:
                open_not.pop()
        return filters.Parser(kept, filters.Whole(rtype, forgiving)).whole()
    app.filters.compile = compile_flat


@bug("filter-percent-500")
def percent(app):
    """The decoded text is decoded once more."""
    crash_if(app.filters, "compile", lambda rtype, text, *more: "%" in text)


@bug("filter-urn-attribute-rejected")
def no_urn(app):
    """The parser takes the colons for an error."""
    refuse_if(app.filters, "compile", lambda rtype, text, *more:
              re.search(r"(^|[\s(])urn:", re.sub('"[^"]*"', "", text)), bad("invalidFilter", "unknown attribute urn"))


@bug("filter-value-path-no-match")
def value_path_empty(app):
    """emails[...] becomes a query on the wrong table."""
    app.filters.on_values = lambda node, resource: False


@bug("filter-without-count-empty-page")
def no_count_no_page(app):
    """A missing count is read as 0 when there is a filter."""
    wrap(app.listing, "query", lambda inner, given: inner({"count": 0, **given} if given.get("filter") else given))


@bug("group-filter-compound-501")
def compound_501(app):
    """Groups know one comparison."""
    refuse_node(app, lambda rtype, n: is_groups(rtype) and n[0] in ("and", "or"),
                ScimError(501, "compound filters are not implemented"))


@bug("search-post-without-count-500")
def search_needs_count(app):
    """body["count"] without looking."""
    crash_if(app.listing, "search", lambda body: "count" not in body)


@bug("filter-or-bypasses-tenant-scope")
def or_escapes(app):
    """WHERE tenant = ? AND a OR b: the filter is put in without parentheses."""
    def found(inner, tenant, rtypes, query):
        pairs = inner(tenant, rtypes, query)
        node = app.filters.compile(USERS, query.filter) if query.filter and USERS in rtypes else ("none",)
        if node[0] != "or":
            return pairs
        foreign = [(r, app.render.full(r)) for r in app.store.records.values()
                   if r.tenant != tenant and r.rtype is USERS]
        return pairs + [p for p in foreign if app.filters.matches(node[2], p[1])]
    wrap(app.listing, "found", found)
