"""A flood of webhooks: notifications of a registry (CNCF distribution) that wrk sends, each with an event id of its own."""

import http.client
import json
import re
import signal
import subprocess
import tempfile

import stage  # noqa: F401 (puts images on the path)
import images

SECRET = "a-secret-of-the-registry"
HEADERS = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/vnd.docker.distribution.events.v2+json"}
DIGEST = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SCRIPT = """\
local thread_number = 0
function setup(thread)
  thread_number = thread_number + 1
  thread:set("number", thread_number)
end
local sent = 0
local headers = {%(headers)s}
%(delay)s
function request()
  sent = sent + 1
  return wrk.format("POST", "/hooks/upstream", headers, string.format('%(body)s', number .. "-" .. sent, sent %% %(tags)d))
end
"""


def notification(host, repository, tag, event, digest=DIGEST):
    """https://distribution.github.io/distribution/about/notifications/"""
    url = f"http://{host}/v2/{repository}/manifests/{digest}"
    target = {"mediaType": images.MANIFEST, "size": 1024, "digest": digest, "repository": repository, "url": url, "tag": tag}
    request = {"id": "r", "addr": "127.0.0.1", "host": host, "method": "PUT", "useragent": "bench"}
    event = {"id": event, "timestamp": "2026-11-27T10:00:00Z", "action": "push", "target": target, "request": request}
    return json.dumps({"events": [event]})


class Flood:
    """wrk, which names the tags v0, v1, ... of a repository in turn; at `rate` a second in all, or as fast as there are answers."""

    def __init__(self, port, host, repository, tags, seconds, connections, rate=None):
        parts = {
            "headers": ", ".join(f'["{name}"] = "{value}"' for name, value in HEADERS.items()),
            "delay": f"function delay() return {round(1000 * connections / rate)} end" if rate else "",
            "body": notification(host, repository, "v%d", "%s"),
            "tags": tags,
        }
        self.script = tempfile.NamedTemporaryFile("w", suffix=".lua")
        self.script.write(SCRIPT % parts)
        self.script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", self.script.name, f"http://127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def end(self):
        """The report so far, and no more deliveries."""
        self.process.send_signal(signal.SIGINT)
        return self.report()

    def report(self):
        """When it is over: how many were answered, per second and refused, and the times to the answer."""
        text = self.process.communicate()[0]
        self.script.close()
        return {
            "answered": figure(r"([0-9]+) requests in", text),
            "rate": figure(r"Requests/sec: +([0-9.]+)", text),
            "refused": figure(r"Non-2xx or 3xx responses: (.*)", text, "0"),
            "50 %": figure(r"50% +(.*)", text),
            "99 %": figure(r"99% +(.*)", text),
        }


def figure(pattern, text, otherwise="?"):
    found = re.search(pattern, text)
    return found.group(1) if found else otherwise


def tag_all(registry, image, tags):
    """The image under each of the tags v0, v1, ... of library/node."""
    images.push(registry.repository("library/node:v0"), image)
    connection = http.client.HTTPConnection("127.0.0.1", registry.port)
    for number in range(1, tags):
        connection.request("PUT", f"/v2/library/node/manifests/v{number}", image.manifest, {"Content-Type": images.MANIFEST})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
    connection.close()
