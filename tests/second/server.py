"""A small SCIM 2.0 server: sockets and the command line. `server.py --port 0 --token T --bug ID`."""

import argparse
import json
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import bugs
import legal
from app import ROOT, App, Request, Response
from errors import ScimError


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive; one write for each answer, or the peer's delayed ACK costs 40 ms."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 60

    def answer(self):
        """Reads a request, asks the app, writes the answer."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        method = "GET" if self.command == "HEAD" else self.command
        request = Request(method, self.path, headers, self.payload(headers))
        self.respond(self.server.app.handle(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def payload(self, headers):
        """The body, by length or in chunks (RFC 9112 section 6)."""
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def respond(self, answer):
        """Writes an answer. Every body is application/scim+json unless the app says otherwise."""
        raw = b"" if answer.body is None else self.encoded(answer.body)
        headers = {"Content-Type": "application/scim+json"} if raw else {}
        self.send_response(answer.status)
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)
        self.wfile.flush()

    def encoded(self, body):
        """JSON, or bytes as they are."""
        return body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode("utf-8")

    def send_error(self, code, message=None, explain=None):
        """What http.server itself refuses is told as SCIM too."""
        error = ScimError(code, message or "refused")
        self.close_connection = True
        self.respond(Response(code, error.body(), {"Connection": "close"}))

    def log_message(self, format, *args):
        """Says nothing."""


class Server(ThreadingHTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, tokens, bugs=()):
        super().__init__(("127.0.0.1", port), Handler)
        self.app = App(f"http://127.0.0.1:{self.server_address[1]}{ROOT}", tokens)
        for bug in bugs:
            bug(self.app)

    def server_bind(self):
        """Binds without asking the name service who we are."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""


def main():
    """Serves until it is stopped."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8080)
    options.add_argument("--token", default="secret")
    options.add_argument("--other-token", default="other-secret", help="the token of a second tenant")
    options.add_argument("--bug", action="append", default=[], help="an id from bugs.py; may be repeated")
    options.add_argument("--legal", action="append", default=[], help="an id from legal.py; may be repeated")
    given = options.parse_args()
    switches = [bugs.TABLE[name] for name in given.bug] + [legal.TABLE[name] for name in given.legal]
    server = Server(given.port, {given.token: "one", given.other_token: "two"}, switches)
    print(server.app.base, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
