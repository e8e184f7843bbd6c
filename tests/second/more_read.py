"""Plausible bugs of reading: representations, meta, versions, attributes and excludedAttributes."""

from bugkit import bug, edit, is_groups, is_users, wrap
from catalogue import ENTERPRISE
from errors import ScimError


def shown(app, change):
    """Every representation, changed: `change(body, record)`."""
    edit(app.render, "shown", lambda body, record, *_: change(body, record))


@bug("id-number")
def number(app):
    """The id is an integer in JSON."""
    def add(inner, record):
        record.id = str(1000 + app.store.revision)
        return inner(record)
    wrap(app.store, "add", add)
    shown(app, lambda body, record: body.update(id=int(body["id"])) if "id" in body else None)


@bug("id-case-insensitive")
def id_case(app):
    """The key column has a collation without case."""
    wrap(app.store, "get", lambda inner, tenant, rtype, rid: inner(tenant, rtype, rid.lower()))


@bug("user-found-under-groups")
def any_type(app):
    """One table, one look-up."""
    app.store.get = lambda tenant, rtype, rid: app.store.any(tenant, rid)


@bug("active-string")
def active_string(app):
    """"true"."""
    shown(app, lambda body, record: "active" in body and body.update(active=str(body["active"]).lower()))


@bug("active-number")
def active_number(app):
    """TINYINT(1)."""
    shown(app, lambda body, record: "active" in body and body.update(active=int(body["active"])))


@bug("active-never-shown")
def active_hidden(app):
    """The state is kept elsewhere and not joined."""
    shown(app, lambda body, record: body.pop("active", None))


@bug("unset-attributes-null")
def nulls(app):
    """The serializer writes every field."""
    def change(body, record):
        for attr in record.rtype.schema.attrs:
            if attr.returned == "default":
                body.setdefault(attr.name, None)
    shown(app, change)


@bug("unset-strings-empty")
def empties(app):
    """Go: fields without omitempty."""
    def change(body, record):
        for attr in record.rtype.schema.attrs:
            if attr.returned == "default" and attr.type == "string":
                body.setdefault(attr.name, "")
    shown(app, change)


@bug("emails-single-object")
def single(app):
    """A list of one is unwrapped."""
    shown(app, lambda body, record: len(body.get("emails", ())) == 1 and body.update(emails=body["emails"][0]))


@bug("snake-case-names")
def snake(app):
    """The naming policy of the framework."""
    def change(body, record):
        for old, new in (("userName", "user_name"), ("displayName", "display_name"), ("externalId", "external_id")):
            if old in body:
                body[new] = body.pop(old)
    shown(app, change)


@bug("schemas-string")
def schemas_string(app):
    """A string instead of a list."""
    shown(app, lambda body, record: body.update(schemas=body["schemas"][0]))


@bug("schemas-empty")
def schemas_empty(app):
    """An empty list."""
    app.render.schemas = lambda record: []


@bug("user-groups-missing")
def no_groups(app):
    """Announced in the schema, never filled."""
    app.render.groups = lambda record: []


@bug("user-groups-direct-only-named-wrong")
def wrong_groups(app):
    """value holds the name."""
    edit(app.render, "groups", lambda out, record: [g.update(value=g["display"]) for g in out])


@bug("user-groups-stale-name")
def stale_groups(app):
    """The display is copied when the member is added."""
    names = {}

    def groups(out, record):
        for group in out:
            group["display"] = names.setdefault(group["value"], group["display"])
    edit(app.render, "groups", groups)


@bug("member-value-is-username")
def member_name(app):
    """value holds what people read."""
    edit(app.render, "member", lambda out, member: out.get("display") and out.update(value=out["display"]))


@bug("member-value-is-url")
def member_url(app):
    """value holds the address."""
    edit(app.render, "member", lambda out, member: out.get("$ref") and out.update(value=out["$ref"]))


@bug("member-ref-wrong-type")
def member_ref(app):
    """$ref leads to /Groups for everybody."""
    edit(app.render, "member", lambda out, member: "$ref" in out and out.update(
        {"$ref": out["$ref"].replace("/Users/", "/Groups/")}))


@bug("members-cut-at-ten")
def members_cut(app):
    """The association is loaded with a limit."""
    edit(app.render, "full", lambda out, record: "members" in out and out.update(members=out["members"][:10]))


@bug("members-cut-at-hundred")
def members_hundred(app):
    """As above, with a limit that small tests do not reach."""
    edit(app.render, "full", lambda out, record: "members" in out and out.update(members=out["members"][:100]))


@bug("extension-flattened")
def flat(app):
    """department stands beside userName."""
    shown(app, lambda body, record: body.update(body.pop(ENTERPRISE, {})))


@bug("manager-display-name-null")
def manager_null(app):
    """{"value": ..., "displayName": null}."""
    edit(app.render, "manager", lambda out, *_: out.setdefault("displayName", None))


@bug("get-group-without-members")
def lean_group(app):
    """GET by id does not join."""
    edit(app, "do_get", lambda answer, request, record: answer.body.pop("members", None))


