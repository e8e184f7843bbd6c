"""Plausible bugs of PUT, DELETE and of what follows from a write."""

import copy

from app import Response
from bugkit import bug, edit, is_groups, is_users, lower, refuse_if, wrap
from catalogue import ENTERPRISE
from errors import ScimError, bad
from store import Record


def put(app, change):
    """The new data of a PUT, changed: `change(new, record)`."""
    edit(app.service, "keep", lambda _, record, new: change(new, record))


@bug("patch-answers-200-without-body")
def empty_200(app):
    """200 and nothing else."""
    edit(app, "do_patch", lambda answer, *_: setattr(answer, "body", None))


@bug("patch-answers-only-changes")
def only_changes(app):
    """The operations are sent back."""
    edit(app, "do_patch", lambda answer, request, record: setattr(answer, "body", copy.deepcopy(request.body)))


@bug("patch-answer-lacks-members")
def lean_answer(app):
    """The answer does not join."""
    edit(app, "do_patch", lambda answer, *_: answer.body.pop("members", None))


@bug("put-answers-204")
def put_204(app):
    """No content, as for other APIs."""
    edit(app, "do_put", lambda answer, *_: vars(answer).update(status=204, body=None))


@bug("put-is-merge")
def merge(app):
    """PUT and PATCH share their code: what is left out stays."""
    put(app, lambda new, record: [new.setdefault(k, v) for k, v in record.data.items()])


@bug("put-answers-old-state")
def put_old(app):
    """The answer was loaded before the change."""
    def do_put(inner, request, record):
        body = app.render.shown(record)
        answer = inner(request, record)
        answer.body = body
        return answer
    wrap(app, "do_put", do_put)


@bug("put-creates-unknown")
def put_creates(app):
    """save() inserts what it does not find."""
    def find(inner, tenant, rtype, rid):
        if app.putting and app.store.get(tenant, rtype, rid) is None:
            app.store.add(Record(tenant, rtype, {"userName": rid, "displayName": rid}, rid))
        return inner(tenant, rtype, rid)

    def one(inner, request, rtype, rid):
        app.putting = request.method == "PUT"
        return inner(request, rtype, rid)
    wrap(app.service, "find", find)
    wrap(app, "one", one)


@bug("put-id-in-body-required")
def id_required(app):
    """The body is bound to the whole model."""
    refuse_if(app.service, "replace", lambda record, body: "id" not in lower(body),
              bad("invalidValue", "id is required"))


@bug("put-id-in-body-refused")
def id_refused(app):
    """Read-only attributes may not be sent."""
    refuse_if(app.service, "replace", lambda record, body: "id" in lower(body), bad("mutability", "id is read only"))


@bug("put-meta-in-body-refused")
def meta_refused(app):
    """What was read cannot be written back."""
    refuse_if(app.service, "replace", lambda record, body: "meta" in lower(body),
              bad("mutability", "meta is read only"))


@bug("put-groups-in-body-refused")
def groups_refused(app):
    """What was read cannot be written back, when the user is in a group."""
    refuse_if(app.service, "replace", lambda record, body: lower(body).get("groups"),
              bad("mutability", "groups is read only"))


@bug("put-changes-id")
def put_id(app):
    """The id of the body goes into the row."""
    def replace(inner, record, body):
        inner(record, body)
        if isinstance(lower(body).get("id"), str) and lower(body)["id"] != record.id:
            app.store.records.pop(record.id)
            record.id = lower(body)["id"]
            app.store.add(record)
    wrap(app.service, "replace", replace)


@bug("put-new-id")
def put_new(app):
    """PUT deletes and inserts."""
    def replace(inner, record, body):
        inner(record, body)
        app.store.records.pop(record.id)
        record.id = Record("", None, {}).id
        app.store.add(record)
    wrap(app.service, "replace", replace)


@bug("put-resets-created")
def put_created(app):
    """PUT deletes and inserts, and keeps the id."""
    edit(app.service, "replace", lambda _, record, body: setattr(record, "created", record.modified))


@bug("put-drops-extension")
def put_extension(app):
    """Only the core attributes are written."""
    put(app, lambda new, record: new.pop(ENTERPRISE, None))


@bug("put-keeps-emails")
def put_emails(app):
    """Addresses are added, never taken away."""
    def change(new, record):
        old = record.data.get("emails", [])
        if new.get("emails") or old:
            new["emails"] = old + [e for e in new.get("emails", []) if e not in old]
    put(app, change)


@bug("put-external-id-dropped")
def put_external(app):
    """externalId is written on create only, and lost with PUT."""
    put(app, lambda new, record: new.pop("externalId", None))


@bug("put-group-name-ignored")
def put_name(app):
    """PUT on groups is for members."""
    put(app, lambda new, record: is_groups(record.rtype) and new.update(displayName=record.data["displayName"]))


@bug("put-members-omitted-keeps")
def put_members(app):
    """A PUT without members leaves them as they are; RFC 7644 section 3.5.1 lets a server do so."""
    put(app, lambda new, record: "members" in record.data and new.setdefault("members", record.data["members"]))


@bug("put-empty-members-ignored")
def put_empty(app):
    """if (members.length): an empty list is thanked for, and everybody stays."""
    def replace(inner, record, body):
        if is_groups(record.rtype) and lower(body).get("members") == []:
            body = {**body, "members": record.data.get("members", [])}
        return inner(record, body)
    wrap(app.service, "replace", replace)


