"""Create, read, replace, change and delete resources (RFC 7644 sections 3.3 to 3.6)."""

from errors import ScimError, bad, not_found
from store import Record


class Service:
    """The rules that bind resources to each other, whatever way a change comes in."""

    def __init__(self, app):
        self.app = app

    def find(self, tenant, rtype, rid):
        """The record, or 404."""
        record = self.app.store.get(tenant, rtype, rid)
        if record is None:
            raise not_found(f"{rtype.name} {rid}")
        return record

    def create(self, tenant, rtype, body):
        """POST (section 3.3)."""
        record = Record(tenant, rtype, self.app.reader.resource(rtype, body))
        if rtype.attr("active"):
            record.data.setdefault("active", True)
        self.check(record, record.data)
        self.app.store.add(record)
        return record

    def replace(self, record, body):
        """PUT (section 3.5.1): what the client does not name is cleared, but for what it could not know."""
        new = self.app.reader.resource(record.rtype, body)
        self.keep(record, new)
        self.check(record, new)
        self.app.store.change(record, new)

    def keep(self, record, new):
        """What a PUT without it does not clear: the password (nobody can read it back), `active`, immutables."""
        for name in ("active", "password"):
            if record.rtype.attr(name) and name in record.data:
                new.setdefault(name, record.data[name])
        for schema in record.rtype.extensions:
            for attr in schema.attrs:
                old = record.data.get(schema.id, {}).get(attr.name)
                if attr.mutability == "immutable" and old is not None:
                    if new.setdefault(schema.id, {}).setdefault(attr.name, old) != old:
                        raise ScimError(400, f"'{attr.name}' cannot be changed", "mutability")

    def patch(self, record, body):
        """PATCH (section 3.5.2)."""
        data = self.app.patcher.apply(record.rtype, record.data, body)
        self.check(record, data)
        self.app.store.change(record, data)

    def delete(self, record):
        """DELETE (section 3.6): gone, and no longer anybody's member."""
        self.app.store.remove(record)

    def check(self, record, data):
        """What one resource owes to the others."""
        if "userName" in data:
            self.unique(record, data["userName"])
        if "members" in data:
            data["members"] = self.members(record, data["members"])

    def unique(self, record, name):
        """One userName, one user (RFC 7643 section 4.1.1); taken is 409 uniqueness (RFC 7644 section 3.3)."""
        if self.app.store.named(record, name):
            raise ScimError(409, f"userName '{name}' is taken", "uniqueness")

    def members(self, record, members):
        """Only ids are kept; each must be there, once, and not the group itself."""
        kept = {}
        for member in members:
            found = self.app.store.any(record.tenant, member["value"])
            if found is None or found is record:
                raise bad("invalidValue", f"no user or group {member['value']}")
            kept[found.id] = {"value": found.id}
        return list(kept.values())
