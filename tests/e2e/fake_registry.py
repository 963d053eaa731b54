"""A registry that speaks the distribution protocol for reading, and misbehaves when told to.

`misbehave` is a function (handler, kind) with kind "manifest" or "blob"; it returns True when it answered itself.
"""

import http.server
import threading

import images


class Fake:
    def __init__(self):
        self.tags = {}  # (repository, tag) -> Image
        self.misbehave = None
        self.warning = None  # the value of a header that answers with content have
        self.seen = []  # (method, path)
        self.release = threading.Event()  # ends the waiting of `never`
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                fake.answer(self)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a client that went away is none of our business

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def put(self, repository, tag, one):
        self.tags[repository, tag] = one
        return one

    def answer(self, handler):
        self.seen.append((handler.command, handler.path))
        path = handler.path.split("?")[0]
        if path == "/v2/":
            return send(handler, b"{}", "application/json")
        kind = next((each for each in ("manifest", "blob") if f"/{each}s/" in path), None)
        if kind is None:
            return send(handler, b"no such page", "text/plain", status=404)
        if self.misbehave and self.misbehave(handler, kind):
            return None
        repository, name = path.removeprefix("/v2/").split(f"/{kind}s/")
        for (held, tag), top in self.tags.items():
            if held != repository:
                continue
            for one in [top, *top.children]:
                if kind == "manifest" and name in (one.digest, tag if one is top else None):
                    return send(handler, one.manifest, one.media_type, one.digest, warning=self.warning)
                if kind == "blob" and name in one.blobs:
                    return send(handler, one.blobs[name], "application/octet-stream", name, warning=self.warning)
        body = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not here"}]}'
        return send(handler, body, "application/json", status=404)


def send(handler, body, media_type, digest=None, status=200, warning=None):
    handler.send_response(status)
    handler.send_header("Content-Type", media_type)
    handler.send_header("Content-Length", str(len(body)))
    if digest:
        handler.send_header("Docker-Content-Digest", digest)
    if warning:
        handler.send_header("Warning", warning)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)
    return True


# Ways to misbehave; each answers only the kind that it is made for, and leaves HEAD (how a tag is looked at) alone.


def only(kind, action):
    def misbehave(handler, what):
        if what != kind or handler.command == "HEAD":
            return False
        action(handler)
        return True

    return misbehave


def html(handler):
    send(handler, b"<html><body>Please sign in to the hotel network</body></html>", "text/html")


def garbage(handler):
    handler.wfile.write(b"\x16\x03\x01\x00garbage\xff\xfe\r\n\r\n")
    handler.close_connection = True


def cut(handler):
    """Says 5000 bytes, sends 100, closes."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/octet-stream")
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b"x" * 100)
    handler.close_connection = True


def other_bytes(handler):
    """A well-formed answer whose bytes are not what the digest says."""
    send(handler, b'{"schemaVersion":2,"evil":true}', images.MANIFEST)


def endless(handler):
    """As much as the peer takes, up to 2 GB."""
    handler.send_response(200)
    handler.send_header("Content-Type", images.MANIFEST)
    handler.send_header("Connection", "close")
    handler.end_headers()
    block = b" " * (1 << 20)
    for _ in range(2000):
        handler.wfile.write(block)
    handler.close_connection = True


def never(release):
    """Takes the request and says nothing."""

    def action(handler):
        release.wait(300)
        handler.close_connection = True

    return action