@bug("delete-answers-200-body")
def delete_200(app):
    """The deleted resource is sent along."""
    def do_delete(inner, request, record):
        body = app.render.shown(record)
        inner(request, record)
        return Response(200, body)
    wrap(app, "do_delete", do_delete)


@bug("delete-answers-202")
def delete_202(app):
    """The work is queued."""
    edit(app, "do_delete", lambda answer, *_: setattr(answer, "status", 202))


@bug("delete-ignored")
def delete_ignored(app):
    """204, and the row is still there."""
    app.service.delete = lambda record: None


@bug("delete-deactivates")
def delete_deactivates(app):
    """Users are never deleted; GET shows an inactive one."""
    wrap(app.service, "delete", lambda inner, record: app.store.change(record, {**record.data, "active": False})
         if is_users(record.rtype) else inner(record))


@bug("delete-still-listed")
def still_listed(app):
    """GET by id looks at deleted_at, the list does not."""
    dead = []
    edit(app.store, "remove", lambda _, record: dead.append(record))
    wrap(app.listing, "candidates", lambda inner, tenant, rtype: inner(tenant, rtype) + [
        r for r in dead if r.tenant == tenant and r.rtype is rtype])


@bug("delete-group-deletes-members")
def cascade(app):
    """ON DELETE CASCADE, in the wrong direction."""
    def delete(inner, record):
        for member in record.data.get("members", ()):
            if member["value"] in app.store.records:
                app.store.remove(app.store.records[member["value"]])
        return inner(record)
    wrap(app.service, "delete", delete)


@bug("delete-member-409")
def foreign_key(app):
    """The foreign key of the join table forbids it."""
    refuse_if(app.service, "delete", lambda record: app.store.holders(record), ScimError(409, "still a member"))


@bug("delete-manager-409")
def manager_key(app):
    """The foreign key of the manager forbids it."""
    refuse_if(app.service, "delete", lambda record: any(
        r.data.get(ENTERPRISE, {}).get("manager", {}).get("value") == record.id for r in app.store.records.values()),
        ScimError(409, "is a manager"))


@bug("deleted-answers-410")
def gone(app):
    """Gone is more exact, and no client knows it."""
    dead = set()
    edit(app.store, "remove", lambda _, record: dead.add(record.id))
    refuse_if(app.service, "find", lambda tenant, rtype, rid: rid in dead, ScimError(410, "deleted"))


@bug("delete-inactive-404")
def inactive_404(app):
    """Who is inactive is not found for deletion."""
    refuse_if(app, "do_delete", lambda request, record: record.data.get("active") is False, ScimError(404, "not found"))


@bug("deactivate-deletes")
def deactivates(app):
    """active false is off-boarding: the row goes."""
    def patch(inner, record, body):
        inner(record, body)
        if record.data.get("active") is False:
            record.gone = True
    wrap(app.service, "patch", patch)
    refuse_if(app.service, "find", lambda tenant, rtype, rid:
              getattr(app.store.get(tenant, rtype, rid), "gone", False), ScimError(404, "not found"))


def on_deactivate(app, change):
    """What a deactivation does besides."""
    def around(inner, record, data):
        was = record.data.get("active")
        inner(record, data)
        if was and record.data.get("active") is False:
            change(record)
    wrap(app.store, "change", around)


@bug("deactivate-leaves-groups")
def leaves_groups(app):
    """Who is inactive loses all memberships, and does not get them back."""
    def change(record):
        for group in app.store.holders(record):
            app.store.change(group, {**group.data, "members": [
                m for m in group.data["members"] if m["value"] != record.id]})
    on_deactivate(app, change)


@bug("deactivate-renames")
def renames(app):
    """The name is freed for others."""
    on_deactivate(app, lambda record: record.data.update(userName="deactivated-" + record.data["userName"]))


@bug("deactivate-wipes-profile")
def wipes(app):
    """Data protection, taken too literally."""
    on_deactivate(app, lambda record: [record.data.pop(k, None) for k in ("name", "emails", "title", ENTERPRISE)])


@bug("deactivated-cannot-change")
def frozen(app):
    """Who is inactive must be reactivated alone, first."""
    def patch(record, body):
        text = str(body.get("Operations")).lower()
        return record.data.get("active") is False and "active" not in text
    refuse_if(app.service, "patch", patch, bad("mutability", "inactive"))


@bug("last-member-cannot-leave")
def last_member(app):
    """A group has at least one member."""
    def change(record, data):
        return is_groups(record.rtype) and record.data.get("members") and not data.get("members")
    refuse_if(app.store, "change", change, bad("invalidValue", "a group needs a member"))


@bug("nested-groups-refused")
def nested(app):
    """Members are users, though the schema announces groups as well."""
    refuse_if(app.service, "members", lambda record, given: any(
        is_groups(app.store.records[m["value"]].rtype) for m in given if m["value"] in app.store.records),
        bad("invalidValue", "members must be users"))


@bug("nested-groups-dropped")
def nested_dropped(app):
    """The same, without a word."""
    wrap(app.service, "members", lambda inner, record, given: [
        m for m in inner(record, given) if is_users(app.store.records[m["value"]].rtype)])


@bug("two-groups-one-user")
def one_group(app):
    """A user has one group: who joins another leaves the first."""
    def change(inner, record, data):
        inner(record, data)
        ids = {m["value"] for m in record.data.get("members", ())}
        for group in app.store.records.values():
            if group is not record and ids & {m["value"] for m in group.data.get("members", ())}:
                inner(group, {**group.data, "members": [m for m in group.data["members"] if m["value"] not in ids]})
    wrap(app.store, "change", change)
