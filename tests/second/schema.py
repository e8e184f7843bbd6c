"""What a schema is: attributes with their characteristics (RFC 7643 sections 2.2 and 7)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Attr:
    """One attribute. The defaults are those of RFC 7643 section 2.2."""

    name: str
    type: str = "string"
    multi: bool = False
    required: bool = False
    exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    uniqueness: str = "none"
    subs: tuple = ()
    canonical: tuple = ()
    refs: tuple = ()
    about: str = ""

    def sub(self, name):
        """The sub-attribute of this name, in any case (attribute names are case insensitive, section 2.1)."""
        return find(self.subs, name)

    def json(self):
        """This attribute as /Schemas shows it (section 7)."""
        out = {"name": self.name, "type": self.type, "multiValued": self.multi,
               "description": self.about or f"The {self.name} of the resource.", "required": self.required,
               "caseExact": self.exact, "mutability": self.mutability, "returned": self.returned,
               "uniqueness": self.uniqueness}
        if self.canonical:
            out["canonicalValues"] = list(self.canonical)
        if self.refs:
            out["referenceTypes"] = list(self.refs)
        if self.type == "complex":
            out["subAttributes"] = [sub.json() for sub in self.subs]
        return out


def find(attrs, name):
    """The attribute of this name in any case, or None."""
    low = name.lower()
    return next((attr for attr in attrs if attr.name.lower() == low), None)


@dataclass(frozen=True)
class Schema:
    """A schema: its URN and its attributes."""

    id: str
    name: str
    about: str
    attrs: tuple

    def json(self, base):
        """This schema as /Schemas shows it."""
        return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": self.id, "name": self.name,
                "description": self.about, "attributes": [attr.json() for attr in self.attrs],
                "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{self.id}"}}


@dataclass(frozen=True)
class ResourceType:
    """A kind of resource with its endpoint (RFC 7643 section 6)."""

    name: str
    endpoint: str
    schema: Schema
    extensions: tuple
    common: tuple
    about: str

    def attr(self, name):
        """A core or common attribute by name, or None."""
        return find(self.common + self.schema.attrs, name)

    def extension(self, urn):
        """An extension schema by its URN in any case, or None."""
        return next((s for s in self.extensions if s.id.lower() == urn.lower()), None)

    def json(self, base):
        """This resource type as /ResourceTypes shows it."""
        return {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": self.name,
                "name": self.name, "endpoint": self.endpoint, "description": self.about, "schema": self.schema.id,
                "schemaExtensions": [{"schema": s.id, "required": False} for s in self.extensions],
                "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{self.name}"}}
