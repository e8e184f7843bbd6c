"""One more fresh sample of public reports: groups, how they are created, renamed and answered."""

import re

from bugkit import bug, crash, crash_if, edit, is_groups, lower, refuse_if, wrap
from errors import ScimError
from fresh_a_create import objects
from fresh_b_group import ids
from fresh_b_patch import path_of, verb_of
from more_create import answered

OLD_NAME = re.compile(r"[a-zA-Z0-9._\-|/]{3,30}")


@bug("group-create-takes-first-group")
def first_group(app):
    """The look-up of the group to create or update lost its name: each POST finds the first group there is, renames it
    and puts the members of all of them into it."""
    def create(inner, tenant, rtype, body):
        first = next(iter(app.store.all(tenant, rtype)), None) if is_groups(rtype) else None
        if first is None:
            return inner(tenant, rtype, body)
        new = app.reader.resource(rtype, body)
        data = {**first.data, **new, "members": first.data.get("members", []) + new.get("members", [])}
        app.service.check(first, data)
        app.patcher.put(data, rtype.attr("members"), data["members"])
        app.store.change(first, data)
        return first
    wrap(app.service, "create", create)


@bug("group-add-with-path-500")
def add_path(app):
    """add of members is only understood without a path; with the path `members` it fails."""
    crash_if(app.patcher, "operation", lambda rtype, data, o: is_groups(rtype) and verb_of(o) == "add"
             and path_of(o).lower() == "members")


@bug("group-create-answer-prefixed")
def prefixed(app):
    """The answer to a create shows the name as the user store knows it, with its domain in front; reads do not."""
    answered(app, lambda response, record: is_groups(record.rtype) and "displayName" in response.body
             and response.body.update(displayName="PRIMARY/" + response.body["displayName"]))


@bug("group-patched-member-shows-username")
def other_display(app):
    """display of a member is its displayName, but for members that came with a PATCH, where it is the userName."""
    def patch(inner, record, body):
        before = ids(record.data)
        inner(record, body)
        record.patched = vars(record).get("patched", set()) | set(ids(record.data)) - set(before)

    def full(out, record):
        for member in out.get("members", ()):
            user = app.store.records.get(member["value"])
            if member["value"] in vars(record).get("patched", ()) and user and "userName" in user.data:
                member["display"] = user.data["userName"]
    wrap(app.service, "patch", patch)
    edit(app.render, "full", full)


@bug("group-pathless-id-refused")
def id_refused(app):
    """id is read only, so a replace without a path that holds it is refused, also when it is the id of the group."""
    refuse_if(app.patcher, "pathless", lambda rtype, data, op, value: is_groups(rtype) and "id" in lower(value),
              ScimError(400, "'id' is read only", "mutability"))


@bug("group-remove-answer-keeps-member")
def still_shown(app):
    """The answer to a removal is made of the group before it: who has left is still in it. The next GET is right."""
    def do_patch(inner, request, record):
        before = record.data.get("members", []) if is_groups(record.rtype) else []
        answer = inner(request, record)
        gone = [m for m in before if m["value"] not in ids(record.data)]
        if gone and answer.body:
            answer.body["members"] = answer.body.get("members", []) + [app.render.member(m) for m in gone]
        return answer
    wrap(app, "do_patch", do_patch)


@bug("group-remove-beyond-hundred-ignored")
def beyond(app):
    """The members to remove are looked for among the first hundred: who stands behind them stays, with 200."""
    def remove(inner, base, path, value):
        behind = base.get("members", [])[100:] if path.attr.name == "members" and (path.filter or value) else []
        inner(base, path, value)
        if behind:
            base["members"] = base.get("members", []) + [m for m in behind if m["value"] not in ids(base)]
    wrap(app.patcher, "remove", remove)


