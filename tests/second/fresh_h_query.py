"""A last fresh sample of public reports: filters, lists, projection, discovery, bulk, errors."""

import copy
import re

import filters
import paths
from app import Response
from bugkit import bug, change_node, crash_if, edit, is_groups, is_users, refuse_if, wrap
from catalogue import USERS
from errors import ScimError, bad
from more_list import query

STRING = re.compile(r'"(?:\\.|[^"\\])*"')


@bug("list-without-paging-empty")
def unpaged(app):
    """A list of users without a filter is empty unless startIndex and count are both given."""
    def answer(inner, request, rtypes, search):
        given = request.query
        if not search and list(rtypes) == [USERS] and "filter" not in given \
                and not {"startIndex", "count"} <= set(given):
            return Response(200, app.listing.envelope(0, 1, []))
        return inner(request, rtypes, search)
    wrap(app, "query", answer)


@bug("filter-username-compares-id")
def compares_id(app):
    """userName is shown from one column and looked up in another, that of the id: userName eq finds nobody."""
    rid = paths.parse(USERS, "id")
    change_node(app, lambda rtype, node: ("compare", rid, "eq", node[3]) if is_users(rtype) and node[0] == "compare"
                and node[1].attr.name == "userName" and node[2] == "eq" else node)


@bug("filter-sort-other-attribute-short")
def sort_short(app):
    """A filter on one attribute with sortBy another: the total is right, the page has one entry."""
    def other(q):
        return q.filter and q.sort_by and q.sort_by.rpartition(":")[2].lower() not in STRING.sub("", q.filter).lower()
    wrap(app.listing, "page", lambda inner, found, q: inner(found[:1] if other(q) else found, q))


@bug("error-detail-unescaped")
def unescaped(app):
    """The JSON of an error is put together as text: a quotation mark in detail breaks it."""
    def failure(inner, error):
        answer = inner(error)
        if isinstance(error.detail, str) and '"' in error.detail:
            kind = f',"scimType":"{error.scim_type}"' if error.scim_type else ""
            text = f'{{"schemas":["{answer.body["schemas"][0]}"],"status":"{error.status}","detail":"{error.detail}"{kind}}}'
            answer.body = text.encode("utf-8")
        return answer
    wrap(app, "failure", failure)


@bug("list-users-capped-at-hundred")
def capped(app):
    """The look-up of users has a limit of a hundred of its own: neither total nor any page knows of more."""
    wrap(app.listing, "found", lambda inner, tenant, rtypes, q: inner(tenant, rtypes, q)[:100]
         if list(rtypes) == [USERS] else inner(tenant, rtypes, q))


@bug("error-501-own-keyword")
def own_keyword(app):
    """What is not implemented is told with a keyword of our own in scimType: notImplemented."""
    edit(app, "failure", lambda answer, error: error.status == 501 and answer.body.update(scimType="notImplemented"))


@bug("resourcetypes-without-id")
def no_id(app):
    """Resource types come without id."""
    def answer(inner, place, rest, asked):
        body = copy.deepcopy(inner(place, rest, asked))
        if place == "resourcetypes":
            for item in body.get("Resources", [body]):
                item.pop("id", None)
        return body
    wrap(app.discovery, "answer", answer)


@bug("attributes-two-dots-500")
def two_dots(app):
    """A name with two dots in attributes or excludedAttributes of a list is a null pointer."""
    crash_if(app.listing, "answer", lambda tenant, rtypes, q: any(
        name.rpartition(":")[2].count(".") > 1 for name in q.attributes + q.excluded))


@bug("filter-no-match-403")
def no_match(app):
    """A filter over users that finds nobody is a 403 instead of an empty list."""
    def answer(body, tenant, rtypes, q):
        if q.filter and list(rtypes) == [USERS] and not body["totalResults"]:
            raise ScimError(403, "no user found")
    edit(app.listing, "answer", answer)


@bug("filter-quotes-kept")
def quotes(app):
    """The quotation marks around the value of a filter over users are taken for a part of it: nothing matches."""
    change_node(app, lambda rtype, node: (*node[:3], f'"{node[3]}"') if is_users(rtype) and node[0] == "compare"
                and isinstance(node[3], str) and node[1].leaf.type != "dateTime" else node)


@bug("filter-name-begins-with-or")
def begins_with_or(app):
    """The word or is looked for without a blank behind it: an attribute whose name begins with it (organization) is
    torn apart, and the filter matches nothing."""
    nothing = ("compare", paths.Path(None, filters.NOTHING), "eq", "")
    wrap(app.filters, "compile", lambda inner, rtype, text, *more: (inner(rtype, text, *more), nothing)[bool(
        re.search(r"(^|[\s(:.])or[a-z]", STRING.sub('""', text), re.IGNORECASE))])


@bug("attributes-sub-400")
def sub_refused(app):
    """A sub-attribute in attributes or excludedAttributes is refused until somebody writes it."""
    def check(q, given):
        if any("." in name.rpartition(":")[2] for name in q.attributes + q.excluded):
            raise bad("invalidValue", "sub-attributes are not supported here")
    query(app, check)


@bug("search-roles-without-type")
def roles_bare(app):
    """What a `.search` finds has roles without type; GET by id and the list have it."""
    def answer(response, request, rtypes, search):
        if search:
            body = copy.deepcopy(response.body)
            for role in [role for item in body["Resources"] for role in item.get("roles", ())]:
                role.pop("type", None)
            response.body = body
    edit(app, "query", answer)


@bug("bulk-unknown-method-accepted")
def any_method(app):
    """An operation of a bulk request whose method is none of the four is answered 200, and nothing is done."""
    wrap(app.bulk, "single", lambda inner, request, operation, known: inner(request, operation, known)
         if str(operation.get("method", "")).upper() in ("POST", "PUT", "PATCH", "DELETE") else (200, None, {}))


@bug("filter-other-attributes-404")
def others_404(app):
    """A filter without the naming attribute (userName, displayName of groups) or externalId is a 404."""
    refuse_if(app.listing, "condition", lambda rtype, text, forgiving: text is not None and not any(
        name in text.lower() for name in ("displayname" if is_groups(rtype) else "username", "externalid")),
        ScimError(404, "this filter is not supported"))
