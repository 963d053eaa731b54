"""Polls of tags that do not change: how many a second, what they cost, and what a daemon with so many weighs.

A real nginx serves one manifest under every tag (HEAD, keep-alive) and the lists of tags. The daemon watches sets of
tags as fast as it can; polls are counted by nginx. Then it is started again, knowing its members.
"""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import urllib.request

import stage
import images
from daemon import Daemon
from stage import time

NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.error warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  open_file_cache max=100;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location = /stub {{ stub_status; }}
    location ~ ^/v2/.*/tags/list$ {{ default_type application/json; alias {folder}/tags.json; }}
    location ~ ^/v2/.*/manifests/ {{
      default_type {media_type};
      add_header Docker-Content-Digest {digest};
      alias {folder}/manifest.json;
    }}
  }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    def __init__(self, folder, tags):
        self.folder, self.port = folder, free_port()
        os.chmod(folder, 0o755)  # started by root, its worker is nobody
        one = images.random_image()
        self.write("manifest.json", one.manifest)
        self.write("tags.json", images.encode({"name": "library/node", "tags": tags}))
        text = NGINX.format(folder=folder, port=self.port, media_type=one.media_type, digest=one.digest)
        self.write("nginx.conf", text.encode())
        self.process = subprocess.Popen(["nginx", "-p", folder, "-c", self.file("nginx.conf"), "-e", self.file("nginx.error")])
        stage.wait_until("nginx answers", lambda: self.requests() is not None)

    def file(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.file(name), "wb") as file:
            file.write(data)

    def requests(self):
        """How many requests it has answered, this one among them; None while it does not answer."""
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stub", timeout=5) as answer:
                return int(answer.read().split()[9])
        return None

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)


def config_of(nginx, options):
    """As many sets as are wanted, on a repository each; none of them ever promotes."""
    host = f"127.0.0.1:{nginx.port}"

    def one(number):
        return {
            "name": f"set-{number}",
            "upstream": {
                "repository": f"{host}/library/node-{number}",
                "tags": {"glob": "*", "limit": options.tags, "initial": "none"},
            },
            "staging": f"{host}/staging/node-{number}",
            "promote": {"to": f"{host}/base/node-{number}", "tags": ["{tag}", "{tag}-{run}"]},
            "poll": {"every": options.every, "adaptive": False},
        }

    return {
        "registries": {host: {"http": True, "concurrency": options.concurrency}},
        "pipelines": [one(number) for number in range(options.sets)],
    }


def first_poll_after(nginx, daemon):
    """Starts the daemon; seconds until it made its first request."""
    before = nginx.requests()
    own = 0
    start = time.monotonic()
    daemon.spawn()
    while True:
        own += 1
        if nginx.requests() - before > own:
            return time.monotonic() - start
        time.sleep(0.005)


def observed(daemon):
    return daemon.query("SELECT count(*) FROM observations")[0][0]


def written(daemon):
    """What tells that rows were written: the times of the last looks, and the log of the database."""
    log = daemon.database + "-wal"
    size = os.stat(log) if os.path.exists(log) else None
    last = daemon.query("SELECT sum(last_seen / 1000) FROM observations")[0][0]
    return last, size and (size.st_size, size.st_mtime_ns)


def measure(nginx, daemon, seconds):
    pid = daemon.process.pid
    rows, requests, cpu, start = written(daemon), nginx.requests(), stage.cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    cpu = stage.cpu_seconds(pid) - cpu
    wall = time.monotonic() - start
    polls = nginx.requests() - requests - 1
    print(f"polls: {polls} in {wall:.1f} s, {polls / wall:.0f} a second")
    print(f"CPU of the daemon: {cpu:.2f} s, {polls / cpu:.0f} polls a CPU second, {cpu / polls * 1e6:.1f} us each")
    print(f"resident: {stage.memory_kib(pid, 'VmRSS') / 1024:.1f} MiB, peak {stage.memory_kib(pid, 'VmHWM') / 1024:.1f} MiB")
    print(f"written to the database meanwhile: {'nothing' if written(daemon) == rows else 'something'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=10)
    parser.add_argument("--tags", type=int, default=10_000, help="of each set")
    parser.add_argument("--every", default="1s", help="pace of the polls; faster than possible by default")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    tags = [f"{number // 1000}.{number % 1000}.0" for number in range(options.tags)]
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder, contextlib.ExitStack() as stack:
        nginx = Nginx(folder, tags)
        stack.callback(nginx.close)
        daemon = Daemon(folder, config_of(nginx, options))
        stack.callback(daemon.close)
        total = options.sets * options.tags
        print(f"{total} tags in {options.sets} sets, {options.concurrency} polls at a time, one of each every {options.every}")
        print(f"first start: {first_poll_after(nginx, daemon):.2f} s to the first request")
        start = time.monotonic()
        stage.wait_until("every tag was seen", lambda: observed(daemon) == total, 1800)
        print(f"all tags seen and written down after {time.monotonic() - start:.1f} s")
        daemon.stop()
        print(f"second start: {first_poll_after(nginx, daemon):.2f} s to the first request")
        before = nginx.requests()
        stage.wait_until("every tag was looked at again", lambda: nginx.requests() - before > 1.3 * total, 600)
        measure(nginx, daemon, options.seconds)
        start = time.monotonic()
        daemon.stop()
        print(f"stop: {time.monotonic() - start:.2f} s")


main()
