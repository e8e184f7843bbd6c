"""Plausible bugs of PATCH: operations understood in another way than RFC 7644 section 3.5.2 means them."""

from bugkit import bug, crash, is_users, lower, refuse_if, wrap
from catalogue import ENTERPRISE
from errors import ScimError, bad


def operation(app, change):
    """Every operation, changed before it is applied; None skips it."""
    def around(inner, rtype, data, given):
        given = change(rtype, lower(given))
        return inner(rtype, data, given) if given else None
    wrap(app.patcher, "operation", around)


@bug("patch-string-false-is-true")
def truthy(app):
    """bool("False")."""
    wrap(app.reader, "as_boolean", lambda inner, attr, value:
         bool(value) if isinstance(value, str) else inner(attr, value))


@bug("patch-string-boolean-rejected")
def strict_boolean(app):
    """Strict, as the schema is: Entra's "False" is no boolean."""
    refuse_if(app.reader, "as_boolean", lambda attr, value: isinstance(value, str),
              bad("invalidValue", "not a boolean"))


@bug("patch-string-boolean-stored")
def string_boolean(app):
    """The value is stored as it came."""
    wrap(app.reader, "as_boolean", lambda inner, attr, value: inner(attr, value) and value)


def drops_rest(app, wrong):
    """One operation puts its value in the place of a complex attribute, instead of into it."""
    def attribute(inner, base, op, attr, value):
        if attr.type == "complex" and not attr.multi and op == wrong:
            base.pop(attr.name, None)
        return inner(base, op, attr, value)
    wrap(app.patcher, "attribute", attribute)


@bug("patch-replace-complex-drops-rest")
def complex_replaced(app):
    """user.name = value."""
    drops_rest(app, "replace")


@bug("patch-add-complex-drops-rest")
def complex_added(app):
    """The same for add."""
    drops_rest(app, "add")


@bug("patch-pathless-replace-drops-rest")
def pathless_put(app):
    """Without a path the value is the new resource."""
    def pathless(inner, rtype, data, op, value):
        if op == "replace" and is_users(rtype):
            for name in [n for n in data if n not in ("userName", "active")]:
                data.pop(name)
        return inner(rtype, data, op, value)
    wrap(app.patcher, "pathless", pathless)


@bug("patch-pathless-add-ignored")
def pathless_add(app):
    """Only replace may come without a path."""
    wrap(app.patcher, "pathless", lambda inner, rtype, data, op, value:
         None if op == "add" else inner(rtype, data, op, value))


@bug("patch-pathless-extension-ignored")
def pathless_extension(app):
    """Keys with colons are passed over."""
    wrap(app.patcher, "key", lambda inner, rtype, name: None if name.startswith("urn:") else inner(rtype, name))


@bug("patch-pathless-urn-key-ignored")
def pathless_urn(app):
    """{"urn:...:User:department": ...}, as Entra sends it, is passed over."""
    wrap(app.patcher, "key", lambda inner, rtype, name:
         None if name.lower().startswith(ENTERPRISE.lower() + ":") else inner(rtype, name))


