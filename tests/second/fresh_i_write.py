"""A further fresh sample of public reports: what is written to users and groups."""

from bugkit import bug, crash, crash_if, edit, is_groups, is_users, lower, refuse_if, wrap
from errors import ScimError, bad
from fresh_a_create import objects
from fresh_b_patch import brackets, path_of, verb_of
from fresh_h_group import brought
from store import Record

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user"


@bug("patch-remove-filter-sw-ignored")
def remove_sw(app):
    """remove at roles[value sw "..."]: only eq is understood in the filter; anything else is 200 and nothing leaves."""
    def chosen(inner, base, path):
        if " eq " in path.filter.lower() or path.attr.name == "members":
            inner(base, path)
    wrap(app.patcher, "remove_chosen", chosen)


@bug("create-case-variant-500")
def case_variant(app):
    """The look-up of a create compares userName with case, the unique index without: a variant in other case is a 500,
    the same spelling a 409."""
    def create(inner, tenant, rtype, body):
        name = lower(body).get("username")
        if is_users(rtype) and isinstance(name, str):
            names = [r.data.get("userName", "") for r in app.store.all(tenant, rtype)]
            if name not in names and name.lower() in [n.lower() for n in names]:
                crash()
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)


@bug("manager-without-value-400")
def manager_value(app):
    """manager.value is required: a manager of whom only the displayName is sent, as Okta does, is refused."""
    def bare(body):
        manager = lower(lower(body).get(ENTERPRISE) or {}).get("manager")
        return isinstance(manager, dict) and manager and "value" not in lower(manager)
    for method in ("create", "replace"):
        refuse_if(app.service, method, lambda *given: bare(given[-1]), bad("invalidValue", "manager.value is required"))


@bug("patch-filter-path-updates-primary")
def updates_primary(app):
    """emails[...].value: a change of an e-mail goes to the primary one, whichever the filter names."""
    def chosen(inner, base, op, path, value):
        first = [v for v in base.get("emails", ()) if v.get("primary")]
        if path.attr.name != "emails" or not first or not app.patcher.matching(base, path):
            return inner(base, op, path, value)
        usual, app.patcher.matching = app.patcher.matching, lambda *_: first
        try:
            return inner(base, op, path, value)
        finally:
            app.patcher.matching = usual
    wrap(app.patcher, "chosen", chosen)


@bug("patch-manager-string-400")
def manager_string(app):
    """PATCH of manager with a plain string, as Entra sends it, is refused; an object is taken."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: path_of(o).lower().endswith(":user:manager")
              and isinstance(lower(o).get("value"), str), bad("invalidValue", "'manager' must be an object"))


@bug("create-with-known-id-overwrites")
def known_id(app):
    """A create whose body has the id of a user writes that user anew: 201, and the old one's data are gone."""
    def create(inner, tenant, rtype, body):
        old = app.store.get(tenant, rtype, lower(body).get("id")) if is_users(rtype) else None
        if old is None:
            return inner(tenant, rtype, body)
        app.service.replace(old, body)
        return old
    wrap(app.service, "create", create)


@bug("patch-pathless-id-400")
def pathless_id(app):
    """A replace of a user without a path that holds id, schemas or meta, as Okta sends it, is refused."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: is_users(rtype) and not path_of(o)
              and {"id", "schemas", "meta"} & set(lower(lower(o).get("value"))),
              ScimError(400, "attribute is read only", "mutability"))


@bug("patch-pathless-replace-needs-username")
def pathless_whole(app):
    """A replace without a path is taken for the whole user: without userName, as in {"active": false}, it is a 400."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: is_users(rtype) and verb_of(o) == "replace"
              and not path_of(o) and "username" not in lower(lower(o).get("value")),
              bad("invalidValue", "'userName' is required"))


@bug("patch-username-renames-email")
def renames_email(app):
    """The address is the login: PATCH or PUT of userName writes it into the (primary or first) e-mail too."""
    def change(inner, record, data):
        new = data.get("userName")
        if is_users(record.rtype) and new != record.data.get("userName") and data.get("emails"):
            at = next((i for i, v in enumerate(data["emails"]) if v.get("primary")), 0)
            data = {**data, "emails": [{**v, "value": new} if i == at else v for i, v in enumerate(data["emails"])]}
        return inner(record, data)
    wrap(app.store, "change", change)


