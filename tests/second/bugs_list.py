"""Bugs of lists: pages, totals, order, and the discovery documents."""

from bugkit import bug, crash_if, edit, is_groups, is_users, refuse_if, wrap
from catalogue import ENTERPRISE
from errors import not_found


@bug("list-500-when-user-lacks-email")
def lacks_email(app):
    """emails[0] without looking, in the list only."""
    crash_if(app.listing, "item", lambda record, query: is_users(record.rtype) and not record.data.get("emails"))


def paging(app, change):
    """Changes the query that the parameters make."""
    def query(inner, given):
        result = inner(given)
        change(result, given)
        return result
    wrap(app.listing, "query", query)


@bug("list-count-zero-returns-resources")
def count_zero(app):
    """count || 100."""
    paging(app, lambda q, given: setattr(q, "count", q.count or 100))


@bug("list-groups-ignores-paging")
def groups_unpaged(app):
    """Nobody has so many groups."""
    wrap(app.listing, "page", lambda inner, found, query:
         found if found and is_groups(found[0][0].rtype) else inner(found, query))


@bug("list-itemsperpage-is-requested-count")
def items_per_page(app):
    """itemsPerPage is taken for the size that was asked for."""
    edit(app.listing, "answer", lambda body, tenant, rtypes, query: body.update(itemsPerPage=query.count))


@bug("list-negative-count-500")
def negative_500(app):
    """LIMIT -1 is an error of the database."""
    crash_if(app.listing, "query", lambda given: str(given.get("count", "")).startswith("-"))


@bug("list-negative-count-returns-all")
def negative_all(app):
    """LIMIT -1 is no limit."""
    paging(app, lambda q, given: str(given.get("count", "")).startswith("-") and setattr(q, "count", 100000))


@bug("list-page-past-end-wrong-total")
def past_end(app):
    """The total is counted from the offset."""
    def answer(body, tenant, rtypes, query):
        if not body["Resources"] and query.start > 1:
            body["totalResults"] = query.start - 1
    edit(app.listing, "answer", answer)


@bug("list-pages-overlap")
def overlap(app):
    """The offset is reckoned from the wrong end."""
    def page(inner, found, query):
        first = max(0, query.start - query.count) if query.start > 1 else 0
        return found[first:first + query.count]
    wrap(app.listing, "page", page)


@bug("list-sort-after-paging")
def sort_late(app):
    """The page is sorted in the controller."""
    sort = app.listing.sorted
    app.listing.sorted = lambda rtypes, found, query: found
    wrap(app.listing, "page", lambda inner, found, query: sort(None, inner(found, query), query))


@bug("list-startindex-ignored")
def start_ignored(app):
    """LIMIT without OFFSET."""
    wrap(app.listing, "page", lambda inner, found, query: found[:query.count])


@bug("list-startindex-zero-based")
def zero_based(app):
    """OFFSET startIndex."""
    paging(app, lambda q, given: setattr(q, "start", max(0, int(given.get("startIndex") or 0))))
    wrap(app.listing, "page", lambda inner, found, query: found[query.start:query.start + query.count])


@bug("list-totalresults-is-page-count")
def total_is_page(app):
    """len(resources)."""
    edit(app.listing, "answer", lambda body, *_: body.update(totalResults=len(body["Resources"])))


@bug("list-totalresults-string")
def total_string(app):
    """Numbers come from a template."""
    edit(app.listing, "answer", lambda body, *_: body.update(
        {k: str(body[k]) for k in ("totalResults", "startIndex", "itemsPerPage")}))


@bug("list-items-without-schemas")
def items_bare(app):
    """The list has a leaner serializer."""
    edit(app.listing, "item", lambda body, *_: body.pop("schemas", None))


@bug("list-omits-emails")
def no_emails(app):
    """The list does not join the addresses."""
    edit(app.listing, "item", lambda body, *_: body.pop("emails", None))


@bug("resourcetypes-404")
def no_types(app):
    """The endpoint was never written."""
    refuse_if(app.discovery, "answer", lambda place, *_: place == "resourcetypes", not_found("endpoint"))


@bug("schemas-bare-array")
def bare(app):
    """json.dumps(schemas)."""
    wrap(app.discovery, "answer", lambda inner, place, rest, query:
         app.discovery.schemas() if place == "schemas" and not rest else inner(place, rest, query))


@bug("schemas-items-without-schemas")
def schemas_bare(app):
    """The attribute was forgotten."""
    edit(app.discovery, "schemas", lambda items: [item.pop("schemas") for item in items])


@bug("schemas-missing-extension")
def no_extension(app):
    """The list was written by hand."""
    wrap(app.discovery, "schemas", lambda inner: [s for s in inner() if s["id"] != ENTERPRISE])


@bug("serviceproviderconfig-maxresults-zero")
def max_zero(app):
    """0 was meant as no limit."""
    edit(app.discovery, "config", lambda body: body["filter"].update(maxResults=0))


@bug("serviceproviderconfig-missing-required")
def parts_missing(app):
    """Only what seemed to matter."""
    def config(body):
        body.pop("authenticationSchemes")
        body["bulk"] = {"supported": True}
    edit(app.discovery, "config", config)