@bug("patch-urn-path-rejected")
def urn_path(app):
    """A path with colons is no path."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: str(lower(o).get("path")).startswith("urn:"),
              bad("invalidPath", "unknown path"))


@bug("patch-urn-path-ignored")
def urn_ignored(app):
    """The path is split at the dot of 2.0, and what results is stored where nobody looks."""
    operation(app, lambda rtype, o: None if str(o.get("path")).startswith("urn:") else o)


@bug("patch-only-first-operation")
def first_only(app):
    """Operations[0]."""
    wrap(app.patcher, "operations", lambda inner, body: inner(body)[:1])


@bug("patch-only-last-operation")
def last_only(app):
    """The changes are collected in a map by op, the last one wins."""
    wrap(app.patcher, "operations", lambda inner, body: list({o["op"]: o for o in inner(body)}.values()))


@bug("patch-operations-by-kind")
def by_kind(app):
    """First all removes, then all adds, then all replaces."""
    wrap(app.patcher, "operations", lambda inner, body: sorted(
        inner(body), key=lambda o: ("remove", "add", "replace").index(o["op"].lower())))


@bug("patch-path-case-sensitive")
def path_case(app):
    """A switch over path; `UserName` falls through."""
    known = ("userName", "displayName", "title", "active", "emails", "name", "members", "externalId", "nickName")
    operation(app, lambda rtype, o: None if o.get("path") and o["path"] not in known
              and o["path"].lower() in [k.lower() for k in known] else o)


@bug("patch-unknown-op-ignored")
def unknown_op(app):
    """A switch without default."""
    operation(app, lambda rtype, o: o if str(o.get("op")).lower() in ("add", "replace", "remove") else None)


@bug("patch-unknown-path-ignored")
def unknown_path(app):
    """What is not known is passed over with success."""
    def around(inner, rtype, data, given):
        try:
            return inner(rtype, data, given)
        except ScimError as error:
            if error.scim_type != "invalidPath":
                raise
            return None
    wrap(app.patcher, "operation", around)


@bug("patch-remove-without-path-wipes")
def wipes(app):
    """Nothing named means everything."""
    def pathless(inner, rtype, data, op, value):
        if op == "remove":
            for name in [n for n in data if n not in ("userName", "displayName", "active")]:
                data.pop(name)
            return None
        return inner(rtype, data, op, value)
    wrap(app.patcher, "pathless", pathless)


@bug("patch-remove-without-path-accepted")
def no_target(app):
    """Nothing named means nothing to do."""
    wrap(app.patcher, "pathless", lambda inner, rtype, data, op, value:
         None if op == "remove" else inner(rtype, data, op, value))


@bug("patch-readonly-accepted")
def read_only(app):
    """Read-only attributes are passed over with success."""
    def targeted(inner, rtype, data, op, path, value):
        if path.attr and "readOnly" in (path.attr.mutability, path.leaf.mutability):
            return None
        return inner(rtype, data, op, path, value)
    wrap(app.patcher, "targeted", targeted)


@bug("patch-id-changes")
def id_changes(app):
    """All columns may be written."""
    def patch(inner, record, body):
        for o in body.get("Operations") or ():
            if lower(o).get("path") == "id" and isinstance(lower(o).get("value"), str):
                app.store.records.pop(record.id)
                record.id = lower(o)["value"]
                return app.store.add(record)
        return inner(record, body)
    wrap(app.service, "patch", patch)


@bug("patch-remove-required-accepted")
def required(app):
    """The name goes, the user stays."""
    def finish(inner, rtype, before, data):
        for name in ("userName", "displayName"):
            if rtype.attr(name).required:
                data.setdefault(name, "")
    wrap(app.patcher, "finish", finish)


@bug("patch-immutable-changes")
def immutable(app):
    """`mutability` is announced and not kept."""
    app.patcher.finish = lambda rtype, before, data: None


@bug("put-immutable-changes")
def put_immutable(app):
    """`mutability` is announced and not kept by PUT."""
    app.service.keep = lambda record, new: new.setdefault("active", True) if "active" in record.data else None


@bug("patch-remove-sub-removes-element")
def whole_element(app):
    """emails[type eq "work"].display: the sub-attribute is cut off before the delete."""
    def remove(inner, base, path):
        for item in app.patcher.matching(base, path):
            base[path.attr.name].remove(item)
        app.patcher.tidy(base, path.attr)
    wrap(app.patcher, "remove_chosen", remove)


@bug("patch-remove-filter-removes-all")
def removes_all(app):
    """The filter is cut off before the delete."""
    wrap(app.patcher, "remove_chosen", lambda inner, base, path: base.pop(path.attr.name)
         if path.attr.name != "members" else inner(base, path))


@bug("patch-filter-always-first")
def always_first(app):
    """emails[0], whatever the filter says."""
    wrap(app.patcher, "matching", lambda inner, base, path: base.get(path.attr.name, [])[:1]
         if path.attr.name != "members" else inner(base, path))


@bug("patch-filter-second-condition-ignored")
def first_condition(app):
    """A regular expression for type eq "...", and no more."""
    def compiled(inner, attr, text):
        node = inner(attr, text)
        while node[0] in ("and", "or"):
            node = node[1]
        return node
    wrap(app.filters, "compile_values", compiled)


@bug("patch-filter-only-type")
def only_type(app):
    """Other sub-attributes than type are not understood: nothing matches, nothing is said."""
    wrap(app.filters, "compile_values", lambda inner, attr, text:
         inner(attr, text) if "type" in text or attr.name == "members" else ("never",))
    app.filters.on_never = lambda node, resource: False
    app.patcher.fresh = lambda base, path: {}


@bug("patch-filter-dots-split")
def dots(app):
    """path.split("."): an address in the filter tears it apart."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o:
              "." in str(lower(o).get("path")).partition("[")[2].partition("]")[0], bad("invalidPath", "cannot parse"))


