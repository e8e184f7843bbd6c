"""A last fresh sample of public reports: groups and their members."""

import re
from contextlib import suppress

from bugkit import bug, crash_if, edit, is_groups, lower, refuse_if, wrap
from errors import ScimError, bad
from fresh_a_create import objects
from fresh_b_patch import path_of, verb_of

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def brought(operation):
    """The members that an operation brings, with a path or without."""
    value = lower(operation).get("value")
    found = value if path_of(operation).lower() == "members" else lower(value).get("members")
    return [m for m in (found if isinstance(found, list) else [found]) if isinstance(m, dict)]


def renames(operation):
    """Whether an operation names displayName."""
    return path_of(operation).lower() == "displayname" \
        or (not path_of(operation) and "displayname" in lower(lower(operation).get("value")))


@bug("group-patch-needs-display-name")
def needs_name(app):
    """The body of a PATCH is validated as a group: one that does not set displayName is a 400."""
    refuse_if(app.service, "patch", lambda record, body: is_groups(record.rtype)
              and not any(renames(o) for o in objects(body, "Operations")),
              bad("invalidValue", "'displayName' is required"))


@bug("group-members-only-on-request")
def on_request(app):
    """members are in a read or a list only when the parameter attributes names them."""
    def hide(body, wanted):
        if body and not any(n.rpartition(":")[2].lower().startswith("members") for n in wanted):
            body.pop("members", None)
    edit(app, "do_get", lambda answer, request, record: is_groups(record.rtype)
         and hide(answer.body, app.listing.query(request.query).attributes))
    edit(app.listing, "item", lambda body, record, q: is_groups(record.rtype) and hide(body, q.attributes))


@bug("group-rename-kept-when-members-refused")
def rename_kept(app):
    """PATCH saves the new name before it looks at the members: those are refused with 400, the name has changed."""
    def patch(inner, record, body):
        try:
            return inner(record, body)
        except ScimError:
            ops = objects(body, "Operations")
            names = [o for o in ops if renames(o) and not brought(o)]
            if is_groups(record.rtype) and names and len(names) < len(ops):
                with suppress(ScimError):
                    inner(record, {**body, "Operations": names})
            raise
    wrap(app.service, "patch", patch)


@bug("group-member-malformed-id-500")
def malformed(app):
    """A member whose value has not the form of our ids fails in the parser of ids: 500. Unknown ids are a 400."""
    crash_if(app.service, "members", lambda record, members: any(not UUID.fullmatch(m["value"]) for m in members))


@bug("member-ref-lowercase-path")
def ref_lowercase(app):
    """$ref of members leads to /users/ and /groups/ in small letters, where the router finds nothing."""
    edit(app.render, "member", lambda out, member: "$ref" in out and out.update({
        "$ref": out["$ref"].replace("/Users/", "/users/").replace("/Groups/", "/groups/")}))


