"""Passes HTTP on to the embedded server and counts requests, so that tools without figures of their own can be compared.

usage: counter.py PORT SERVER_PORT COUNT_FILE
"""

import http.client
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, SERVER, FILE = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
lock = threading.Lock()
count = 0
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Pass(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        global count
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        if not hasattr(self.server.local, "link"):
            self.server.local.link = http.client.HTTPConnection("127.0.0.1", SERVER)
        link = self.server.local.link
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP}
        try:
            link.request(self.command, self.path, body, headers)
            answer = link.getresponse()
        except (http.client.HTTPException, OSError):
            link.close()
            link.request(self.command, self.path, body, headers)
            answer = link.getresponse()
        content = answer.read()
        with lock:
            count += 1
            with open(FILE, "w", encoding="ascii") as file:
                file.write(str(count))
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        if answer.status not in (204, 304) and self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    local = threading.local()


socketserver.TCPServer.allow_reuse_address = True
with open(FILE, "w", encoding="ascii") as first:
    first.write("0")
Server(("127.0.0.1", PORT), Pass).serve_forever()
