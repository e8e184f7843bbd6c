"""Not a bug: writes every request down."""
import json
from bugkit import bug, wrap
@bug("zz-log")
def log(app):
    def route(inner, request):
        with open("/tmp/fh/requests.jsonl", "a") as out:
            out.write(json.dumps([request.method, request.target, request.headers.get("user-agent"), request.raw.decode("utf-8", "replace")]) + "\n")
        return inner(request)
    wrap(app, "handle", route)
import bugkit
@bug("zz-ref-log")
def both(app):
    bugkit.TABLE["member-ref-lowercase-path"](app); log(app)
