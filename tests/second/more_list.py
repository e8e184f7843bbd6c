"""Plausible bugs of lists: pages, order, envelopes, `.search`, discovery."""

import random

from bugkit import bug, crash, edit, is_users, refuse_if, wrap
from catalogue import ENTERPRISE
from errors import ScimError, bad, not_found


def query(app, change):
    """Every query, changed: `change(query, given)`."""
    edit(app.listing, "query", change)


def listed(app, change):
    """Every list of resources, changed: `change(body, query)`."""
    edit(app.listing, "answer", lambda body, tenant, rtypes, asked: change(body, asked))


@bug("list-startindex-is-page-number")
def page_number(app):
    """OFFSET (startIndex - 1) * count."""
    wrap(app.listing, "page", lambda inner, found, q: found[(q.start - 1) * q.count:][:q.count])


@bug("list-page-one-too-many")
def one_more(app):
    """The extra row that says whether there is more is not cut off."""
    wrap(app.listing, "page", lambda inner, found, q: found[q.start - 1:q.start + q.count])


@bug("list-page-loses-last")
def one_less(app):
    """range(start, total - 1)."""
    wrap(app.listing, "page", lambda inner, found, q: inner(found[:-1] if len(found) > 2 else found, q))


@bug("list-order-random")
def unordered(app):
    """No ORDER BY: each page comes in another order."""
    def page(inner, found, q):
        if not q.sort_by:
            random.shuffle(found)
        return inner(found, q)
    wrap(app.listing, "page", page)


@bug("list-startindex-always-one")
def start_one(app):
    """A constant in the answer."""
    listed(app, lambda body, q: body.update(startIndex=1))


@bug("list-startindex-missing")
def start_missing(app):
    """Left out."""
    listed(app, lambda body, q: body.pop("startIndex"))


@bug("list-itemsperpage-missing")
def items_missing(app):
    """Left out."""
    listed(app, lambda body, q: body.pop("itemsPerPage"))


@bug("list-totalresults-missing")
def total_missing(app):
    """Left out."""
    listed(app, lambda body, q: body.pop("totalResults"))


@bug("list-totalresults-counts-all")
def total_all(app):
    """COUNT(*) without the filter."""
    def answer(inner, tenant, rtypes, q):
        body = inner(tenant, rtypes, q)
        body["totalResults"] = sum(len(app.store.all(tenant, rtype)) for rtype in rtypes)
        return body
    wrap(app.listing, "answer", answer)


@bug("list-filter-after-paging")
def filter_late(app):
    """The page is filtered in the controller."""
    def answer(inner, tenant, rtypes, q):
        condition, q.filter = q.filter, None
        page = app.listing.page(app.listing.found(tenant, rtypes, q), q)
        q.filter = condition
        ids = {r.id for r, _ in page}
        everybody = app.listing.candidates
        app.listing.candidates = lambda *given: [r for r in everybody(*given) if r.id in ids]
        q.start, start = 1, q.start
        body = inner(tenant, rtypes, q)
        app.listing.candidates = everybody
        return {**body, "startIndex": start}
    wrap(app.listing, "answer", answer)


@bug("list-resources-null")
def null(app):
    """A list that nobody filled."""
    listed(app, lambda body, q: body["Resources"] or body.update(Resources=None))


@bug("list-resources-lowercase")
def lower_key(app):
    """resources."""
    listed(app, lambda body, q: body.update(resources=body.pop("Resources")))


@bug("list-without-schemas")
def no_schemas(app):
    """Left out."""
    listed(app, lambda body, q: body.pop("schemas"))


@bug("list-bare-array")
def bare(app):
    """[...]."""
    wrap(app.listing, "answer", lambda inner, *given: inner(*given)["Resources"])


@bug("list-items-without-meta")
def no_meta(app):
    """The list has a leaner serializer."""
    edit(app.listing, "item", lambda body, *_: body.pop("meta", None))


@bug("list-items-without-enterprise")
def no_enterprise(app):
    """The list does not join."""
    edit(app.listing, "item", lambda body, *_: body.pop(ENTERPRISE, None))


@bug("list-items-without-external-id")
def no_external(app):
    """The list has a leaner serializer: who matches by externalId finds nobody."""
    edit(app.listing, "item", lambda body, *_: body.pop("externalId", None))


@bug("list-items-without-groups")
def no_groups(app):
    """The list does not join."""
    edit(app.listing, "item", lambda body, *_: body.pop("groups", None))


@bug("list-hides-inactive")
def hidden(app):
    """The default scope of the model, with and without a filter."""
    wrap(app.listing, "candidates", lambda inner, *given: [
        r for r in inner(*given) if r.data.get("active") is not False])


@bug("list-capped-at-ten-silently")
def capped(app):
    """LIMIT 10, and a total that knows no more."""
    wrap(app.listing, "found", lambda inner, *given: inner(*given)[:10])


