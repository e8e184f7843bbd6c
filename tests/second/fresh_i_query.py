"""A further fresh sample of public reports: what is asked."""

from bugkit import bug, edit, is_groups, is_users, refuse_node, wrap
from errors import ScimError, bad
from filters import deciding


@bug("filter-boolean-500")
def boolean(app):
    """A filter on a boolean attribute (active eq true) is an exception of the mapper of the database."""
    refuse_node(app, lambda rtype, node: node[0] == "compare" and deciding(node[1]).type == "boolean", None)


@bug("filter-order-operators-500")
def order(app):
    """gt, ge, lt and le are not supported, and the exception that says so is nobody's: 500."""
    refuse_node(app, lambda rtype, node: node[0] == "compare" and node[2] in ("gt", "ge", "lt", "le"), None)


@bug("filter-ignored-with-attributes")
def with_attributes(app):
    """A list with both filter and attributes has the attributes and everybody: the filter is not applied."""
    def answer(inner, tenant, rtypes, query):
        if query.attributes:
            query.filter = None
        return inner(tenant, rtypes, query)
    wrap(app.listing, "answer", answer)


@bug("excludedattributes-ignored-in-group-list")
def group_list(app):
    """The list of groups takes no notice of excludedAttributes; GET of one group does."""
    def item(inner, record, query):
        if is_groups(record.rtype):
            return app.render.shown(record, query.attributes, [])
        return inner(record, query)
    wrap(app.listing, "item", item)


@bug("get-without-content-type-406")
def content_type(app):
    """Each request must have the Content-Type of SCIM, also a GET or DELETE without a body: otherwise 406."""
    def acceptable(inner, request):
        inner(request)
        if request.method in ("GET", "DELETE") and "json" not in request.headers.get("content-type", ""):
            raise ScimError(406, "Only application/scim+json type is accepted.")
    wrap(app, "acceptable", acceptable)


@bug("email-made-of-username")
def made_up(app):
    """Who has no e-mail is shown with one that is made of the userName, in all answers."""
    edit(app.render, "full", lambda out, record: is_users(record.rtype) and "emails" not in out and out.update(
        emails=[{"value": record.data["userName"], "type": "work", "primary": True}]))


@bug("user-groups-late-nesting-one-level")
def late_nesting(app):
    """When a group that has members joins another one, its members get that group and none of those above it."""
    late = set()

    def members(inner, record, members):
        before = {m["value"] for m in record.data.get("members", ())}
        out = inner(record, members)
        for m in out:
            joined = app.store.records[m["value"]]
            if m["value"] not in before and joined.data.get("members") and app.store.parents(record.id):
                late.add((m["value"], record.id))
        return out
    wrap(app.service, "members", members)

    def groups(inner, record):
        found, todo = {}, [(group, "direct", record.id) for group in app.store.parents(record.id)]
        while todo:
            group, kind, below = todo.pop(0)
            if group.id not in found:
                found[group.id] = {"value": group.id, "$ref": app.render.location(group),
                                   "display": group.data["displayName"], "type": kind}
                if (below, group.id) not in late:
                    todo += [(above, "indirect", group.id) for above in app.store.parents(group.id)]
        return list(found.values())
    wrap(app.render, "groups", groups)


@bug("root-filter-meta-400")
def root_meta(app):
    """A query over all types cannot be filtered by meta (meta.resourceType eq "User"): 400; queries of one type can."""
    def condition(inner, rtype, text, forgiving):
        if forgiving and text and "meta." in text.lower():
            raise bad("invalidFilter", "unknown attribute 'meta'")
        return inner(rtype, text, forgiving)
    wrap(app.listing, "condition", condition)
