"""A further fresh sample, from changelogs, vendors' pages and forums: groups, and requests of many parts."""

import threading
from contextlib import suppress

from app import Response
from bugkit import bug, edit, is_groups, lower, refuse_if, refuse_node, wrap
from errors import ScimError, bad
from fresh_a_create import objects
from fresh_b_patch import path_of, verb_of
from fresh_h_group import brought


@bug("group-add-mixed-unknown-not-atomic")
def mixed(app):
    """PATCH add of several members, one of whom nobody knows: 400, but those who are known have joined."""
    def patch(inner, record, body):
        try:
            return inner(record, body)
        except ScimError:
            ops = objects(body, "Operations")
            good = [{"op": "add", "path": "members", "value": [
                m for m in brought(o) if app.store.any(record.tenant, m.get("value"))]} for o in ops
                if verb_of(o) == "add"] if is_groups(record.rtype) else []
            good = [o for o in good if o["value"]]
            if good:
                with suppress(ScimError):
                    inner(record, {"schemas": body.get("schemas"), "Operations": good})
            raise
    wrap(app.service, "patch", patch)


@bug("group-put-additive")
def additive(app):
    """PUT of a group adds the members that are new and takes nobody out."""
    def replace(inner, record, body):
        if is_groups(record.rtype):
            old = [{"value": m["value"]} for m in record.data.get("members", ())]
            given = lower(body).get("members")
            body = {k: v for k, v in body.items() if k.lower() != "members"}
            body["members"] = old + (given if isinstance(given, list) else [])
        return inner(record, body)
    wrap(app.service, "replace", replace)


@bug("group-remove-all-members-400")
def remove_all(app):
    """remove at members without a filter and without a value, that is of all, is refused."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: is_groups(rtype) and verb_of(o) == "remove"
              and path_of(o).lower() == "members" and not lower(o).get("value"),
              bad("invalidSyntax", "operation not supported"))


@bug("group-members-applied-later")
def later(app):
    """PATCH of members is looked at and answered 204 at once; a worker does it a second later."""
    def work(record, body):
        with app.lock, suppress(ScimError):
            app.service.patch(record, body)

    def do_patch(inner, request, record):
        ops = objects(request.body, "Operations")
        if is_groups(record.rtype) and ops and all(path_of(o).lower().startswith("members") for o in ops):
            app.service.members(record, app.patcher.apply(record.rtype, record.data, request.body).get("members", []))
            timer = threading.Timer(1.0, work, (record, request.body))
            timer.daemon = True
            timer.start()
            return Response(204)
        return inner(request, record)
    wrap(app, "do_patch", do_patch)


@bug("group-filter-ew-500")
def ends_with(app):
    """A filter of groups by the end of their name is an error of the look-up."""
    refuse_node(app, lambda rtype, node: is_groups(rtype) and node[0] == "compare" and node[2] == "ew"
                and node[1].attr.name == "displayName", None)


@bug("group-filtered-list-name-prefixed")
def prefixed(app):
    """A list of groups with a filter shows their names with the domain of the user store in front; other reads do not."""
    edit(app.listing, "item", lambda body, record, query: is_groups(record.rtype) and query.filter
         and "displayName" in body and body.update(displayName="PRIMARY/" + body["displayName"]))


@bug("bulk-failed-without-location")
def failed_location(app):
    """A PUT, PATCH or DELETE that fails in a bulk request is told without location."""
    edit(app.bulk, "told", lambda out, *_: int(out["status"]) >= 400 and out.pop("location", None))


@bug("bulk-unknown-endpoint-400")
def bulk_endpoint(app):
    """An operation of a bulk request on an endpoint that is not there, or with a method that it has not, is 400 instead
    of 404 or 405."""
    def single(inner, request, operation, known):
        try:
            return inner(request, operation, known)
        except ScimError as error:
            steps = str(operation.get("path")).strip("/").split("/")
            if error.status == 405 or (error.status == 404 and steps[0] not in ("Users", "Groups")):
                raise bad("invalidSyntax", "not a valid bulk operation") from None
            raise
    wrap(app.bulk, "single", single)