@bug("list-count-above-limit-400")
def strict_count(app):
    """What is more than the limit is refused instead of cut."""
    refuse_if(app.listing, "query", lambda given: str(given.get("count", "")).isdigit() and int(given["count"]) > 50,
              bad("invalidValue", "count is at most 50"))


@bug("list-count-not-number-500")
def count_word(app):
    """int("x")."""
    def given_word(inner, given):
        try:
            return inner(given)
        except ScimError as error:
            if "number" in error.detail:
                crash()
            raise
    wrap(app.listing, "query", given_word)


@bug("list-page-past-end-404")
def past_end(app):
    """No such page."""
    def answer(inner, tenant, rtypes, q):
        body = inner(tenant, rtypes, q)
        if q.start > 1 and not body["Resources"]:
            raise not_found("page")
        return body
    wrap(app.listing, "answer", answer)


@bug("list-startindex-zero-400")
def start_zero(app):
    """startIndex begins with 1, everything else is refused."""
    refuse_if(app.listing, "query", lambda given: str(given.get("startIndex", 1)).lstrip("-") == "0"
              or str(given.get("startIndex", 1)).startswith("-"), bad("invalidValue", "startIndex is at least 1"))


@bug("list-count-ignored")
def count_ignored(app):
    """Everything at once."""
    wrap(app.listing, "page", lambda inner, found, q: found[q.start - 1:] if q.count else [])


@bug("list-only-first-page-has-total")
def total_first(app):
    """COUNT(*) OVER() of an empty page is 0."""
    listed(app, lambda body, q: body["Resources"] or body.update(totalResults=0) if q.count else None)


@bug("sort-ignored")
def sort_ignored(app):
    """sort is announced and not kept."""
    app.listing.sorted = lambda rtypes, found, q: found


@bug("sort-order-ignored")
def order_ignored(app):
    """Always ascending."""
    query(app, lambda q, given: setattr(q, "descending", False))


@bug("sort-case-sensitive")
def sort_case(app):
    """ORDER BY with a binary collation."""
    app.listing.comparable = lambda leaf, value: str(value)


@bug("sort-sub-attribute-ignored")
def sort_sub(app):
    """name.familyName is no column."""
    query(app, lambda q, given: "." in (q.sort_by or "") and setattr(q, "sort_by", None))


@bug("sort-sub-attribute-500")
def sort_crash(app):
    """name.familyName is no column, and the database says so."""
    query(app, lambda q, given: "." in (q.sort_by or "") and crash())


@bug("sort-missing-500")
def sort_missing(app):
    """None < "a"."""
    wrap(app.listing, "key", lambda inner, pair, by: crash() if inner(pair, by)[0] else inner(pair, by))


@bug("sort-dates-ignored")
def sort_dates(app):
    """meta is not part of the table."""
    query(app, lambda q, given: (q.sort_by or "").startswith("meta") and setattr(q, "sort_by", None))


@bug("search-404")
def no_search(app):
    """There is no such route."""
    refuse_if(app, "route", lambda request: request.steps[-1:] == [".search"], not_found("endpoint"))


@bug("search-creates")
def search_creates(app):
    """POST to a path below /Users creates."""
    def answer(inner, request, rtypes, search):
        if search and len(rtypes) == 1:
            raise bad("invalidValue", "userName is required")
        return inner(request, rtypes, search)
    wrap(app, "query", answer)


def searched(app, change):
    """The body of every `.search`, changed."""
    wrap(app.listing, "search", lambda inner, body: inner(change(body)))


@bug("search-filter-ignored")
def search_filter(app):
    """The parameters are read from the query only."""
    searched(app, lambda body: {"schemas": body.get("schemas")})


@bug("search-paging-ignored")
def search_paging(app):
    """The filter is read, and no more."""
    searched(app, lambda body: {k: v for k, v in body.items() if k not in ("startIndex", "count")})


@bug("search-attributes-ignored")
def search_attributes(app):
    """The list of names is not read."""
    searched(app, lambda body: {k: v for k, v in body.items() if k not in ("attributes", "excludedAttributes")})


@bug("search-answers-201")
def search_201(app):
    """A POST creates."""
    def answer(response, request, rtypes, search):
        if search:
            response.status = 201
    edit(app, "query", answer)


@bug("root-query-finds-nothing")
def root(app):
    """A query at the root finds nobody."""
    wrap(app.listing, "answer", lambda inner, tenant, rtypes, q: inner(tenant, rtypes, q)
         if len(rtypes) == 1 else app.listing.envelope(0, 1, []))


@bug("list-users-in-groups")
def mixed(app):
    """One table, one list."""
    def candidates(inner, tenant, rtype):
        users = [r for r in app.store.records.values() if is_users(r.rtype) and r.tenant == tenant]
        return inner(tenant, rtype) + ([] if is_users(rtype) else users[:1])
    wrap(app.listing, "candidates", candidates)
