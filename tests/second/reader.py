"""What a client may send: a body becomes data that fits the schema, or an error (RFC 7643 sections 2.2 to 2.5)."""

import base64
import binascii

import dates
from errors import bad
from schema import find


class Reader:
    """Validates and cleans. Names get the spelling of the schema; readOnly and unknown attributes are left out.

    RFC 7644 section 3.3 has readOnly attributes in a create ignored; unknown ones are ignored likewise, because
    identity providers send more than any server has.
    """

    def resource(self, rtype, body):
        """A whole resource, from POST or PUT."""
        self.schemas(rtype, body)
        data = {}
        for name, value in body.items():
            schema = rtype.extension(name)
            if schema:
                self.container(data, schema, value)
            elif name.lower() not in ("schemas", "id", "meta"):
                self.member(data, rtype.common + rtype.schema.attrs, name, value)
        self.required(rtype, data)
        return data

    def schemas(self, rtype, body):
        """`schemas` is required and names the core schema (RFC 7643 section 3); strangers beside it do no harm."""
        named = next((value for name, value in body.items() if name.lower() == "schemas"), None)
        if not isinstance(named, list) or not all(isinstance(urn, str) for urn in named):
            raise bad("invalidValue", "'schemas' must be a list of URNs")
        if rtype.schema.id.lower() not in (urn.lower() for urn in named):
            raise bad("invalidValue", f"'schemas' must hold {rtype.schema.id}")

    def container(self, data, schema, value):
        """The attributes of an extension, under its URN (RFC 7643 section 3.3)."""
        if value is None:
            return
        if not isinstance(value, dict):
            raise bad("invalidValue", f"'{schema.id}' must be an object")
        inner = {}
        for name, item in value.items():
            self.member(inner, schema.attrs, name, item)
        if inner:
            data[schema.id] = inner

    def member(self, into, attrs, name, value):
        """One attribute, if it is known and the client may write it."""
        attr = find(attrs, name)
        if attr is None or attr.mutability == "readOnly":
            return
        clean = self.value(attr, value)
        if clean not in (None, [], {}):
            into[attr.name] = clean

    def value(self, attr, value):
        """The value of an attribute; null and the empty list mean unassigned (RFC 7643 section 2.5)."""
        if value is None:
            return None
        if not attr.multi:
            return self.one(attr, value)
        if not isinstance(value, list):
            raise bad("invalidValue", f"'{attr.name}' must be a list")
        clean = [self.one(attr, item) for item in value if item is not None]
        if sum(1 for item in clean if isinstance(item, dict) and item.get("primary")) > 1:
            raise bad("invalidValue", f"'{attr.name}' has more than one primary value")
        return self.distinct([item for item in clean if item != {}])

    def distinct(self, items):
        """The same value twice is kept once (RFC 7643 section 2.4: SHOULD NOT be the same)."""
        return [item for at, item in enumerate(items) if item not in items[:at]]

    def one(self, attr, value):
        """One value, in the type of its attribute (RFC 7643 section 2.3)."""
        return getattr(self, "as_" + attr.type.lower())(attr, value)

    def as_complex(self, attr, value):
        """An object; what the schema requires of it must be there."""
        if not isinstance(value, dict):
            raise bad("invalidValue", f"'{attr.name}' must be an object")
        clean = {}
        for name, item in value.items():
            self.member(clean, attr.subs, name, item)
        for sub in attr.subs:
            if clean and sub.required and sub.name not in clean:
                raise bad("invalidValue", f"'{attr.name}.{sub.name}' is required")
        return clean

    def as_string(self, attr, value):
        """A string."""
        if not isinstance(value, str):
            raise bad("invalidValue", f"'{attr.name}' must be a string")
        return value

    as_reference = as_string

    def as_boolean(self, attr, value):
        """true or false. Entra sends them as strings, so those are taken as well."""
        if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise bad("invalidValue", f"'{attr.name}' must be true or false")
        return value

    def as_integer(self, attr, value):
        """A whole number (true is none, though Python thinks so)."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise bad("invalidValue", f"'{attr.name}' must be a whole number")
        return value

    def as_datetime(self, attr, value):
        """A dateTime, kept as the client wrote it."""
        if dates.parse(value) is None:
            raise bad("invalidValue", f"'{attr.name}' must be a dateTime")
        return value

    def as_binary(self, attr, value):
        """Base64 (RFC 7643 section 2.3.6)."""
        try:
            base64.b64decode(self.as_string(attr, value), validate=True)
        except binascii.Error:
            raise bad("invalidValue", f"'{attr.name}' must be base64") from None
        return value

    def required(self, rtype, data):
        """Required attributes are there and not blank."""
        for attr in rtype.schema.attrs:
            value = data.get(attr.name)
            if attr.required and (value is None or isinstance(value, str) and not value.strip()):
                raise bad("invalidValue", f"'{attr.name}' is required")
