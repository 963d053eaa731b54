"""Runs the daemon for a while under load and faults, and judges from outside whether it stays the same size.

  soak.py [--minutes M] [--seed S] [--pipelines N]

Half of the pipelines poll, the others are told by webhooks over TLS. The upstream fails every tenth request, each time in
another way. Senders that prove nothing and pushes of repositories that nobody watches come in between. Once a second the
daemon's resident memory and its open file descriptors are read from /proc.

In the end every pushed image must have been observed, every look that an acknowledged webhook promised must have been
made, every stable tag must name the last image, and size must be flat: after the warm-up (the first fifth), the highest
value of the last third is not above that of the first third by more than the allowances below.
"""

import argparse
import collections
import http.client
import json
import os
import random
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

import fake_registry  # noqa: E402
import images  # noqa: E402
from daemon import Daemon, wait_until  # noqa: E402
from registry import Registry  # noqa: E402

SECRET = "a-secret-of-the-soak"
# What caches, pools and the allocator still take after the warm-up. A leak of one kilobyte for each image shows within
# half an hour; what a leak for each request would take is far above.
MEMORY_ALLOWANCE_KIB = 4 * 1024
# A pool of kept connections fills and empties; one request more at the same time is one descriptor more.
DESCRIPTOR_ALLOWANCE = 12
SEEN = "SELECT 1 FROM observations WHERE pipeline = ? AND digest = ?"


class Broken(Exception):
    """Something that must hold does not."""


def need(condition, message):
    if not condition:
        raise Broken(message)


class Upstream:
    """A registry of somebody else, which answers nine requests of ten."""

    def __init__(self):
        self.fake = fake_registry.Fake()
        self.fake.seen = collections.deque(maxlen=100)
        self.fake.misbehave = self.misbehave
        self.lock, self.requests, self.failed = threading.Lock(), 0, 0
        self.kept = collections.defaultdict(collections.deque)
        self.host = self.fake.host

    def misbehave(self, handler, _kind):
        with self.lock:
            self.requests += 1
            if self.requests % 10:
                return False
            self.failed += 1
            way = self.failed % 4
        if way == 0:
            fake_registry.send(handler, b"{}", "application/json", status=503)
        elif way == 1:
            handler.close_connection = True
        elif way == 2:
            fake_registry.garbage(handler)
        else:
            handler.send_response(429)
            handler.send_header("Retry-After", "1")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        return True

    def push(self, name, draw):
        one = images.image([images.layer({"etc/random": draw.randbytes(draw.choice([100, 5_000, 200_000]))})])
        self.fake.put(f"library/{name}", "1", one)
        # What a tag named before can still be fetched by its digest, as everywhere.
        kept = self.kept[name]
        kept.append((f"library/{name}", one.digest.replace(":", "-")))
        self.fake.put(*kept[-1], one)
        while len(kept) > 20:
            self.fake.tags.pop(kept.popleft())
        return one.digest