@bug("patch-add-duplicates-value")
def duplicates(app):
    """push(value) without a look."""
    def plural(inner, base, op, attr, value):
        if op != "add" or attr.name == "members":
            return inner(base, op, attr, value)
        given = value if isinstance(value, list) else [value]
        base[attr.name] = base.get(attr.name, []) + app.reader.value(attr, given)
        return None
    wrap(app.patcher, "plural", plural)


@bug("patch-replace-multivalued-appends")
def appends(app):
    """replace and add share their code."""
    wrap(app.patcher, "plural", lambda inner, base, op, attr, value:
         inner(base, op if attr.name == "members" else "add", attr, value))


@bug("username-immutable-silently")
def immutable_name(app):
    """userName is the key; a rename is thanked for and forgotten."""
    def change(inner, record, data):
        return inner(record, {**data, "userName": record.data["userName"]} if is_users(record.rtype) else data)
    wrap(app.store, "change", change)


@bug("external-id-cannot-change")
def external_fixed(app):
    """externalId is written once."""
    def change(inner, record, data):
        return inner(record, {**data, "externalId": record.data["externalId"]} if "externalId" in record.data else data)
    wrap(app.store, "change", change)


@bug("patch-sub-of-absent-500")
def absent_parent(app):
    """user.name.givenName of a user without name."""
    wrap(app.patcher, "sub", lambda inner, base, path, value:
         inner(base, path, value) if path.attr.name in base else crash())


@bug("patch-remove-absent-400")
def absent(app):
    """What is not there cannot be removed."""
    refuse_if(app.patcher, "remove", lambda base, path, value: path.attr.name not in base, bad("noTarget", "not there"))


@bug("patch-manager-remove-ignored")
def manager_stays(app):
    """remove knows the core attributes."""
    wrap(app.patcher, "remove", lambda inner, base, path, value: None if path.urn else inner(base, path, value))


@bug("patch-extension-drops-rest")
def extension_drops(app):
    """The row of the extension is written anew at each change."""
    def targeted(inner, rtype, data, op, path, value):
        if path.urn and path.attr and op != "remove":
            data.pop(path.urn, None)
        return inner(rtype, data, op, path, value)
    wrap(app.patcher, "targeted", targeted)


@bug("patch-null-stored")
def null_stored(app):
    """null is written and shown."""
    def attribute(inner, base, op, attr, value):
        inner(base, op, attr, value)
        if value is None:
            base[attr.name] = None
    wrap(app.patcher, "attribute", attribute)


@bug("patch-empty-list-ignored")
def empty_list(app):
    """if (value.length)."""
    wrap(app.patcher, "plural", lambda inner, base, op, attr, value:
         None if value == [] else inner(base, op, attr, value))