@bug("group-patch-add-single-400")
def add_single(app):
    """PATCH of a group knows add for members only: add of displayName or externalId, as Entra sends it, is a 400."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: is_groups(rtype) and verb_of(o) == "add"
              and path_of(o).lower() in ("displayname", "externalid"), bad("invalidPath", "unsupported add path"))


@bug("group-put-members-501")
def put_members(app):
    """Members are managed by PATCH alone: a PUT of a group that names members is a 501."""
    refuse_if(app.service, "replace", lambda record, body: is_groups(record.rtype) and "members" in lower(body),
              ScimError(501, "members cannot be managed with PUT"))


@bug("group-member-empty-id-500")
def empty_id(app):
    """A member whose value is an empty string is a 500; other unknown values are refused."""
    crash_if(app.service, "members", lambda record, members: any(m["value"] == "" for m in members))


@bug("group-member-display-mismatch-500")
def mismatch(app):
    """PATCH add looks members up by display and compares the ids: a display that is not the userName is a 500."""
    def wrong(member):
        user = app.store.records.get(member.get("value"))
        return user and "userName" in user.data and member.get("display") not in (None, user.data["userName"])
    crash_if(app.patcher, "operation", lambda rtype, data, o: is_groups(rtype) and verb_of(o) == "add"
             and any(wrong(m) for m in brought(o)))


@bug("group-put-member-display-changed-400")
def display_changed(app):
    """display of a member is taken for immutable: a PUT of several members, one of whom comes with another display
    than before, is refused."""
    def shown(body):
        return {m["value"]: m["display"] for m in objects(body, "members") if "display" in m and "value" in m}

    def replace(inner, record, body):
        if is_groups(record.rtype):
            known, new = vars(record).setdefault("displays", {}), shown(body)
            if len(objects(body, "members")) > 1 and any(known.get(m, new[m]) != new[m] for m in new):
                raise ScimError(400, "'members.display' cannot be changed", "mutability")
            inner(record, body)
            known.update(new)
        else:
            inner(record, body)
    wrap(app.service, "replace", replace)
    edit(app.service, "create", lambda record, tenant, rtype, body: is_groups(rtype)
         and setattr(record, "displays", shown(body)))


@bug("group-members-keep-last-modified")
def keep_modified(app):
    """lastModified of a group follows its name, not its members."""
    def change(inner, record, data):
        before = record.modified
        rest = [{k: v for k, v in d.items() if k != "members"} for d in (record.data, data)]
        inner(record, data)
        if is_groups(record.rtype) and rest[0] == rest[1]:
            record.modified = before
    wrap(app.store, "change", change)


@bug("group-put-answer-meta-bare")
def meta_bare(app):
    """The answer to a PUT of a group has a meta without resourceType and location."""
    edit(app, "do_put", lambda answer, request, record: is_groups(record.rtype)
         and [answer.body.get("meta", {}).pop(name, None) for name in ("resourceType", "location")])


@bug("group-patch-unknown-id-500")
def patch_unknown(app):
    """PATCH of a group that is not there is a null pointer; the other methods say 404."""
    crash_if(app, "one", lambda request, rtype, rid: request.method == "PATCH" and is_groups(rtype)
             and app.store.get(request.tenant, rtype, rid) is None)


@bug("group-rename-case-only-ignored")
def case_only(app):
    """Whether the name of a group has changed is asked without case: mygroup cannot become MyGroup, and all is 200."""
    def change(inner, record, data):
        old, new = record.data.get("displayName", ""), data.get("displayName", "")
        same = is_groups(record.rtype) and old.lower() == new.lower()
        return inner(record, {**data, "displayName": old} if same else data)
    wrap(app.store, "change", change)


@bug("group-meta-dates-swapped")
def swapped(app):
    """created and lastModified of a group stand in each other's place."""
    edit(app.render, "meta", lambda meta, record: is_groups(record.rtype)
         and meta.update(created=meta["lastModified"], lastModified=meta["created"]))


@bug("group-create-kept-when-members-refused")
def create_kept(app):
    """POST saves the group before it looks at the members: those are refused, the group is there, empty."""
    def create(inner, tenant, rtype, body):
        try:
            return inner(tenant, rtype, body)
        except ScimError:
            if is_groups(rtype) and "members" in lower(body):
                with suppress(ScimError):
                    inner(tenant, rtype, {k: v for k, v in body.items() if k.lower() != "members"})
            raise
    wrap(app.service, "create", create)


@bug("group-patch-duplicate-member-500")
def patch_twice(app):
    """The same member twice in one add breaks the key of the join table: 500. One who is a member already is fine."""
    def twice(o):
        named = [m.get("value") for m in brought(o)]
        return len(named) > len(set(map(str, named)))
    crash_if(app.patcher, "operation", lambda rtype, data, o: is_groups(rtype) and verb_of(o) == "add" and twice(o))


@bug("group-patch-over-hundred-400")
def over_hundred(app):
    """PATCH takes a hundred members at once; more are a 400, and no document says so."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: is_groups(rtype) and len(brought(o)) > 100,
              bad("invalidValue", "request is unparsable, syntactically incorrect, or violates schema"))
