"""Public bugs, third sample: replacing, deleting, what a PATCH does on the side, credentials and locations."""

from app import Response
from bugkit import bug, crash_if, edit, is_users, lower, refuse_if, wrap
from errors import ScimError, bad
from fresh_a_create import objects
from fresh_b_patch import path_of, verb_of


def named(operation, name):
    """Whether an operation is about this attribute, by its path or by a key of its value."""
    path, value = path_of(operation).lower(), lower(operation).get("value")
    if path:
        return path.rpartition(":")[2].startswith(name.lower())
    return any(key.rpartition(":")[2].startswith(name.lower()) for key in lower(value))


def touches(body, name):
    """Whether a PATCH is about this attribute."""
    return any(named(o, name) for o in objects(lower(body), "operations"))


@bug("put-answers-201")
def put_201(app):
    """PUT of a user answers 201, though nothing was created."""
    edit(app, "do_put", lambda answer, request, record: is_users(record.rtype) and setattr(answer, "status", 201))


@bug("put-password-500")
def put_password(app):
    """A PUT of a user with a new password ends in 500."""
    crash_if(app.service, "replace", lambda record, body: is_users(record.rtype)
             and lower(body).get("password") not in (None, record.data.get("password")))


@bug("put-requires-if-match")
def needs_tag(app):
    """A PUT without If-Match is a bad request, though the header is optional."""
    refuse_if(app, "do_put", lambda request, record: "if-match" not in request.headers,
              ScimError(400, "Missing If-Match for PUT"))


@bug("put-without-display-name-400")
def needs_display(app):
    """An update of a user without displayName is refused, though the attribute is not required."""
    refuse_if(app.service, "replace", lambda record, body: is_users(record.rtype) and not lower(body).get("displayname"),
              bad("invalidValue", "displayName is required"))


@bug("write-conflict-400")
def conflict_400(app):
    """A PUT or PATCH that takes a userName in use is 400 invalidValue instead of 409 uniqueness."""
    def write(inner, record, body):
        try:
            return inner(record, body)
        except ScimError as error:
            if error.status == 409:
                raise bad("invalidValue", error.detail) from None
            raise
    wrap(app.service, "replace", write)
    wrap(app.service, "patch", write)


@bug("delete-without-body-415")
def body_wanted(app):
    """DELETE of a user is declared with a body: without one it is 415."""
    refuse_if(app, "one", lambda request, rtype, rid: request.method == "DELETE" and is_users(rtype)
              and not request.raw, ScimError(415, "Unsupported Media Type"))


@bug("delete-unknown-500")
def unknown_delete(app):
    """DELETE of a user that is not there is 500; the other methods say 404."""
    crash_if(app, "one", lambda request, rtype, rid: request.method == "DELETE" and is_users(rtype)
             and app.store.get(request.tenant, rtype, rid) is None)


@bug("serviceproviderconfig-location-double-slash")
def double_slash(app):
    """meta.location of the ServiceProviderConfig has two slashes before the last segment."""
    edit(app.discovery, "config", lambda body: body["meta"].update(location=f"{app.base}//ServiceProviderConfig"))


@bug("resourcetypes-location-404")
def wrong_location(app):
    """meta.location of the resource types lacks a segment of the base path, so it leads to a 404."""
    edit(app.discovery, "types", lambda items: [i["meta"].update(location=i["meta"]["location"].replace("/scim/v2", "/v2"))
                                                for i in items])


@bug("auth-missing-token-402")
def payment(app):
    """Which plan a tenant has is asked before who is asking: a request without a token is 402."""
    def handle(inner, request):
        if "authorization" not in request.headers:
            return Response(402, {"error_code": "FEATURE_NOT_AVAILABLE", "required_tier": "enterprise",
                                  "detail": "This feature requires the Enterprise plan."},
                            {"Content-Type": "application/json"})
        return inner(request)
    wrap(app, "handle", handle)


