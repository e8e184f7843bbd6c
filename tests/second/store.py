"""Where resources are kept: in memory, one table for all tenants, as most services have it."""

import uuid
from dataclasses import dataclass, field

import dates


@dataclass
class Record:
    """A stored resource. `data` holds only what clients wrote; the rest is worked out on the way out."""

    tenant: str
    rtype: object
    data: dict
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    created: str = field(default_factory=dates.now)
    modified: str = ""
    version: int = 1

    def __post_init__(self):
        self.modified = self.modified or self.created

    @property
    def etag(self):
        """A weak entity tag (RFC 7644 section 3.14)."""
        return f'W/"{self.version}"'


class Store:
    """The table of records, in the order they were created."""

    def __init__(self):
        self.records = {}
        self.revision = 0
        self.indexed = (-1, {})

    def add(self, record):
        """Keeps a new record."""
        self.records[record.id] = record
        self.revision += 1

    def get(self, tenant, rtype, rid):
        """The record of this id, if it is of this tenant and type; None otherwise."""
        record = self.records.get(rid)
        return record if record and record.tenant == tenant and record.rtype is rtype else None

    def any(self, tenant, rid):
        """The record of this id, of whatever type."""
        record = self.records.get(rid)
        return record if record and record.tenant == tenant else None

    def all(self, tenant, rtype):
        """All records of one type."""
        return [r for r in self.records.values() if r.tenant == tenant and r.rtype is rtype]

    def change(self, record, data):
        """Writes new data; nothing new leaves version and lastModified alone."""
        if data == record.data:
            return
        record.data = data
        record.version += 1
        record.modified = dates.now()
        self.revision += 1

    def remove(self, record):
        """Forgets a record, and with it every membership that it had."""
        del self.records[record.id]
        self.revision += 1
        for group in self.holders(record):
            rest = [m for m in group.data["members"] if m["value"] != record.id]
            self.change(group, {**group.data, "members": rest} if rest else
                        {k: v for k, v in group.data.items() if k != "members"})

    def holders(self, record):
        """The groups that list the record as a member."""
        return [r for r in self.records.values() if r.tenant == record.tenant
                and any(m["value"] == record.id for m in r.data.get("members", ()))]

    def named(self, record, name):
        """Another user of the tenant with this userName, without regard to case (RFC 7643 section 4.1.1)."""
        return next((r for r in self.all(record.tenant, record.rtype)
                     if r.id != record.id and r.data.get("userName", "").lower() == name.lower()), None)

    def parents(self, rid):
        """The groups that hold this id directly; the index lives until the next write."""
        if self.indexed[0] != self.revision:
            index = {}
            for group in self.records.values():
                for member in group.data.get("members", ()):
                    index.setdefault(member["value"], []).append(group)
            self.indexed = (self.revision, index)
        return self.indexed[1].get(rid, [])