@bug("group-patch-only-entra-shape")
def only_entra(app):
    """Only Add and Remove with a capital and the path `members` are understood; all else is thanked for and ignored."""
    wrap(app.patcher, "operation", lambda inner, rtype, data, o: inner(rtype, data, o) if not is_groups(rtype)
         or (lower(o).get("op") in ("Add", "Remove") and path_of(o) == "members") else None)
    edit(app, "do_patch", lambda answer, request, record: is_groups(record.rtype)
         and vars(answer).update(status=204, body=None))


@bug("group-create-answer-without-members")
def answer_empty(app):
    """The answer to a create has an empty list of members, whoever was put in; GET is right."""
    answered(app, lambda response, record: is_groups(record.rtype) and response.body.update(members=[]))


@bug("group-add-member-done-500")
def done_500(app):
    """The member is added and saved, then the check of the own answer fails: 500."""
    def patch(inner, record, body):
        before = ids(record.data)
        inner(record, body)
        if is_groups(record.rtype) and set(ids(record.data)) - set(before):
            crash()
    wrap(app.service, "patch", patch)


@bug("group-put-without-name-accepted")
def no_name(app):
    """PUT without displayName, or with a blank one, keeps the old name instead of being refused."""
    def replace(inner, record, body):
        if is_groups(record.rtype) and not str(lower(body).get("displayname") or "").strip():
            body = {**{k: v for k, v in body.items() if k.lower() != "displayname"},
                    "displayName": record.data["displayName"]}
        return inner(record, body)
    wrap(app.service, "replace", replace)


@bug("group-rename-checks-old-name-500")
def old_name(app):
    """A rename checks the name that the group has instead of the one it gets: a group with a blank in its name cannot
    be renamed any more, and the answer is 500."""
    def check(inner, record, data):
        old = record.data.get("displayName", "")
        if is_groups(record.rtype) and record.id in app.store.records and old != data.get("displayName") \
                and not OLD_NAME.fullmatch(old):
            raise ScimError(500, f"30011 - InvalidRole Role name {old} is not valid.")
        return inner(record, data)
    wrap(app.service, "check", check)


@bug("group-pathless-blank-name-accepted")
def blank_name(app):
    """The path displayName is checked; a displayName in a value without a path is not, so the group loses its name."""
    def apply(inner, rtype, before, body):
        blank, kept = False, []
        for o in app.patcher.operations(body):
            value = lower(o).get("value")
            if is_groups(rtype) and not path_of(o) and not str(lower(value).get("displayname", "x")).strip():
                blank = True
                o = {**{k: v for k, v in o.items() if k.lower() != "value"},
                     "value": {k: v for k, v in value.items() if k.lower() != "displayname"}}
            kept.append(o)
        data = inner(rtype, before, {**body, "Operations": kept})
        return {**data, "displayName": ""} if blank else data
    wrap(app.patcher, "apply", apply)


@bug("group-patch-members-not-atomic")
def at_once(app):
    """Operations on members are saved at once, all others are collected: when one of those is refused, the request is
    a 400 and the memberships have changed."""
    def patch(inner, record, body):
        if not is_groups(record.rtype):
            return inner(record, body)
        rest = []
        for o in app.patcher.operations(body):
            if path_of(o).lower().startswith("members"):
                inner(record, {**body, "Operations": [o]})
            else:
                rest.append(o)
                app.patcher.apply(record.rtype, record.data, {**body, "Operations": rest})
        return inner(record, {**body, "Operations": rest}) if rest else None
    wrap(app.service, "patch", patch)


@bug("group-member-empty-object-500")
def empty_member(app):
    """An empty object among the members is a null pointer in PUT and PATCH."""
    def has_empty(body):
        return isinstance(body.get("members"), list) and {} in body["members"]
    crash_if(app.service, "replace", lambda record, body: is_groups(record.rtype) and has_empty(lower(body)))
    crash_if(app.service, "patch", lambda record, body: is_groups(record.rtype) and any(
        has_empty(lower(o["value"]) if not path_of(o) else {"members": o["value"]})
        for o in objects(body, "Operations") if "value" in o))
