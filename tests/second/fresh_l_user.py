"""A further fresh sample, from release notes, change logs, documents and reviews of products and libraries: users."""

import re

from bugkit import bug, crash, crash_if, edit, is_users, lower, nodes, refuse_if, wrap
from catalogue import USERS
from errors import ScimError, bad
from fresh_a_create import crash_create, objects, refuse_create
from fresh_b_patch import brackets, path_of, verb_of
from schema import find

FIRST = 1000
LONG = 255


@bug("username-domain-capitals-400")
def domain_capitals(app):
    """The domain of userName is compared with the domains of the tenant letter by letter: an address whose domain has
    a capital (…@Example.com) is refused in POST, PUT and PATCH."""
    def check(inner, record, data):
        domain = str(data.get("userName", "")).partition("@")[2]
        if is_users(record.rtype) and domain != domain.lower():
            raise ScimError(400, "email domain is not allowed for this organization", "invalidValue")
        return inner(record, data)
    wrap(app.service, "check", check)


@bug("patch-name-formatted-ignored")
def formatted_ignored(app):
    """PATCH of a part of the name knows givenName and familyName: name.formatted is 200 and stays as it was."""
    def targeted(inner, rtype, data, op, path, value):
        if path.attr and path.attr.name == "name" and path.sub and path.sub.name == "formatted":
            return None
        return inner(rtype, data, op, path, value)
    wrap(app.patcher, "targeted", targeted)


@bug("external-id-cut-at-nul")
def cut_at_nul(app):
    """externalId of a user is bound as a C string: what follows a U+0000 in it is lost without a word."""
    def check(inner, record, data):
        if is_users(record.rtype) and "\0" in data.get("externalId", ""):
            data["externalId"] = data["externalId"].partition("\0")[0]
        return inner(record, data)
    wrap(app.service, "check", check)


@bug("external-id-long-500")
def external_id_long(app):
    """externalId of a user has a column of 255 characters and no check before it: more is an error of the database."""
    crash_if(app.service, "check", lambda record, data: is_users(record.rtype) and len(data.get("externalId", "")) > LONG)


@bug("create-long-username-without-external-id-500")
def username_long(app):
    """A create without externalId puts the userName into that column, of 255 characters: a longer userName, which is fine
    beside an externalId, is an error of the database."""
    crash_create(app, lambda body: not body.get("externalid") and len(str(body.get("username", ""))) > LONG)


@bug("put-username-ignored")
def put_username(app):
    """PUT of a user takes name and active; userName, e-mails and externalId stay as they were, and all is 200."""
    def keep(_, record, new):
        if is_users(record.rtype):
            for name in ("userName", "emails", "externalId"):
                new.pop(name, None)
                if name in record.data:
                    new[name] = record.data[name]
    edit(app.service, "keep", keep)