@bug("emails-primary-or-first-only")
def one_email(app):
    """POST and PUT keep one e-mail: the primary one, or the first when none is primary. PATCH can add more."""
    def keep(data, rtype, body):
        if data.get("emails"):
            data["emails"] = ([v for v in data["emails"] if v.get("primary")] or data["emails"])[:1]
    edit(app.reader, "resource", keep)


@bug("put-405-empty")
def put_405(app):
    """There is no PUT, neither for users nor for groups: 405 with an empty body; discovery does not know."""
    from app import Response
    wrap(app, "handle", lambda inner, request: Response(405, None, {"Allow": "GET, PATCH, DELETE"})
         if request.method == "PUT" else inner(request))


@bug("patch-add-extension-path-500")
def add_extension(app):
    """add with the path of an attribute of an extension is an exception; replace and add without a path work."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: verb_of(o) == "add"
             and path_of(o).lower().startswith("urn:") and ":extension:" in path_of(o).lower())


@bug("nested-group-becomes-user")
def becomes_user(app):
    """Every member is taken for a user: a group that joins a group becomes, besides, a new user named by its id."""
    def members(inner, record, members):
        for m in members:
            found = app.store.any(record.tenant, m["value"])
            users = next(r for r in __import__("catalogue").TYPES if is_users(r))
            if found and is_groups(found.rtype) and not any(
                    r.data.get("userName") == found.id for r in app.store.all(record.tenant, users)):
                app.store.add(Record(record.tenant, users, {"userName": found.id, "active": True}))
        return inner(record, members)
    wrap(app.service, "members", members)


@bug("group-remove-unknown-creates-user")
def unknown_created(app):
    """PATCH remove of a member whose id nobody has first creates a user with that userName, then takes it out."""
    def patch(inner, record, body):
        users = next(r for r in __import__("catalogue").TYPES if is_users(r))
        for o in objects(body, "Operations"):
            if is_groups(record.rtype) and verb_of(o) == "remove" and path_of(o).lower().startswith("members"):
                named = [m.get("value") for m in brought(o)] + (brackets(path_of(o)).split('"')[1:2])
                for rid in named:
                    if isinstance(rid, str) and rid and app.store.any(record.tenant, rid) is None and not any(
                            r.data["userName"] == rid for r in app.store.all(record.tenant, users)):
                        app.store.add(Record(record.tenant, users, {"userName": rid, "active": True}))
        return inner(record, body)
    wrap(app.service, "patch", patch)


@bug("delete-group-deactivates-members")
def deactivates(app):
    """Who was provisioned through a group goes with it: DELETE of a group makes inactive who is in no other group."""
    def delete(inner, record):
        members = [m["value"] for m in record.data.get("members", ())] if is_groups(record.rtype) else []
        inner(record)
        for rid in members:
            user = app.store.records.get(rid)
            if user and is_users(user.rtype) and not app.store.parents(rid):
                app.store.change(user, {**user.data, "active": False})
    wrap(app.service, "delete", delete)


@bug("group-add-recreated-user-404")
def recreated(app):
    """Who was deleted and created again under the same userName cannot be put into a group: 404 "User not found"."""
    gone = set()

    def delete(inner, record):
        inner(record)
        if is_users(record.rtype):
            gone.add((record.tenant, record.data["userName"].lower()))
    wrap(app.service, "delete", delete)

    def members(inner, record, members):
        for m in members:
            found = app.store.any(record.tenant, m["value"])
            if found and (record.tenant, found.data.get("userName", "").lower()) in gone:
                raise ScimError(404, "User not found")
        return inner(record, members)
    wrap(app.service, "members", members)


@bug("put-body-unvalidated")
def unvalidated(app):
    """Nobody looks at the body of a PUT: simple values of the wrong type are thanked for and stored as they came."""
    def one(inner, attr, value):
        try:
            return inner(attr, value)
        except ScimError:
            if attr.type == "complex" or not vars(app.reader).get("loose"):
                raise
            return value
    wrap(app.reader, "one", one)

    def replace(inner, record, body):
        app.reader.loose = True
        try:
            return inner(record, body)
        finally:
            app.reader.loose = False
    wrap(app.service, "replace", replace)
