"""A further fresh sample, from changelogs, vendors' pages and forums: what is asked, and what requests look like."""

import catalogue
import paths
from bugkit import bug, crash_if, edit, is_users, lower, refuse_if, wrap
from errors import ScimError, bad
from fresh_a_create import addresses_of


def username_eq(node):
    """Whether a comparison is userName eq."""
    return node[1].attr.name == "userName" and node[2] == "eq"


@bug("filter-username-compares-email")
def compares_email(app):
    """Users are indexed by their first e-mail: userName eq looks there, and finds nobody whose userName is another."""
    def compare(inner, node, resource):
        if username_eq(node) and resource.get("emails"):
            return str(resource["emails"][0].get("value")).lower() == str(node[3]).lower()
        return inner(node, resource)
    wrap(app.filters, "on_compare", compare)


@bug("filter-username-matches-email")
def matches_email(app):
    """userName eq finds also those whose externalId or any of whose e-mails is the value."""
    def compare(inner, node, resource):
        if username_eq(node) and isinstance(node[3], str):
            others = addresses_of(resource) | {str(resource.get("externalId", "")).lower()}
            return inner(node, resource) or node[3].lower() in others
        return inner(node, resource)
    wrap(app.filters, "on_compare", compare)


@bug("filter-braces-500")
def braces(app):
    """The filter goes through a template of URLs: a brace in its value is a variable that nobody set."""
    crash_if(app.listing, "condition", lambda rtype, text, forgiving: text and ("{" in text or "}" in text))


@bug("attributes-unknown-400")
def unknown_names(app):
    """A name that no schema knows in attributes or excludedAttributes is an invalid request."""
    def targets(inner, rtype, names):
        for name in names:
            if not any(known(t, name) for t in catalogue.TYPES):
                raise bad("invalidPath", f"unknown attribute '{name}'")
        return inner(rtype, names)

    def known(rtype, name):
        try:
            return paths.parse(rtype, name)
        except ScimError:
            return None
    wrap(app.render, "targets", targets)


@bug("list-count-zero-returns-one")
def count_one(app):
    """count has a floor of one: count 0 gives one resource."""
    def query(inner, given):
        out = inner(given)
        out.count = max(1, out.count)
        return out
    wrap(app.listing, "query", query)


@bug("content-type-missing-415")
def no_type(app):
    """A body without Content-Type is refused, though nothing else could be meant."""
    wrap(app, "readable", lambda inner, content_type: bool(content_type.strip()) and inner(content_type))


@bug("error-405-without-allow")
def no_allow(app):
    """405 does not tell which methods there are."""
    edit(app, "failure", lambda answer, error: answer.status == 405 and answer.headers.pop("Allow", None))


@bug("username-with-blank-refused")
def blank(app):
    """A userName may not have a blank in it."""
    def has_blank(body):
        return " " in str(lower(body).get("username", "")).strip()
    error = bad("invalidValue", "userName may not contain spaces")
    refuse_if(app.service, "create", lambda tenant, rtype, body: is_users(rtype) and has_blank(body), error)
    refuse_if(app.service, "replace", lambda record, body: is_users(record.rtype) and has_blank(body), error)


@bug("serviceproviderconfig-401")
def config_401(app):
    """There is no ServiceProviderConfig, and the guard in front answers what it has no route for with 401, token or not."""
    refuse_if(app, "guarded", lambda request: [s.lower() for s in request.steps] == ["serviceproviderconfig"],
              ScimError(401, "Unauthenticated", headers={"WWW-Authenticate": 'Bearer realm="scim"'}))
