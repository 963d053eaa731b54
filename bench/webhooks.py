"""Webhooks from 64 connections at once: accepted durably per second, and how long a sender waits for its answer.

Each delivery is a different one (its own event id) of a real sender's kind, carries a bearer token and names one of the watched
tags in turn. An answer stands for a look that is on the disk as promised: a new row, or the one of a delivery just before whose
look has not begun. The load comes from wrk on the same machine, and the looks go to a real registry meanwhile.
"""

import argparse
import http.client
import os
import re
import subprocess
import tempfile

import stage
import images

SECRET = "a-secret-of-the-registry"
# https://distribution.github.io/distribution/about/notifications/
SCRIPT = """\
local thread_number = 0
function setup(thread)
  thread_number = thread_number + 1
  thread:set("number", thread_number)
end
local sent = 0
local headers = {["Authorization"] = "Bearer %(secret)s",
                 ["Content-Type"] = "application/vnd.docker.distribution.events.v2+json"}
function request()
  sent = sent + 1
  local body = string.format('{"events":[{"id":"%%d-%%d","timestamp":"2026-11-27T10:00:00Z","action":"push","target":' ..
    '{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1024,' ..
    '"digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",' ..
    '"repository":"library/node","url":"http://%(host)s/v2/library/node/manifests/latest","tag":"v%%d"},' ..
    '"request":{"id":"r","addr":"127.0.0.1","host":"%(host)s","method":"PUT","useragent":"bench"}}]}', number, sent, sent %% %(tags)d)
  return wrk.format("POST", "/hooks/upstream", headers, body)
end
"""


def tag_all(registry, image, tags):
    """The image under each of the tags v0, v1, ..."""
    images.push(registry.repository("library/node:v0"), image)
    connection = http.client.HTTPConnection("127.0.0.1", registry.port)
    for number in range(1, tags):
        connection.request("PUT", f"/v2/library/node/manifests/v{number}", image.manifest, {"Content-Type": images.MANIFEST})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
    connection.close()


def load(port, host, options):
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT % {"secret": SECRET, "host": host, "tags": options.tags})
        script.flush()
        command = ["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--latency", "-s", script.name]
        return subprocess.run(command + [f"http://127.0.0.1:{port}"], check=True, capture_output=True, text=True).stdout


def pipeline(upstream, central, number):
    one = stage.pipeline(upstream, central, "node", tag=f"v{number}", every="1h")
    return {**one, "name": f"node-v{number}"}


def figure(pattern, text, otherwise="?"):
    found = re.search(pattern, text)
    return found.group(1) if found else otherwise


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--tags", type=int, default=100, help="watched tags that the deliveries name in turn")
    options = parser.parse_args()
    os.environ["HOOK_SECRET"] = SECRET
    with stage.registries("upstream", "central") as (folder, upstream, central), stage.reserved_port() as port:
        config = {
            "pipelines": [pipeline(upstream, central, number) for number in range(options.tags)],
            "webhooks": {"upstream": {"sender": "distribution", "bearer": {"env": "HOOK_SECRET"}, "rate": 1_000_000}},
            "server": {"api": {"listen": "none", "socket": os.path.join(folder, "sock")}, "webhooks": {"listen": f"127.0.0.1:{port}", "rate": 1_000_000}},
        }
        tag_all(upstream, images.random_image(), options.tags)
        with stage.daemon(folder, config) as daemon:
            promotions = "SELECT count(*) FROM promotions"
            stage.wait_until("all is quiet", lambda: daemon.query(promotions)[0][0] == options.tags, seconds=300)
            before = stage.cpu_seconds(daemon.process.pid)
            report = load(port, upstream.host, options)
            cpu = stage.cpu_seconds(daemon.process.pid) - before
            rows = daemon.query("SELECT count(*) FROM webhook_receipts")[0][0]
            peak = stage.memory_kib(daemon.process.pid, "VmHWM") / 1024
    refused = figure(r"Non-2xx or 3xx responses: (.*)", report, "0")
    print(f"{options.connections} connections, {options.tags} tags, {options.seconds} s, one thread of wrk on the same machine")
    print(f"answered {figure(r'([0-9]+) requests in', report)} ({figure(r'Requests/sec: +([0-9.]+)', report)}/s), not with 2xx: {refused}")
    print(f"promises on disk: {rows}")
    print(f"time to the answer: 50 % {figure(r'50% +(.*)', report)}, 99 % {figure(r'99% +(.*)', report)}")
    print(f"daemon: {cpu / options.seconds:.2f} of a processor, peak {peak:.1f} MiB")


main()
