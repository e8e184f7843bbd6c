"""A further fresh sample, from issues and pull requests of libraries and products: groups, questions, bulk."""

import json
from contextlib import suppress

from bugkit import bug, crash, crash_if, edit, is_groups, is_users, lower, nodes, refuse_if, refuse_node, wrap
from errors import ScimError, bad
from fresh_a_create import objects
from fresh_b_patch import path_of, verb_of
from fresh_h_group import brought


@bug("group-without-members-gets-everybody")
def everybody(app):
    """A group that comes without members is filtered by nothing: every user of the tenant becomes a member."""
    def fill(tenant, rtype, body):
        if is_groups(rtype) and not lower(body).get("members"):
            users = [r for r in app.store.records.values() if r.tenant == tenant and is_users(r.rtype)]
            body = {k: v for k, v in body.items() if k.lower() != "members"}
            body["members"] = [{"value": u.id} for u in users]
        return body
    wrap(app.service, "create", lambda inner, tenant, rtype, body: inner(tenant, rtype, fill(tenant, rtype, body)))
    wrap(app.service, "replace", lambda inner, record, body: inner(record, fill(record.tenant, record.rtype, body)))


@bug("group-replace-answer-members-empty")
def answer_empty(app):
    """PATCH replace of members with one member is done, and answered with members [] and the id of the member as an
    attribute value of the group; the next GET is right."""
    def do_patch(inner, request, record):
        answer = inner(request, record)
        ops = objects(request.body, "Operations")
        new = [m for o in ops if verb_of(o) == "replace" for m in brought(o)]
        if is_groups(record.rtype) and len(new) == 1 and answer.body:
            answer.body = {**answer.body, "members": [], "value": new[0].get("value")}
        return answer
    wrap(app, "do_patch", do_patch)


@bug("delete-group-with-subgroups-409")
def subgroups(app):
    """A group that has groups as members cannot be deleted: 409."""
    refuse_if(app.service, "delete", lambda record: is_groups(record.rtype) and any(
        is_groups(app.store.records[m["value"]].rtype) for m in record.data.get("members", ())
        if m["value"] in app.store.records), ScimError(409, "group has subgroups"))


@bug("filter-urn-boolean-400")
def urn_boolean(app):
    """A bare true or false is only allowed behind `active`: with the URN of the schema in front it is no valid value."""
    def compile_(inner, rtype, text, *more):
        if "urn:" in text.lower():
            words = text.split()
            for at, word in enumerate(words[2:], 2):
                if word.lower().strip("()") in ("true", "false") and words[at - 2].lower().strip("()").startswith("urn:"):
                    raise bad("invalidFilter", "a value must be a string")
        return inner(rtype, text, *more)
    wrap(app.filters, "compile", compile_)


@bug("filter-nested-deep-500")
def deep(app):
    """A filter of a hundred parentheses, one in the other, overflows the stack of the parser: 500."""
    crash_if(app.listing, "condition", lambda rtype, text, forgiving: text and "(" * 60 in text.replace(" ", ""))


@bug("filter-not-then-and-500")
def not_and(app):
    """`a and not (b) and c`: the tree of such a filter refers to itself, and the stack overflows: 500."""
    refuse_node(app, lambda rtype, node: node[0] == "and" and node[1][0] == "and"
                and node[1][2][0] == "not", None)


@bug("filter-other-case-loses-groups")
def other_case(app):
    """userName eq in other case than it is stored finds the user, but shows it without groups: they are looked up by
    the spelling of the filter."""
    def answer(inner, tenant, rtypes, query):
        out = inner(tenant, rtypes, query)
        for node in nodes(app.filters.compile(rtypes[0], query.filter, True)) if query.filter else ():
            if node[0] == "compare" and node[1].attr.name == "userName" and node[2] == "eq":
                for body in out["Resources"]:
                    name = body.get("userName")
                    if isinstance(name, str) and name != node[3] and name.lower() == str(node[3]).lower():
                        body.pop("groups", None)
        return out
    wrap(app.listing, "answer", answer)


@bug("filter-hyphen-attribute-500")
def hyphen(app):
    """The name of an attribute that nobody knows is refused, but one with a hyphen fails deep in the store: 500."""
    def compile_(inner, rtype, text, *more):
        try:
            return inner(rtype, text, *more)
        except ScimError:
            if any("-" in w for w in text.split('"')[0].split()[:1]):
                crash()
            raise
    wrap(app.filters, "compile", compile_)


