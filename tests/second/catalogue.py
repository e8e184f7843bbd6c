"""The schemas of this server: User, Group, the enterprise extension and one of its own."""

from schema import Attr, ResourceType, Schema

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
BADGE = "urn:example:params:scim:schemas:extension:badge:1.0:User"


def text(name, **more):
    """A plain string attribute."""
    return Attr(name, **more)


def ref(name, *targets, **more):
    """A reference; those are case exact (RFC 7643 section 2.3.7)."""
    return Attr(name, type="reference", exact=True, refs=targets, **more)


def plural(name, canonical, value=None, **more):
    """A multi-valued attribute with the default sub-attributes of RFC 7643 section 2.4."""
    subs = (value or text("value"), text("display"), text("type", canonical=canonical),
            Attr("primary", type="boolean"))
    return Attr(name, type="complex", multi=True, subs=subs, **more)


NAME = Attr("name", type="complex", subs=(
    text("formatted"), text("familyName"), text("givenName"), text("middleName"), text("honorificPrefix"),
    text("honorificSuffix")))

ADDRESSES = Attr("addresses", type="complex", multi=True, subs=(
    text("formatted"), text("streetAddress"), text("locality"), text("region"), text("postalCode"), text("country"),
    text("type", canonical=("work", "home", "other")), Attr("primary", type="boolean")))

USER_GROUPS = Attr("groups", type="complex", multi=True, mutability="readOnly", subs=(
    text("value", exact=True, mutability="readOnly"), ref("$ref", "User", "Group", mutability="readOnly"),
    text("display", mutability="readOnly"),
    text("type", canonical=("direct", "indirect"), mutability="readOnly")))

USER_SCHEMA = Schema(USER, "User", "User account", (
    text("userName", required=True, uniqueness="server"), NAME, text("displayName"), text("nickName"),
    ref("profileUrl", "external"), text("title"), text("userType"), text("preferredLanguage"), text("locale"),
    text("timezone"), Attr("active", type="boolean"),
    text("password", mutability="writeOnly", returned="never", exact=True),
    plural("emails", ("work", "home", "other")),
    plural("phoneNumbers", ("work", "home", "mobile", "fax", "pager", "other")),
    plural("ims", ("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo")),
    plural("photos", ("photo", "thumbnail"), value=ref("value", "external")), ADDRESSES, USER_GROUPS,
    plural("entitlements", ()), plural("roles", ()),
    plural("x509Certificates", (), value=Attr("value", type="binary", exact=True))))

MANAGER = Attr("manager", type="complex", subs=(
    text("value", exact=True), ref("$ref", "User", mutability="readOnly"), text("displayName", mutability="readOnly")))

ENTERPRISE_SCHEMA = Schema(ENTERPRISE, "EnterpriseUser", "Enterprise user", (
    text("employeeNumber"), text("costCenter"), text("organization"), text("division"), text("department"), MANAGER))

BADGE_SCHEMA = Schema(BADGE, "BadgeUser", "The badge that opens the doors", (
    text("number", exact=True, mutability="immutable", about="Printed on the badge; never changes."),
    Attr("issued", type="dateTime"), Attr("floors", type="integer", multi=True),
    text("remark", returned="request")))

MEMBERS = Attr("members", type="complex", multi=True, subs=(
    text("value", required=True, exact=True, mutability="immutable"),
    ref("$ref", "User", "Group", mutability="immutable"), text("display", mutability="readOnly"),
    text("type", canonical=("User", "Group"), mutability="immutable")))

GROUP_SCHEMA = Schema(GROUP, "Group", "Group", (text("displayName", required=True), MEMBERS))

META = Attr("meta", type="complex", mutability="readOnly", subs=(
    text("resourceType", exact=True, mutability="readOnly"),
    Attr("created", type="dateTime", mutability="readOnly"),
    Attr("lastModified", type="dateTime", mutability="readOnly"),
    ref("location", mutability="readOnly"), text("version", exact=True, mutability="readOnly")))

COMMON = (Attr("schemas", type="reference", multi=True, exact=True, returned="always"),
          text("id", exact=True, mutability="readOnly", returned="always", uniqueness="server"),
          text("externalId", exact=True), META)

USERS = ResourceType("User", "/Users", USER_SCHEMA, (ENTERPRISE_SCHEMA, BADGE_SCHEMA), COMMON, "User account")
GROUPS = ResourceType("Group", "/Groups", GROUP_SCHEMA, (), COMMON, "Group")
TYPES = (USERS, GROUPS)
SCHEMAS = (USER_SCHEMA, GROUP_SCHEMA, ENTERPRISE_SCHEMA, BADGE_SCHEMA)
