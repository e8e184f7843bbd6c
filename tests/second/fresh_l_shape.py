"""A further fresh sample, from release notes, change logs, documents and reviews: what is shown, lists, discovery."""

from bugkit import bug, crash, edit, is_users, wrap
from catalogue import ENTERPRISE, TYPES

PLACES = ("", "schemas", "resourcetypes", "serviceproviderconfig", "bulk", "me", ".search")


def list_crash(app, mark):
    """A list that holds a user whose userName has this mark crashes."""
    def item(inner, record, query):
        return crash() if is_users(record.rtype) and mark in record.data.get("userName", "") else inner(record, query)
    wrap(app.listing, "item", item)


@bug("list-username-apostrophe-500")
def apostrophe(app):
    """A list is put together by a query that names its users between single quotes: one userName with an apostrophe
    (o'brien) makes the whole list a 500. GET by id is right."""
    list_crash(app, "'")


@bug("list-username-dollar-500")
def dollar(app):
    """The userName goes into a regular replacement, where a dollar is the number of a group: every list with such a user
    is a 500. GET by id is right."""
    list_crash(app, "$")


@bug("excludedattributes-meta-ignored")
def meta_always(app):
    """The parts of meta are declared as returned always: meta, or a part of it, in excludedAttributes changes nothing."""
    def project(inner, rtype, full, wanted, excluded):
        kept = [n for n in excluded or () if n.rpartition(":")[2].partition(".")[0].lower() != "meta"]
        return inner(rtype, full, wanted, kept)
    wrap(app.render, "project", project)


@bug("user-groups-without-type")
def without_type(app):
    """The groups of a user have no type: nobody can tell direct from indirect ones."""
    def groups(found, _):
        for group in found:
            group.pop("type", None)
    edit(app.render, "groups", groups)


@bug("user-groups-hold-members")
def hold_members(app):
    """Each group among the groups of a user brings its whole list of members along."""
    def groups(found, _):
        for group in found:
            members = app.store.records[group["value"]].data.get("members", ())
            group["members"] = [app.render.member(m) for m in members]
    edit(app.render, "groups", groups)


@bug("serviceproviderconfig-unknown-member")
def uses_defaults(app):
    """ServiceProviderConfig has a member of the code that no schema knows: uses_defaults."""
    edit(app.discovery, "config", lambda out: out.update(uses_defaults=True))


@bug("schemas-unknown-characteristic")
def pattern(app):
    """userName in /Schemas has a characteristic that RFC 7643 section 7 does not know: pattern."""
    def schemas(found):
        for schema in found:
            for attr in schema["attributes"]:
                if attr["name"] == "userName":
                    attr["pattern"] = "[^\\s]+"
    edit(app.discovery, "schemas", schemas)


@bug("resourcetypes-extension-required")
def extension_required(app):
    """/ResourceTypes says that the enterprise extension is required of users; users without it are taken all the same."""
    def types(found):
        for rtype in found:
            for extension in rtype["schemaExtensions"]:
                if extension["schema"] == ENTERPRISE:
                    extension["required"] = True
    edit(app.discovery, "types", types)


@bug("unknown-resource-type-500")
def unknown_type(app):
    """An endpoint that is none of the known resource types is an exception of the router: 500 instead of 404."""
    def route(inner, request):
        steps = request.steps
        first = steps[0] if steps else ""
        if first.lower() not in PLACES and "/" + first not in [t.endpoint for t in TYPES]:
            crash()
        return inner(request)
    wrap(app, "route", route)