@bug("filter-paged-twice")
def paged_twice(app):
    """With a filter the store cuts the page, and the list cuts it once more: pages from the second on are empty (or
    short), the total is right."""
    def page(inner, found, query):
        cut = inner(found, query)
        return inner(cut, query) if query.filter else cut
    wrap(app.listing, "page", page)


@bug("bulk-patch-reference-refused")
def patch_reference(app):
    """bulkId in the data of a POST is resolved, in the value of a PATCH it is not: the operation fails."""
    def single(inner, request, operation, known):
        if str(operation.get("method")).upper() == "PATCH" and "bulkId:" in json.dumps(operation.get("data")):
            raise bad("invalidValue", "the reference cannot be resolved")
        return inner(request, operation, known)
    wrap(app.bulk, "single", single)


@bug("search-co-finds-nothing")
def search_co(app):
    """co in the filter of a `.search` finds nobody; the same filter in a GET works."""
    def search(inner, body):
        query = inner(body)
        if query.filter and " co " in query.filter.lower():
            query.filter = f'({query.filter}) and id eq ""'
        return query
    wrap(app.listing, "search", search)


@bug("group-filter-ne-501")
def group_ne(app):
    """ne is understood for users; for groups it is not implemented."""
    refuse_node(app, lambda rtype, node: is_groups(rtype) and node[0] == "compare" and node[2] == "ne",
                ScimError(501, "operator ne is not supported for groups"))


@bug("patch-user-groups-shown")
def user_groups(app):
    """PATCH add of groups at a user, which is readOnly, is 200: the user shows one group more, which has no display, and
    the group does not know of it."""
    extra = {}

    def patch(inner, record, body):
        ops = objects(body, "Operations")
        mine = [o for o in ops if is_users(record.rtype) and path_of(o).lower() == "groups" and verb_of(o) != "remove"]
        for o in mine:
            value = lower(o).get("value")
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, dict) and isinstance(item.get("value"), str):
                    extra.setdefault(record.id, []).append({"value": item["value"]})
        rest = [o for o in ops if o not in mine]
        if mine and not rest:
            return None
        return inner(record, {**body, "Operations": rest} if mine else body)
    wrap(app.service, "patch", patch)

    def groups(inner, record):
        return inner(record) + extra.get(record.id, [])
    wrap(app.render, "groups", groups)


@bug("group-create-without-members-gets-everybody")
def create_everybody(app):
    """As above, by POST alone: a PUT without members is right."""
    def create(inner, tenant, rtype, body):
        if is_groups(rtype) and not lower(body).get("members"):
            users = [r for r in app.store.records.values() if r.tenant == tenant and is_users(r.rtype)]
            body = {**{k: v for k, v in body.items() if k.lower() != "members"},
                    "members": [{"value": u.id} for u in users]}
        return inner(tenant, rtype, body)
    wrap(app.service, "create", create)


@bug("version-depends-on-attributes")
def version_projected(app):
    """The version is a hash over what is shown: with attributes or excludedAttributes it is another one than without."""
    def mark(query):
        return f'W/"{abs(hash((tuple(query.attributes), tuple(query.excluded)))) % 99991}' \
            if query.attributes or query.excluded else None

    def shown(inner, request, record, status):
        answer = inner(request, record, status)
        start = mark(app.listing.query(request.query))
        if start and request.method == "GET":
            answer.headers["ETag"] = start + "-" + record.etag[3:]
            if answer.body and "version" in answer.body.get("meta", {}):
                answer.body["meta"] = {**answer.body["meta"], "version": answer.headers["ETag"]}
        return answer
    wrap(app, "shown", shown)


@bug("filter-email-lists-twice")
def email_twice(app):
    """A filter by e-mail address joins the addresses twice: each user is in the list two times, the total counts both."""
    def found(inner, tenant, rtypes, query):
        out = inner(tenant, rtypes, query)
        text = (query.filter or "").lower()
        return [pair for pair in out for _ in (1, 2)] if text.startswith(("emails", "(emails")) else out
    wrap(app.listing, "found", found)


@bug("values-hold-operation")
def operation(app):
    """E-mails, phone numbers and addresses are shown with a part of the code that no schema knows: operation."""
    def full(out, record):
        for name in ("emails", "phoneNumbers", "addresses", "ims"):
            if name in out:
                out[name] = [{**item, "operation": None} for item in out[name]]
    edit(app.render, "full", full)


_ = (suppress, edit, path_of, crash)