@bug("patch-filter-value-blank-400")
def filter_blank(app):
    """The path of an operation is split at its blanks: a filter whose value has one (emails[display eq "Work Mail"]) is
    refused."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: any(
        " " in text for text in re.findall(r'"([^"]*)"', brackets(path_of(o)))), bad("invalidFilter", "cannot parse the path"))


@bug("address-type-default-work")
def default_work(app):
    """An address that comes without a type gets the type work: a default of the class, which no other value has."""
    def one(inner, attr, value):
        clean = inner(attr, value)
        if attr.name == "addresses" and clean and "type" not in clean:
            clean["type"] = "work"
        return clean
    wrap(app.reader, "one", one)


@bug("patch-complex-quoted")
def quoted(app):
    """PATCH replace of a whole complex attribute (name) with an object stores its texts with quotation marks around."""
    def attribute(inner, base, op, attr, value):
        if op == "replace" and attr.type == "complex" and not attr.multi and isinstance(value, dict):
            value = {k: f'"{v}"' if isinstance(v, str) else v for k, v in value.items()}
        return inner(base, op, attr, value)
    wrap(app.patcher, "attribute", attribute)


def strange(body):
    """Whether a body has, in a complex attribute or an extension, a part that the schema does not know."""
    for name, value in body.items():
        extension = USERS.extension(name)
        attrs = extension.attrs if extension else None
        attr = None if extension else USERS.attr(name)
        if attr and attr.type == "complex":
            attrs = attr.subs
        for item in value if isinstance(value, list) else [value]:
            if attrs and isinstance(item, dict):
                if any(find(attrs, key) is None for key in item) or (extension and nested(item, attrs)):
                    return True
    return False


def nested(item, attrs):
    """Whether a complex attribute of an extension has such a part."""
    return any(isinstance(v, dict) and find(attrs, k).type == "complex"
               and any(find(attrs, k).sub(name) is None for name in v) for k, v in item.items())


@bug("create-unknown-subattribute-500")
def strange_part(app):
    """A create with a part that is not mapped, in a complex attribute or in an extension, as directories send by default,
    is a call on null: 500. Updates ask whether there is a mapping."""
    crash_if(app.service, "create", lambda tenant, rtype, body: is_users(rtype) and strange(body))


@bug("patch-email-parts-at-root")
def parts_at_root(app):
    """A user without e-mail gets primary and type of emails[type eq "work"] by PATCH add, but no value: the parts have no
    parent. With the next such PATCH all parts, the value too, are members of the user itself, and emails is not there."""
    lost, shown = {}, set()

    def part(operation):
        path = path_of(operation)
        sub = path.rpartition("].")[2].lower() if "]." in path else ""
        return sub if verb_of(operation) == "add" and path.lower().startswith("emails[") else ""

    def patch(inner, record, body):
        ops = objects(body, "Operations")
        mine = [o for o in ops if is_users(record.rtype) and part(o)]
        orphan = mine and "emails" not in record.data and all(part(o) != "value" for o in mine)
        if not orphan and not (mine and record.id in lost):
            return inner(record, body)
        if record.id in lost:
            shown.add(record.id)
        for o in mine:
            lost.setdefault(record.id, {})[part(o)] = lower(o).get("value")
        rest = [o for o in ops if o not in mine]
        return inner(record, {**body, "Operations": rest}) if rest else None
    wrap(app.service, "patch", patch)
    edit(app.render, "shown", lambda out, record, *_: out.update(lost[record.id]) if record.id in shown else None)


@bug("filter-username-first-thousand")
def first_thousand(app):
    """userName eq looks for the user among the first thousand accounts only: who stands behind them is not found."""
    def found(inner, tenant, rtypes, query):
        out = inner(tenant, rtypes, query)
        if query.filter and is_users(rtypes[0]) and any(
                node[0] == "compare" and node[1].attr.name == "userName" and node[2] == "eq"
                for node in nodes(app.filters.compile(rtypes[0], query.filter, True))):
            near = {r.id for r in app.store.all(tenant, rtypes[0])[:FIRST]}
            out = [pair for pair in out if pair[0].id in near]
        return out
    wrap(app.listing, "found", found)


@bug("create-username-not-email-400")
def not_email(app):
    """userName and the e-mail address of a new user must be the same text, case and all: otherwise the create is refused."""
    def differs(body):
        mails = objects(body, "emails")
        mail = next((m for m in mails if m.get("primary") is True), mails[0] if mails else None)
        return mail is not None and mail.get("value") != body.get("username")
    refuse_create(app, differs, bad("invalidValue", "userName and email must match"))


@bug("patch-user-remove-only-external-id-400")
def only_external_id(app):
    """remove in a PATCH of a user is possible for externalId and for nothing else: every other path is refused."""
    refuse_if(app.patcher, "operation", lambda rtype, data, o: is_users(rtype) and verb_of(o) == "remove"
              and path_of(o) and path_of(o).lower() != "externalid", bad("invalidPath", "only externalId can be removed"))


@bug("patch-inapplicable-500")
def inapplicable(app):
    """A PATCH whose body is well formed and that cannot be applied (noTarget, a path that does not exist, readOnly) is an
    exception of the model that nobody catches: 500 instead of 400."""
    def safe(inner, *given):
        try:
            return inner(*given)
        except ScimError:
            crash()
    for method in ("operation", "finish"):
        wrap(app.patcher, method, safe)


@bug("patch-schemas-unchecked")
def schemas_unchecked(app):
    """Nobody looks at `schemas` of a PATCH: a body that says it is a User, or has none, is applied."""
    def operations(inner, body):
        rest = {k: v for k, v in body.items() if k.lower() != "schemas"}
        return inner({**rest, "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]})
    wrap(app.patcher, "operations", operations)
