"""Bulk (RFC 7644 section 3.7): many operations in one request, which may name each other by bulkId."""

import json
import re

from errors import ScimError, bad

REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
MAX_OPERATIONS = 200
MAX_PAYLOAD = 1048576
WANTED = re.compile(r"bulkId:([^\"/?&]+)")


class Bulk:
    """Plays the operations one after the other, those that wait for a bulkId when it is known."""

    def __init__(self, app):
        self.app = app

    def answer(self, request, body):
        """The BulkResponse."""
        operations = self.operations(body)
        limit = body.get("failOnErrors")
        known, done, errors, todo = {}, {}, 0, list(range(len(operations)))
        while todo and not (isinstance(limit, int) and limit > 0 and errors >= limit):
            at = self.next(todo, operations, known)
            todo.remove(at)
            done[at] = self.play(request, operations[at], known)
            errors += int(done[at]["status"]) >= 400
        return {"schemas": [RESPONSE], "Operations": [done[at] for at in sorted(done)]}

    def operations(self, body):
        """The list of operations, within the limits that the server names (section 3.7.4)."""
        if REQUEST not in (body.get("schemas") or ()):
            raise bad("invalidValue", f"'schemas' must hold {REQUEST}")
        operations = body.get("Operations")
        if not isinstance(operations, list) or not all(isinstance(o, dict) for o in operations):
            raise bad("invalidSyntax", "'Operations' must be a list of objects")
        if len(operations) > MAX_OPERATIONS:
            raise ScimError(413, f"more than {MAX_OPERATIONS} operations (maxOperations)")
        return operations

    def next(self, todo, operations, known):
        """The first operation that waits for nothing; if all wait in a circle, the first (section 3.7.1)."""
        return next((at for at in todo if not self.wanted(operations[at]) - set(known)), todo[0])

    def wanted(self, operation):
        """The bulkIds that an operation needs."""
        return set(WANTED.findall(json.dumps([operation.get("path"), operation.get("data")])))

    def play(self, request, operation, known):
        """One operation, through the same door as a request of its own."""
        out = {"method": operation.get("method")}
        if "bulkId" in operation:
            out["bulkId"] = operation["bulkId"]
        try:
            status, body, headers = self.single(request, operation, known)
        except ScimError as error:
            status, body, headers = error.status, error.body(), {}
        return self.told(out, operation, known, status, body, headers)

    def single(self, request, operation, known):
        """The status, body and headers of one operation."""
        method, path = str(operation.get("method", "")).upper(), operation.get("path")
        if method not in ("POST", "PUT", "PATCH", "DELETE") or not isinstance(path, str):
            raise bad("invalidSyntax", "an operation needs a method and a path")
        if method == "POST" and not isinstance(operation.get("bulkId"), str):
            raise bad("invalidSyntax", "a POST needs a bulkId")
        missing = self.wanted(operation) - set(known)
        if missing:
            raise ScimError(409, f"bulkId {', '.join(sorted(missing))} is not known", "invalidValue")
        answer = self.app.inner(request, method, self.resolved(path, known),
                                self.resolved(operation.get("data"), known), operation.get("version"))
        return answer.status, answer.body, answer.headers

    def resolved(self, data, known):
        """The data with ids in the place of bulkIds."""
        if data is None:
            return None
        return json.loads(WANTED.sub(lambda found: known[found.group(1)], json.dumps(data)))

    def told(self, out, operation, known, status, body, headers):
        """What the response says of one operation (section 3.7.3): a body only with an error."""
        out["status"] = str(status)
        if "Location" in headers:
            out["location"] = headers["Location"]
        elif operation.get("method", "").upper() != "POST" and isinstance(operation.get("path"), str):
            out["location"] = self.app.base + self.place(operation["path"], known)
        if "ETag" in headers:
            out["version"] = headers["ETag"]
        if status >= 400:
            out["response"] = body
        elif str(operation.get("method")).upper() == "POST":
            known[operation["bulkId"]] = headers["Location"].rsplit("/", 1)[1]
        return out

    def place(self, path, known):
        """The path with what is known of its bulkIds."""
        return WANTED.sub(lambda found: known.get(found.group(1), found.group(0)), path)
