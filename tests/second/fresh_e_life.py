"""A fifth sample of public reports: what is shown of users, what discovery says, and the life of users and groups."""

from bugkit import bug, crash, crash_if, edit, is_groups, is_users, lower, refuse_if, wrap
from catalogue import ENTERPRISE, USER, USER_SCHEMA
from errors import ScimError
from fresh_a_create import objects
from fresh_b_patch import path_of, verb_of
from fresh_c_write import named

ZERO = "0001-01-01T00:00:00"


@bug("title-and-type-dropped")
def dropped(app):
    """The fields of title and userType have names that the JSON mapping does not find: POST and PUT lose them."""
    def member(inner, into, attrs, name, value):
        if name.lower() in ("title", "usertype") and attrs[-len(USER_SCHEMA.attrs):] == USER_SCHEMA.attrs:
            return None
        return inner(into, attrs, name, value)
    wrap(app.reader, "member", member)


@bug("value-display-dropped")
def no_display(app):
    """display of e-mails, phone numbers and the like is in the schema and has no column."""
    def as_complex(clean, attr, value):
        if attr.multi and attr.name != "members":
            clean.pop("display", None)
    edit(app.reader, "as_complex", as_complex)
    wrap(app.patcher, "assign", lambda inner, item, sub, value:
         None if sub.name == "display" else inner(item, sub, value))


@bug("name-parts-na")
def not_available(app):
    """The product has no names, so what must be there is there: every user is called N/A N/A."""
    def shown(out, record, wanted=None, excluded=None):
        if is_users(record.rtype) and not any(n.lower().startswith("name") for n in excluded or ()) \
                and ("name" in out or not wanted):
            out["name"] = {"givenName": "N/A", "familyName": "N/A"}
    edit(app.render, "shown", shown)


def undated(body):
    """A resource whose meta tells no dates."""
    if "meta" in (body or {}):
        body["meta"] = {k: v for k, v in body["meta"].items() if k not in ("created", "lastModified")}


@bug("meta-dates-only-at-create")
def dates_once(app):
    """The dates are put into meta where a resource is created; the other answers have a meta of their own."""
    edit(app, "shown", lambda answer, request, record, status: status != 201 and undated(answer.body))
    edit(app.listing, "item", lambda body, *_: undated(body))


@bug("odd-email-breaks-list")
def odd_email(app):
    """The list is made of models that check their fields: an e-mail without an @, once stored, fails the whole list."""
    edit(app.listing, "item", lambda body, record, query: any(
        "@" not in str(e.get("value")) for e in record.data.get("emails", ())) and crash())


@bug("schemas-name-type-string")
def name_type(app):
    """Every attribute of /Schemas is a string by default, also name, which has sub-attributes."""
    edit(app.discovery, "schemas", lambda items: [a.update(type="string") for s in items if s["id"] == USER
                                                  for a in s["attributes"] if a["name"] == "name"])


@bug("schemas-location-duplicated")
def duplicated(app):
    """The location of one schema was pasted twice: …/Schemas/v2/Schemas/urn:…"""
    edit(app.discovery, "schemas", lambda items: [s["meta"].update(
        location=s["meta"]["location"].replace("/Schemas/", "/Schemas/v2/Schemas/"))
        for s in items if s["id"] == ENTERPRISE])


@bug("serviceproviderconfig-dates-zero")
def zero_dates(app):
    """Dates that nobody sets are the first day of the calendar."""
    edit(app.discovery, "config", lambda body: body["meta"].update(created=ZERO, lastModified=ZERO))


@bug("group-blank-name-accepted")
def blank(app):
    """Required means that the key is there: a group may be called "" or be made of blanks."""
    wrap(app.reader, "required", lambda inner, rtype, data:
         None if is_groups(rtype) and "displayName" in data else inner(rtype, data))


@bug("put-reactivates")
def reactivates(app):
    """Updating a membership writes its state as active, as creating does: a PUT of who is inactive, even one that says
    active false, brings them back."""
    def replace(inner, record, body):
        inner(record, body)
        if is_users(record.rtype):
            app.store.change(record, {**record.data, "active": True})
    wrap(app.service, "replace", replace)


@bug("delete-without-external-id-500")
def no_link(app):
    """What is deleted is looked for through the link to the directory: a user without externalId has none."""
    crash_if(app, "do_delete", lambda request, record: is_users(record.rtype) and not record.data.get("externalId"))


@bug("patch-users-405")
def no_patch(app):
    """There are PUT and DELETE for one user; PATCH was never written, and discovery does not know that."""
    refuse_if(app, "one", lambda request, rtype, rid: is_users(rtype) and request.method == "PATCH",
              ScimError(405, "Method Not Allowed", headers={"Allow": "GET, PUT, DELETE"}))


def after_patch(app, when, then):
    """What happens to a group when a PATCH of it is done: `when(operation)`, then `then(record)`."""
    def do_patch(inner, request, record):
        answer = inner(request, record)
        if is_groups(record.rtype) and any(when(o) for o in objects(lower(request.body), "operations")):
            then(record)
        return answer
    wrap(app, "do_patch", do_patch)


@bug("group-rename-deletes")
def rename_deletes(app):
    """A rename with the path displayName is thanked for, and the group is gone: the old name is removed, the new one
    never added."""
    after_patch(app, lambda o: verb_of(o) == "replace" and path_of(o).lower() == "displayname", app.store.remove)


@bug("group-add-done-answers-500")
def add_answers_500(app):
    """The member is added, then a check of the answer finds a field missing that the server itself has to set."""
    after_patch(app, lambda o: verb_of(o) == "add" and named(o, "members"), crash)


@bug("group-put-own-name-409")
def own_name(app):
    """Before a PUT the name is looked up, and found: in the group itself."""
    def taken(record, body):
        name = str(lower(body).get("displayname")).lower()
        return is_groups(record.rtype) and any(
            r.data["displayName"].lower() == name for r in app.store.all(record.tenant, record.rtype))
    refuse_if(app.service, "replace", taken, ScimError(409, "Group with this name already exists", "uniqueness"))
