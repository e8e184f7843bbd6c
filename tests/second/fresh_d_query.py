"""A further fresh sample of public reports: filters, pages, what is shown, discovery, bulk, errors."""

import re

import paths
from app import Response
from bugkit import bug, crash, edit, is_groups, is_users, nodes, refuse_node, wrap
from errors import ScimError, bad
from filters import tokens
from fresh_b_edge import attributes


@bug("list-startindex-ignored-when-all-fit")
def all_fit(app):
    """A list that fits into one page is never cut: startIndex counts only when there is more than count."""
    wrap(app.listing, "page", lambda inner, found, q: found if len(found) <= q.count else inner(found, q))


@bug("list-schemas-of-resource")
def own_schema(app):
    """schemas of a list is the URN of what it holds, not of ListResponse."""
    edit(app.listing, "answer", lambda body, tenant, rtypes, q:
         len(rtypes) == 1 and body.update(schemas=[rtypes[0].schema.id]))


@bug("list-synthetic-sample")
def sample(app):
    """Without a filter the list is one made-up user or group, whatever there is."""
    def query(inner, request, rtypes, search):
        if search or len(rtypes) > 1 or "filter" in request.query:
            return inner(request, rtypes, search)
        rtype = rtypes[0]
        name = "userName" if is_users(rtype) else "displayName"
        return Response(200, app.listing.envelope(1, 1, [{
            "schemas": [rtype.schema.id], "id": "1", name: f"synthetic_{rtype.name.lower()}",
            "meta": {"resourceType": rtype.name, "location": f"{app.base}{rtype.endpoint}/1"}}]))
    wrap(app, "query", query)


@bug("excludedattributes-members-empty-in-list")
def empty_list(app):
    """excludedAttributes=members leaves members away in GET by id, but in a list it makes it []."""
    edit(app.listing, "item", lambda body, record, query: is_groups(record.rtype)
         and "members" in [n.lower() for n in query.excluded] and body.update(members=[]))


@bug("filter-startindex-without-count-500")
def no_count(app):
    """A filter with startIndex above 1 and no count is a 500 with the page of the web server."""
    def query(inner, request, rtypes, search):
        given = request.query
        if not search and "filter" in given and "count" not in given and given.get("startIndex", "1") not in ("0", "1"):
            return Response(500, b"<!doctype html><title>HTTP Status 500</title>", {"Content-Type": "text/html"})
        return inner(request, rtypes, search)
    wrap(app, "query", query)


@bug("filter-sub-attribute-case-500")
def sub_case(app):
    """The part behind the dot is looked up with case and found to be null: meta.Version is a 500."""
    def compiled(inner, rtype, text, *more):
        for word in tokens(text):
            if "." in word and not word.startswith('"'):
                try:
                    path = paths.parse(rtype, word)
                except ScimError:
                    continue
                if path.sub and word.rpartition(".")[2] != path.sub.name:
                    crash()
        return inner(rtype, text, *more)
    wrap(app.filters, "compile", compiled)


@bug("filter-id-500")
def id_500(app):
    """A look-up by id throws."""
    refuse_node(app, lambda rtype, node: node[0] in ("compare", "pr") and node[1].attr.name == "id", None)


@bug("list-totalresults-constant-with-filter")
def hundred(app):
    """With a filter totalResults is the limit of the server, 100, whatever was found."""
    edit(app.listing, "answer", lambda body, tenant, rtypes, q: q.filter and body.update(totalResults=100))


@bug("filter-eq-null-400")
def eq_null(app):
    """emails.value eq null is an invalid filter."""
    refuse_node(app, lambda rtype, node: any(n[0] == "compare" and n[3] is None for n in nodes(node)),
                bad("invalidFilter", "null cannot be compared"))


@bug("filter-integer-400")
def integer(app):
    """A number in a filter (floors gt 1) is an invalid filter."""
    refuse_node(app, lambda rtype, node: any(n[0] == "compare" and isinstance(n[3], int)
                and not isinstance(n[3], bool) for n in nodes(node)), bad("invalidFilter", "expected a string"))


def never(app, when):
    """A filter of this kind finds nothing."""
    app.filters.on_never = lambda node, resource: False

    def compiled(inner, *args):
        tree = inner(*args)
        return ("never",) if when(tree) else tree
    wrap(app.filters, "compile", compiled)


def names_groups(node):
    """Whether a node names the groups of a user."""
    return node[0] in ("compare", "pr", "values") and node[1].attr.name == "groups"


