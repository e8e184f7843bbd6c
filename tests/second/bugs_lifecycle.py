"""Bugs of PUT and DELETE, of `active`, and of writes that meet."""

import copy
import time

from app import Response
from bugkit import bug, crash, edit, is_groups, is_users, lower, wrap
from catalogue import ENTERPRISE
from errors import ScimError, not_found


@bug("put-adds-extension-500")
def put_extension(app):
    """The row of the extension is updated without being there."""
    def replace(inner, record, body):
        if ENTERPRISE in body and ENTERPRISE not in record.data:
            crash()
        return inner(record, body)
    wrap(app.service, "replace", replace)


@bug("put-omitted-active-deactivates")
def put_deactivates(app):
    """A missing boolean is false."""
    def keep(inner, record, new):
        if is_users(record.rtype):
            new.setdefault("active", False)
        return inner(record, new)
    wrap(app.service, "keep", keep)


@bug("put-username-conflict-500")
def put_conflict(app):
    """The error of the database is not caught."""
    def replace(inner, record, body):
        if app.store.named(record, str(lower(body).get("username", ""))):
            crash()
        return inner(record, body)
    wrap(app.service, "replace", replace)


@bug("put-users-404")
def put_404(app):
    """There is no such route."""
    def do_put(inner, request, record):
        if is_users(record.rtype):
            raise not_found("endpoint")
        return inner(request, record)
    wrap(app, "do_put", do_put)


@bug("put-active-false-ignored")
def put_active(app):
    """PUT is for the profile; the state is kept elsewhere."""
    edit(app.service, "keep", lambda _, record, new: new.update(active=record.data["active"])
         if "active" in record.data else None)


@bug("delete-unknown-204")
def delete_unknown(app):
    """DELETE FROM ... WHERE id = ? affects no row, and nobody looks."""
    def one(inner, request, rtype, rid):
        if request.method == "DELETE" and is_users(rtype) and not app.store.get(request.tenant, rtype, rid):
            return Response(204)
        return inner(request, rtype, rid)
    wrap(app, "one", one)


@bug("delete-user-remains-group-member")
def ghost_member(app):
    """Memberships are not deleted with the user; a change of the group does not stumble over them."""
    def remove(record):
        app.store.records.pop(record.id)
        app.store.revision += 1

    def members(inner, record, given):
        old = [m for m in record.data.get("members", ()) if m["value"] not in app.store.records]
        dead = [m for m in given if m in old]
        return inner(record, [m for m in given if m not in dead]) + dead
    app.store.remove = remove
    wrap(app.service, "members", members)


@bug("list-reports-stale-active")
def list_active(app):
    """The list shows the account, GET by id the membership."""
    first = {}
    edit(app.store, "add", lambda _, record: first.setdefault(record.id, record.data.get("active")))

    def item(body, record, query):
        if "active" in body:
            body["active"] = first[record.id]
    edit(app.listing, "item", item)


@bug("group-lost-update")
def lost_update(app):
    """Read, wait, write: no lock and no transaction between."""
    def patch(inner, record, body):
        if not is_groups(record.rtype):
            return inner(record, body)
        before = copy.deepcopy(record.data)
        app.lock.release()
        time.sleep(0.03)
        app.lock.acquire()
        data = app.patcher.apply(record.rtype, before, body)
        app.service.check(record, data)
        return app.store.change(record, data)
    wrap(app.service, "patch", patch)


@bug("read-after-write-stale")
def stale_read(app):
    """Reads go to a replica that lags behind."""
    old = {}

    def change(inner, record, data):
        old[record.id] = (time.monotonic(), app.render.full(record))
        return inner(record, data)

    def do_get(inner, request, record):
        at, full = old.get(record.id, (-1, None))
        if time.monotonic() - at > 0.3:
            return inner(request, record)
        answer = inner(request, record)
        query = app.listing.query(request.query)
        answer.body = app.render.project(record.rtype, full, query.attributes, query.excluded)
        return answer
    wrap(app.store, "change", change)
    wrap(app, "do_get", do_get)


@bug("cross-tenant-create-hijack")
def hijack(app):
    """Look up by name over all tenants, then update what was found."""
    def create(inner, tenant, rtype, body):
        name = str(lower(body).get("username", "")).lower()
        other = next((r for r in app.store.records.values() if is_users(rtype) and r.rtype is rtype
                      and r.tenant != tenant and r.data["userName"].lower() == name), None)
        if other is None:
            return inner(tenant, rtype, body)
        app.store.change(other, {**app.reader.resource(rtype, body), "active": True})
        return other
    wrap(app.service, "create", create)


@bug("unknown-id-400")
def odd_id(app):
    """The id is parsed as a UUID first."""
    def find(inner, tenant, rtype, rid):
        if len(rid) != 36:
            raise ScimError(400, "malformed id", "invalidValue")
        return inner(tenant, rtype, rid)
    wrap(app.service, "find", find)


@bug("unknown-id-500")
def unknown_id(app):
    """None has no attribute id."""
    def find(inner, tenant, rtype, rid):
        return inner(tenant, rtype, rid) if app.store.get(tenant, rtype, rid) else crash()
    wrap(app.service, "find", find)