class Stage:
    def __init__(self, folder, pipelines):
        self.folder = folder
        self.upstream = Upstream()
        self.central = Registry(folder, "central").start()
        self.polled = [f"polled{number}" for number in range((pipelines + 1) // 2)]
        self.told = [f"told{number}" for number in range(pipelines // 2)]
        self.pushed = {name: [] for name in self.polled + self.told}
        self.certificate = os.path.join(folder, "certificate")
        make_certificate(self.certificate, os.path.join(folder, "key"))
        self.daemon = Daemon(folder, self.config())
        self.daemon.environment["HOOK_SECRET"] = SECRET
        self.port = None

    def close(self):
        self.daemon.close()
        self.central.close()
        self.upstream.fake.close()

    def config(self):
        listener = {"listen": "127.0.0.1:0", "certificate": self.certificate, "key": os.path.join(self.folder, "key")}
        return {
            "store": {"path": os.path.join(self.folder, "sluice.db")},
            "server": {"api": {"listen": "none", "socket": os.path.join(self.folder, "sock")}, "webhooks": listener},
            "webhooks": {"own": {"sender": "generic", "bearer": {"env": "HOOK_SECRET"}, "fields": {"image": "/image"}}},
            "pipelines": [
                {
                    "name": name,
                    "upstream": f"{self.upstream.host}/library/{name}:1",
                    "staging": self.central.repository(f"staging/{name}"),
                    "checks": [{"command": {"run": ["true"]}}],
                    "promote": {"to": self.central.repository(f"base/{name}"), "tags": ["1", "1-{run}"]},
                    "poll": {"every": "500ms" if name in self.polled else "1d"},
                }
                for name in self.polled + self.told
            ],
            "engine": {"retry": {"first": "100ms", "most": "1s", "attempts": 100}},
        }

    def start(self):
        self.daemon.start()
        wait_until("webhooks are received", lambda: "webhooks on https://127.0.0.1:" in self.daemon.log())
        self.port = int(self.daemon.log().split("webhooks on https://127.0.0.1:")[1].split("/")[0])

    def send(self, image, secret=SECRET):
        """A delivery on a connection of its own; the status of the answer."""
        context = ssl.create_default_context(cafile=self.certificate)
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=60, context=context)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
            connection.request("POST", "/hooks/own", json.dumps({"image": image}), headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def observed(self, name, digest):
        return bool(self.daemon.query(SEEN, name, digest))


def make_certificate(certificate, key):
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=soak", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", *curve, "-days", "30", *names, "-keyout", key, "-out", certificate]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


class Worker(threading.Thread):
    """Does `step` again and again until told to stop; what it throws is kept for the main thread."""

    def __init__(self, step):
        super().__init__(daemon=True)
        self.step, self.stop, self.error, self.rounds = step, threading.Event(), None, 0

    def run(self):
        try:
            while not self.stop.is_set():
                self.step(self.stop)
                self.rounds += 1
        except Exception as error:
            self.error = error


def mover(stage, name, seed):
    """Pushes one image after the other, each when the one before was observed, so that none may be missed."""
    draw = random.Random(seed)

    def step(stop):
        digest = stage.upstream.push(name, draw)
        stage.pushed[name].append(digest)
        if name in stage.told:
            status = stage.send(f"{stage.upstream.host}/library/{name}:1")
            need(status == 200, f"a webhook of {name} was answered by {status}")
        wait_until(f"{digest} of {name} is observed", lambda: stage.observed(name, digest))
        stop.wait(draw.uniform(0.2, 1.0))

    return Worker(step)


def stranger(stage):
    """Proves nothing, and tells of what nobody watches."""

    def step(stop):
        status = stage.send(f"{stage.upstream.host}/library/told0:1", "a-wrong-secret-indeed")
        need(status == 404, f"a wrong secret was answered by {status}")
        status = stage.send(f"{stage.upstream.host}/library/unknown-{random.randrange(10**6)}:1")
        need(status == 200, f"an unknown repository was answered by {status}")
        stop.wait(0.3)

    return Worker(step)


def sampler(stage, samples):
    begun = time.monotonic()

    def step(stop):
        descriptors = len(os.listdir(f"/proc/{stage.daemon.process.pid}/fd"))
        samples.append((time.monotonic() - begun, stage.daemon.resident_kib(), descriptors))
        stop.wait(1)

    return Worker(step)


def is_flat(what, values, allowance):
    """Compares the thirds behind the warm-up; a text with the figures."""
    steady = values[len(values) // 5 :]
    third = len(steady) // 3
    need(third >= 3, f"only {len(values)} samples of {what}")
    first, last = max(steady[:third]), max(steady[-third:])
    need(last <= first + allowance, f"{what} grew from {first} to {last}, by more than {allowance}")
    return f"{what} {first} -> {last}"


def settle(stage):
    """Every run ends, and every promise is kept."""
    last = {name: history[-1] for name, history in stage.pushed.items()}

    def settled():
        if stage.daemon.query("SELECT count(*) FROM owed_looks") != [(0,)]:
            return False
        status = stage.daemon.get("/api/v1/status")
        stable = {each["name"]: (each["stable"] or {}).get("digest") for each in status["pipelines"]}
        return stable == last and status["open_jobs"] == 0

    wait_until("everything is done", settled, 180)


def judge(stage):
    for name, history in stage.pushed.items():
        seen = {row[0] for row in stage.daemon.query("SELECT digest FROM observations WHERE pipeline = ?", name)}
        lost = [digest for digest in history if digest not in seen]
        need(not lost, f"{len(lost)} of {len(history)} images of {name} were not observed: {lost[:3]}")
        need(images.remote_digest(stage.central.repository(f"base/{name}:1")) == history[-1], f"the stable tag of {name}")
    failed = stage.daemon.query("SELECT id, task, outcome FROM runs WHERE status = 'Failed'")
    need(not failed, f"runs failed although each fault passes: {failed[:3]}")
    need(stage.daemon.query("PRAGMA integrity_check") == [("ok",)], "PRAGMA integrity_check")


def soak(stage, minutes, seed):
    """The load, for so long; a sentence with the figures."""
    samples = []
    stage.start()
    names = stage.polled + stage.told
    workers = [mover(stage, name, seed + number) for number, name in enumerate(names)]
    workers += [stranger(stage), sampler(stage, samples)]
    for worker in workers:
        worker.start()
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end and not any(worker.error for worker in workers):
        need(stage.daemon.process.poll() is None, "the daemon ended by itself")
        time.sleep(0.2)
    for worker in workers:
        worker.stop.set()
    for worker in workers:
        worker.join()
        if worker.error:
            raise worker.error
    with open(os.path.join(stage.folder, "samples.csv"), "w", encoding="ascii") as file:
        file.write("seconds,resident_kib,descriptors\n")
        file.writelines(f"{at:.1f},{memory},{descriptors}\n" for at, memory, descriptors in samples)
    settle(stage)
    judge(stage)
    size = is_flat("resident KiB", [each[1] for each in samples], MEMORY_ALLOWANCE_KIB)
    descriptors = is_flat("descriptors", [each[2] for each in samples], DESCRIPTOR_ALLOWANCE)
    need(stage.daemon.stop() == 0, "the stop did not exit with 0")
    by_poll, by_hook = (sum(len(stage.pushed[name]) for name in group) for group in (stage.polled, stage.told))
    upstream = stage.upstream
    need(upstream.failed > 0 and by_poll > 0 and by_hook > 0, "nothing happened")
    return f"{by_poll} images by polls, {by_hook} by webhooks, {upstream.failed} of {upstream.requests} requests failed; {size}, {descriptors}"


def main():
    parser = argparse.ArgumentParser(description="the daemon under load, for a while")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--pipelines", type=int, default=6, help="half of them poll (default 6)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    if options.pipelines < 2 or options.minutes < 0.3:
        parser.error("at least 2 pipelines and 0.3 minutes")
    print(f"soak: {options.minutes:g} minutes, seed {options.seed}", flush=True)
    folder = tempfile.mkdtemp(prefix="sluice-soak-")
    stage = Stage(folder, options.pipelines)
    failed = True
    try:
        print(f"soak: {soak(stage, options.minutes, options.seed)}; all is well")
        failed = False
    except (Broken, AssertionError) as error:
        print(f"soak: BROKEN with seed {options.seed}: {error}\n{stage.daemon.log_tail()}\nkept: {folder}")
    finally:
        stage.close()
        if not failed:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


sys.exit(main())
