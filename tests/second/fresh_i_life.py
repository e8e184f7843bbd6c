"""A further fresh sample of public reports: lifecycle, effects across resources, discovery."""

from app import Response
from bugkit import bug, crash_if, edit, is_users, wrap
from errors import ScimError


@bug("delete-referenced-deactivates")
def delete_referenced(app):
    """DELETE of a user who is referenced (a member of a group) falls back to deactivation: 204, and the user can still
    be read, inactive, and is still a member. Others are deleted."""
    def delete(inner, record):
        if is_users(record.rtype) and app.store.parents(record.id):
            return app.store.change(record, {**record.data, "active": False})
        return inner(record)
    wrap(app.service, "delete", delete)


@bug("delete-referenced-500")
def delete_crash(app):
    """DELETE of a user to whom another table refers (a member of a group) breaks a foreign key: 500, nothing is deleted."""
    crash_if(app.service, "delete", lambda record: is_users(record.rtype) and app.store.parents(record.id))


@bug("deactivate-hits-shared-email")
def shared_email(app):
    """Deactivation goes by the address: every user who has the same first e-mail becomes inactive with this one."""
    def first(data):
        return next((v.get("value") for v in data.get("emails", ())), None)

    def change(inner, record, data):
        was = record.data.get("active")
        inner(record, data)
        if is_users(record.rtype) and was and data.get("active") is False and first(data):
            for other in app.store.all(record.tenant, record.rtype):
                if other is not record and first(other.data) == first(data) and other.data.get("active"):
                    inner(other, {**other.data, "active": False})
    wrap(app.store, "change", change)


@bug("group-join-overwrites-roles")
def overwrites_roles(app):
    """Who joins a group gets the role of the group in the place of the roles that were assigned to the user."""
    def members(inner, record, members):
        known = record.id in app.store.records
        before = {m["value"] for m in record.data.get("members", ())} if known else set()
        out = inner(record, members)
        for m in out:
            user = app.store.records.get(m["value"])
            if m["value"] not in before and is_users(user.rtype) and user.data.get("roles"):
                app.store.change(user, {**user.data, "roles": [{"value": "member"}]})
        return out
    wrap(app.service, "members", members)


@bug("list-range-422")
def range_422(app):
    """startIndex below 1, or count below 0 or above 100, is turned down by the framework: 422 with its own list of
    errors."""
    def handle(inner, request):
        try:
            if request.method == "GET" and request.steps in (["Users"], ["Groups"]):
                start, count = (int(request.query.get(n) or d) for n, d in (("startIndex", 1), ("count", 20)))
                if start < 1 or not 0 <= count <= 100:
                    return Response(422, {"detail": [{"type": "greater_than_equal", "loc": ["query", "startIndex"],
                                                      "msg": "Input should be greater than or equal to 1"}]})
        except (ValueError, ScimError):
            pass
        return inner(request)
    wrap(app, "handle", handle)


@bug("attributes-absent-400")
def absent(app):
    """A list with attributes=…phoneNumbers is a 400 when one of the users has no phone number."""
    def item(inner, record, query):
        if any(n.lower().startswith("phonenumbers") for n in query.attributes) and is_users(record.rtype) \
                and not record.data.get("phoneNumbers"):
            raise ScimError(400, "Unable to retrieve results: phoneNumbers is null")
        return inner(record, query)
    wrap(app.listing, "item", item)


def user_attr(app, name, **change):
    """Changes how /Schemas describes one attribute of users."""
    def schemas(items):
        user = next(i for i in items if i["id"].endswith("core:2.0:User"))
        next(a for a in user["attributes"] if a["name"] == name).update(change)
    edit(app.discovery, "schemas", schemas)


@bug("schemas-username-immutable")
def immutable_name(app):
    """/Schemas says that userName is immutable, though it can be changed."""
    user_attr(app, "userName", mutability="immutable")


@bug("schemas-groups-readwrite")
def groups_writable(app):
    """/Schemas says readWrite of attributes that cannot be written: groups of a user."""
    user_attr(app, "groups", mutability="readWrite")


@bug("username-must-be-email-400")
def must_be_email(app):
    """A new user is an invitation by mail: a userName that is no address is refused, in the words of the form."""
    def create(inner, request, rtype, rest):
        body = request.body or {}
        name = next((v for k, v in body.items() if k.lower() == "username"), "@")
        if request.method == "POST" and not rest and is_users(rtype) and "@" not in str(name):
            return Response(400, {"email": ["Enter a valid email address."]})
        return inner(request, rtype, rest)
    wrap(app, "resources", create)


@bug("group-create-always-500")
def group_create(app):
    """Every create of a group is a 500 of the product ("Find one"), and no group is there afterwards."""
    def create(inner, request, rtype, rest):
        if request.method == "POST" and not rest and rtype.name == "Group":
            return Response(500, {"statusCode": 500, "message": "Something went wrong", "error": "Find one"})
        return inner(request, rtype, rest)
    wrap(app, "resources", create)


@bug("list-second-page-one-back")
def one_back(app):
    """Lists count from 0 and from 1: startIndex 0, 1 and 2 begin with the same entry, every later page one too early,
    and behind the last entry comes the last one once more."""
    wrap(app.listing, "page", lambda inner, found, q: found[max(0, q.start - 2):max(0, q.start - 2) + q.count])