@bug("get-without-schemas")
def lean_get(app):
    """GET by id uses another serializer."""
    edit(app, "do_get", lambda answer, request, record: answer.body.pop("schemas", None))


@bug("get-inactive-404")
def hidden(app):
    """The default scope of the model leaves out who is inactive."""
    def find(inner, tenant, rtype, rid):
        record = inner(tenant, rtype, rid)
        if record.data.get("active") is False:
            raise ScimError(404, "not found")
        return record
    wrap(app.service, "find", find)


@bug("attributes-ignored")
def attributes(app):
    """The parameter is not looked at."""
    wrap(app.render, "project", lambda inner, rtype, full, wanted, excluded: inner(rtype, full, None, excluded))


@bug("excludedattributes-ignored-on-users")
def excluded(app):
    """The parameter is looked at for groups only."""
    wrap(app.render, "project", lambda inner, rtype, full, wanted, excluded:
         inner(rtype, full, wanted, None if is_users(rtype) else excluded))


def dropped(app, name):
    """An attribute that is returned always has to be asked for."""
    def project(inner, rtype, full, wanted, excluded):
        out = inner(rtype, full, wanted, excluded)
        if wanted and name not in wanted:
            out.pop(name)
        return out
    wrap(app.render, "project", project)


@bug("attributes-drops-id")
def drops_id(app):
    """Only what was asked for."""
    dropped(app, "id")


@bug("attributes-drops-schemas")
def drops_schemas(app):
    """Only what was asked for, and the id."""
    dropped(app, "schemas")


@bug("excludedattributes-removes-id")
def removes_id(app):
    """What is returned always is left out all the same."""
    def project(inner, rtype, full, wanted, left_out):
        out = inner(rtype, full, wanted, left_out)
        return {k: v for k, v in out.items() if k not in (left_out or ())}
    wrap(app.render, "project", project)


@bug("attributes-case-sensitive")
def exact(app):
    """The list is compared with the keys."""
    wrap(app.render, "targets", lambda inner, rtype, names: {
        t for t in inner(rtype, names) if t[1] is None or any(n.split(":")[-1].startswith(t[1]) for n in names)})


@bug("attributes-sub-returns-whole")
def whole(app):
    """name.familyName is cut at the dot."""
    wrap(app.render, "targets", lambda inner, rtype, names: {(u, a, None) for u, a, _ in inner(rtype, names)})


@bug("attributes-sub-returns-nothing")
def nothing(app):
    """name.familyName is no key."""
    wrap(app.render, "targets", lambda inner, rtype, names: {t for t in inner(rtype, names) if not t[2]})


@bug("attributes-urn-returns-nothing")
def no_urn(app):
    """A name with colons is no key."""
    wrap(app.render, "targets", lambda inner, rtype, names: inner(rtype, [n for n in names if ":" not in n]))


@bug("attributes-split-without-trim")
def untrimmed(app):
    """Only the first name of `a, b` is found."""
    wrap(app.listing, "query", lambda inner, given: inner({**given, "attributes": [
        n for n in (given.get("attributes") or "").split(",") if not n.startswith(" ")]}
        if isinstance(given.get("attributes"), str) else given))


@bug("attributes-ignored-in-list")
def list_attributes(app):
    """Only GET by id looks at it."""
    app.listing.item = lambda record, query: app.render.shown(record)


@bug("attributes-ignored-on-write")
def write_attributes(app):
    """Only GET looks at it."""
    def answer(inner, request, record, status):
        if request.method == "GET":
            return inner(request, record, status)
        request.target = request.target.split("?")[0]
        return inner(request, record, status)
    wrap(app, "shown", answer)


@bug("excluded-sub-ignored")
def excluded_sub(app):
    """excludedAttributes=name.familyName is no key."""
    wrap(app.render, "trimmed", lambda inner, attr, value, subs, drop: inner(attr, value, subs, set()))


@bug("request-only-attribute-always-shown")
def request_only(app):
    """`returned` is announced and not kept."""
    def attribute(inner, attr, urn, value, chosen, left_out):
        if attr.returned == "request":
            return value
        return inner(attr, urn, value, chosen, left_out)
    wrap(app.render, "attribute", attribute)


@bug("password-on-demand")
def password(app):
    """attributes=password shows it."""
    def attribute(inner, attr, urn, value, chosen, left_out):
        if attr.name == "password" and chosen and (None, "password", None) in chosen:
            return value
        return inner(attr, urn, value, chosen, left_out)
    wrap(app.render, "attribute", attribute)


@bug("group-type-of-members-wrong")
def member_type(app):
    """type is "user", as the class is called in the database."""
    edit(app.render, "member", lambda out, member: "type" in out and out.update(type=out["type"].lower()))


@bug("groups-external-id-hidden")
def group_external(app):
    """externalId of groups is kept and not shown."""
    shown(app, lambda body, record: is_groups(record.rtype) and body.pop("externalId", None))