@bug("filter-user-groups-no-match")
def user_groups(app):
    """Users by their groups: groups.display finds nobody, groups.value is an invalid filter."""
    refuse_node(app, lambda rtype, node: names_groups(node) and (node[1].sub is None or node[1].sub.name != "display"),
                bad("invalidFilter", "invalid filter expression"))
    never(app, lambda tree: any(map(names_groups, nodes(tree))))


@bug("filter-groups-with-other-empty")
def groups_and(app):
    """groups together with another attribute finds nobody; each of them alone finds its users."""
    def mixed(tree):
        leaves = [names_groups(n) for n in nodes(tree) if n[0] in ("compare", "pr", "values")]
        return any(leaves) and not all(leaves)
    never(app, mixed)


@bug("filter-groups-not-paged")
def groups_whole(app):
    """A filter that names the groups of a user gives all at once, whatever startIndex and count say."""
    edit(app.listing, "query", lambda q, given: q.filter and re.search(r"\bgroups\b", q.filter)
         and vars(q).update(start=1, count=10 ** 6))


@bug("filter-compound-empty")
def compound(app):
    """Filters with and, or are accepted, and find nothing at all."""
    never(app, lambda tree: any(n[0] in ("and", "or") for n in nodes(tree)))


@bug("patch-filter-string-boolean-no-match")
def string_boolean(app):
    """addresses[primary eq "True"], as Microsoft's validator sends it, fits no value: noTarget."""
    app.filters.on_never = lambda node, resource: False
    wrap(app.filters, "compile_values", lambda inner, attr, text: ("never",) if inner(attr, text) and any(
        word.lower() in ('"true"', '"false"') for word in tokens(text)) else inner(attr, text))


@bug("serviceproviderconfig-bulk-bare")
def bulk_bare(app):
    """Bulk is not supported, and its limits are missing: {"supported": false} and no more."""
    edit(app.discovery, "config", lambda body: body.update(bulk={"supported": False}))

    def answer(*_):
        raise ScimError(501, "bulk is not supported")
    app.bulk.answer = answer


@bug("serviceproviderconfig-no-schemes")
def no_schemes(app):
    """authenticationSchemes is an empty list, and maxResults is missing in filter."""
    edit(app.discovery, "config", lambda body: body.update(authenticationSchemes=[], filter={"supported": True}))


@bug("serviceproviderconfig-filter-zero")
def filter_zero(app):
    """filter.supported is the number 0."""
    edit(app.discovery, "config", lambda body: body["filter"].update(supported=0))


@bug("schemas-without-multivalued")
def no_multi(app):
    """/Schemas shows no subAttributes, no multiValued and no required: they are forgotten in the output."""
    attributes(app, lambda item, *_: [item.pop(n, None) for n in ("subAttributes", "multiValued", "required")])


def types(app, change):
    """Every resource type, changed."""
    edit(app.discovery, "types", lambda found: [change(t) for t in found])


@bug("resourcetypes-extensions-as-strings")
def extension_strings(app):
    """schemaExtensions is a list of URNs instead of objects."""
    types(app, lambda t: t.update(schemaExtensions=[e["schema"] for e in t["schemaExtensions"]]))


@bug("resourcetypes-id-plural")
def plural_id(app):
    """id and location of a resource type are in the plural: Users, ResourceTypes/Users."""
    types(app, lambda t: t.update(id=t["id"] + "s", meta={**t["meta"], "location": t["meta"]["location"] + "s"}))


@bug("resourcetypes-items-bare")
def bare_items(app):
    """Resource types have endpoint, name, schema and schemaExtensions: no schemas, no id, no meta."""
    def answer(inner, place, rest, query):
        body = inner(place, rest, query)
        for item in body.get("Resources", [body]) if place == "resourcetypes" else ():
            [item.pop(n, None) for n in ("schemas", "id", "meta", "description")]
        return body
    wrap(app.discovery, "answer", answer)


@bug("user-shows-unadvertised-extension")
def unadvertised(app):
    """Every user has an extension that neither /ResourceTypes nor /Schemas knows."""
    urn = "urn:example:scim:schemas:profile:1.0"
    edit(app.render, "shown", lambda out, record, wanted=None, *_: is_users(record.rtype) and not wanted and out.update(
        {"schemas": out["schemas"] + [urn], urn: {"richInfo": {"version": 0, "fields": []}}}))


@bug("serviceproviderconfig-schemes-empty")
def schemes_empty(app):
    """authenticationSchemes is an empty list; all else is right."""
    edit(app.discovery, "config", lambda body: body.update(authenticationSchemes=[]))
