"""From a request to a response: who asks, where, how (RFC 7644 sections 2 and 3). Knows no sockets."""

import json
import threading
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote, urlsplit

import catalogue
from bulk import MAX_PAYLOAD, Bulk
from discovery import Discovery
from errors import ScimError, bad, not_found
from filters import Filters
from listing import Listing
from patch import Patcher
from reader import Reader
from render import Render
from service import Service
from store import Store

ROOT = "/scim/v2"
JSON_TYPES = ("application/scim+json", "application/json")
WRITING = ("POST", "PUT", "PATCH")


@dataclass
class Request:
    """A request as it arrived."""

    method: str
    target: str
    headers: dict
    raw: bytes = b""
    tenant: str = None
    body: object = None

    @property
    def steps(self):
        """The path below the root in parts; a slash at the end means nothing."""
        path = urlsplit(self.target).path
        if path != ROOT and not path.startswith(ROOT + "/"):
            raise not_found("endpoint")
        return [unquote(part) for part in path[len(ROOT):].split("/") if part]

    @property
    def query(self):
        """The query parameters."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


@dataclass
class Response:
    """An answer; without a body nothing is sent."""

    status: int
    body: object = None
    headers: dict = field(default_factory=dict)


class App:
    """The parts of the server and the way through them."""

    def __init__(self, base, tokens):
        self.base = base
        self.tokens = tokens  # token: tenant
        self.lock = threading.RLock()
        self.store = Store()
        self.reader = Reader()
        self.filters = Filters()
        self.render = Render(self)
        self.listing = Listing(self)
        self.patcher = Patcher(self)
        self.service = Service(self)
        self.discovery = Discovery(self)
        self.bulk = Bulk(self)

    def handle(self, request):
        """The answer to a request, whatever happens on the way."""
        try:
            return self.guarded(request)
        except ScimError as error:
            return self.failure(error)
        except RecursionError:
            return self.failure(bad("invalidSyntax", "too deeply nested"))
        except Exception:  # a fault of ours: the client gets an answer all the same
            return self.failure(ScimError(500, "internal error"))

    def failure(self, error):
        """An error as a response."""
        return Response(error.status, error.body(), error.headers)

    def guarded(self, request):
        """Who may come in, in an acceptable form, one at a time."""
        self.identify(request)
        self.acceptable(request)
        self.read(request)
        with self.lock:
            return self.route(request)

    def identify(self, request):
        """The tenant of the token (RFC 6750). How to sign in can be read by anybody (RFC 7643 section 5)."""
        if [s.lower() for s in request.steps] == ["serviceproviderconfig"] and request.method == "GET":
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        request.tenant = self.tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if request.tenant is None:
            raise ScimError(401, "a valid bearer token is needed", headers={"WWW-Authenticate": 'Bearer realm="scim"'})

    def acceptable(self, request):
        """The client must take JSON (RFC 7644 section 3.8)."""
        accepted = request.headers.get("accept", "*/*")
        kinds = [part.split(";")[0].strip().lower() for part in accepted.split(",")]
        if not any(kind in (*JSON_TYPES, "*/*", "application/*", "") for kind in kinds):
            raise ScimError(406, "answers are application/scim+json")

    def read(self, request):
        """The JSON body of a writing request."""
        if request.method not in WRITING:
            return
        if len(request.raw) > MAX_PAYLOAD:
            raise ScimError(413, f"more than {MAX_PAYLOAD} bytes")
        if not self.readable(request.headers.get("content-type", "")):
            raise ScimError(415, "bodies must be application/scim+json")
        request.body = self.parsed(request)

    def readable(self, content_type):
        """Whether a body is JSON; parameters such as charset do not matter."""
        return content_type.split(";")[0].strip().lower() in (*JSON_TYPES, "")

    def parsed(self, request):
        """The body as an object."""
        try:
            body = json.loads(request.raw.decode("utf-8"), parse_constant=lambda word: int(word))
        except ValueError:
            raise bad("invalidSyntax", "the body is not JSON") from None
        if not isinstance(body, dict):
            raise bad("invalidSyntax", "the body must be a JSON object")
        return body

    def route(self, request):
        """The handler of the endpoint."""
        steps = request.steps
        first = steps[0].lower() if steps else ""
        if first in ("schemas", "resourcetypes", "serviceproviderconfig"):
            self.only(request, "GET")
            return Response(200, self.discovery.answer(first, steps[1:], request.query))
        if steps == ["Bulk"]:
            self.only(request, "POST")
            return Response(200, self.bulk.answer(request, request.body))
        if first == "me":
            raise ScimError(501, "/Me is not implemented")
        if steps in ([], [".search"]):
            return self.query(request, catalogue.TYPES, bool(steps))
        rtype = next((t for t in catalogue.TYPES if t.endpoint == "/" + steps[0]), None)
        if rtype is None or len(steps) > 2:
            raise not_found("endpoint")
        return self.resources(request, rtype, steps[1:])

    def only(self, request, *methods):
        """405 for anything else, with what would be right (RFC 9110 section 15.5.6)."""
        if request.method not in methods:
            raise ScimError(405, f"{request.method} is not possible here", headers={"Allow": ", ".join(methods)})

    def resources(self, request, rtype, rest):
        """A collection, its `.search`, or one resource."""
        if rest == [".search"]:
            return self.query(request, (rtype,), True)
        if rest:
            return self.one(request, rtype, rest[0])
        self.only(request, "GET", "POST")
        if request.method == "GET":
            return self.query(request, (rtype,), False)
        record = self.service.create(request.tenant, rtype, request.body)
        return self.shown(request, record, 201)

    def query(self, request, rtypes, search):
        """A list, asked for with parameters or with a `.search`."""
        self.only(request, "POST" if search else "GET")
        query = self.listing.search(request.body) if search else self.listing.query(request.query)
        return Response(200, self.listing.answer(request.tenant, rtypes, query))

    def one(self, request, rtype, rid):
        """One resource."""
        self.only(request, "GET", "PUT", "PATCH", "DELETE")
        record = self.service.find(request.tenant, rtype, rid)
        if not self.conditions(request, record):
            return Response(304, None, {"ETag": record.etag})
        return getattr(self, "do_" + request.method.lower())(request, record)

    def conditions(self, request, record):
        """If-Match and If-None-Match (RFC 7644 section 3.14, RFC 9110 section 13); False is 304."""
        wanted, known = (self.tags(request.headers.get(n)) for n in ("if-match", "if-none-match"))
        if wanted is not None and record.etag not in wanted and "*" not in wanted:
            raise ScimError(412, "the resource has changed")
        if known is None or (record.etag not in known and "*" not in known):
            return True
        if request.method != "GET":
            raise ScimError(412, "the resource is as you know it")
        return False

    def tags(self, header):
        """The entity tags of a header. `"1"` and `W/"1"` are the same here: every tag is weak."""
        if header is None:
            return None
        tags = [tag.strip() for tag in header.split(",")]
        return [tag if tag.startswith("W/") or tag == "*" else "W/" + tag for tag in tags]

    def do_get(self, request, record):
        """GET (section 3.4.1)."""
        return self.shown(request, record, 200)

    def do_put(self, request, record):
        """PUT (section 3.5.1)."""
        self.service.replace(record, request.body)
        return self.shown(request, record, 200)

    def do_patch(self, request, record):
        """PATCH (section 3.5.2), answered with the whole resource."""
        self.service.patch(record, request.body)
        return self.shown(request, record, 200)

    def do_delete(self, request, record):
        """DELETE (section 3.6)."""
        self.service.delete(record)
        return Response(204)

    def shown(self, request, record, status):
        """A resource with its address and version."""
        query = self.listing.query(request.query)
        body = self.render.shown(record, query.attributes, query.excluded)
        return Response(status, body, {"Location": self.render.location(record), "ETag": record.etag})

    def inner(self, request, method, path, body, version):
        """An operation of a bulk request, as a request of its own."""
        if method in WRITING and not isinstance(body, dict):
            raise bad("invalidSyntax", "'data' must be an object")
        headers = {"if-match": version} if version else {}
        return self.route(replace(request, method=method, target=ROOT + "/" + path.lstrip("/"),
                                  headers=headers, body=body))