@bug("patch-unknown-id-500")
def unknown_patch(app):
    """PATCH of a user that is not there is a null pointer; GET says 404."""
    crash_if(app, "one", lambda request, rtype, rid: request.method == "PATCH" and is_users(rtype)
             and app.store.get(request.tenant, rtype, rid) is None)


@bug("patch-user-in-group-500")
def in_group(app):
    """PATCH of a user who is in a group fails: the display name of the group is null there."""
    crash_if(app.service, "patch", lambda record, body: is_users(record.rtype) and app.store.parents(record.id))


@bug("patch-x509-500")
def certificate(app):
    """Adding a certificate to a user by PATCH fails in the notification that follows."""
    crash_if(app.service, "patch", lambda record, body: any(
        named(o, "x509certificates") and verb_of(o) != "remove" for o in objects(lower(body), "operations")))


@bug("patch-password-reuse-500")
def reuse(app):
    """A PATCH with a password that was used before breaks the history policy: 500 and a generic text."""
    def same(record, operation):
        value = lower(operation).get("value")
        value = value if path_of(operation).lower() == "password" else lower(value).get("password")
        return value is not None and value == record.data.get("password")
    refuse_if(app.service, "patch", lambda record, body: any(same(record, o) for o in objects(lower(body), "operations")),
              ScimError(500, "Error while updating attributes of user"))


@bug("patch-answer-location-object-text")
def object_text(app):
    """meta.location in the answer to a PATCH is the text of an object in memory."""
    edit(app, "do_patch", lambda answer, *_: "meta" in answer.body and answer.body["meta"].update(
        location="core.attributes.SimpleAttribute@3fcc28bd"))


def aside(app, change):
    """What every PATCH of a user does on the side: `change(data, body)`."""
    def patch(inner, record, body):
        inner(record, body)
        if is_users(record.rtype):
            data = {**record.data}
            change(data, body)
            app.store.change(record, data)
    wrap(app.service, "patch", patch)


@bug("patch-clears-addresses")
def clears(app):
    """A PATCH of any other attribute clears the addresses of the user."""
    aside(app, lambda data, body: touches(body, "addresses") or data.pop("addresses", None))


@bug("patch-email-comma-appended")
def comma(app):
    """A PATCH of any other attribute appends a comma to the e-mail address."""
    def change(data, body):
        if data.get("emails") and not touches(body, "emails"):
            data["emails"] = [{**e, "value": e["value"] + ","} if "value" in e and at == 0 else e
                              for at, e in enumerate(data["emails"])]
    aside(app, change)


@bug("patch-phone-type-not-set")
def phone_type(app):
    """A phone number that comes with a PATCH is stored without its type."""
    def plural(inner, base, op, attr, value):
        if attr.name == "phoneNumbers":
            value = [{k: v for k, v in item.items() if k.lower() != "type"} if isinstance(item, dict) else item
                     for item in (value if isinstance(value, list) else [value])]
        return inner(base, op, attr, value)
    wrap(app.patcher, "plural", plural)


@bug("patch-user-type-ignored")
def user_type(app):
    """PATCH answers 200 and leaves one attribute (userType here) as it was; PUT changes it."""
    def apply(inner, rtype, before, body):
        data = inner(rtype, before, body)
        data.pop("userType", None)
        if "userType" in before:
            data["userType"] = before["userType"]
        return data
    wrap(app.patcher, "apply", apply)


@bug("patch-meta-created-honoured")
def created(app):
    """meta.created is not to be written, yet a PATCH of it changes it."""
    def patch(inner, record, body):
        rest = []
        for o in app.patcher.operations(body):
            value = lower(o).get("value")
            if path_of(o).lower() == "meta.created":
                record.created = value
            elif not path_of(o) and isinstance(lower(lower(value).get("meta")).get("created"), str):
                record.created = lower(lower(value)["meta"])["created"]
                rest.append(o)
            else:
                rest.append(o)
        return inner(record, {**body, "Operations": rest}) if rest else None
    wrap(app.service, "patch", patch)
