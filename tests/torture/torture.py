"""Kills the daemon with SIGKILL at random instants while upstream images change, and judges the outcome from outside.

  torture.py [--kills N] [--seed S] [--pipelines N]

A pusher moves upstream tags all the time (one image in five is broken, some are multi-platform indexes); the daemon is
killed after a random time, often in the middle of a copy, a promotion or a rebuild, sometimes while it starts. In the
end the upstream is left on a good image, the daemon gets time to settle, and invariants.py looks at the registries with
skopeo, at the database with sqlite3 and at the files that checks and builds wrote themselves.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = os.path.join(os.path.dirname(HERE), "e2e")
sys.path.insert(0, E2E)

import images  # noqa: E402
from daemon import Daemon, wait_until  # noqa: E402
from invariants import Broken, check_all  # noqa: E402
from registry import Registry  # noqa: E402

POLL = 0.2


class Stage:
    """Registries, the daemon's configuration, and what the outside world knows."""

    def __init__(self, folder, pipelines):
        self.folder = folder
        self.upstream, self.central, self.dev = (Registry(folder, name).start() for name in ("upstream", "central", "dev"))
        self.names = [f"base{number}" for number in range(pipelines)]
        self.pushed = {name: [] for name in self.names}  # name -> [(digest, broken, pushed at, replaced at)]
        self.ready = []  # [(ready at, killed at)]
        self.acknowledged = set()  # (pipeline, digest) that the API told of
        self.stable_seen = set()  # (pipeline, digest) that the stable tag named at some instant
        self.verdicts = os.path.join(folder, "verdicts")
        self.requests = os.path.join(folder, "requests")
        self.daemon = Daemon(folder, self.config())

    def close(self):
        self.daemon.close()
        for registry in (self.upstream, self.central, self.dev):
            registry.close()

    def dependents(self, name):
        return [f"{name}-app", f"{name}-job"]

    def config(self):
        return {
            "pipelines": [
                {
                    "name": name,
                    "upstream": self.upstream.repository(f"library/{name}:1"),
                    "staging": self.central.repository(f"staging/{name}"),
                    "checks": [{"command": {"run": [sys.executable, "-B", f"{E2E}/judge.py", self.verdicts]}}],
                    "promote": {"to": self.central.repository(f"base/{name}"), "tags": ["1", "1-{run}"]},
                    "poll": {"every": f"{int(POLL * 1000)}ms"},
                }
                for name in self.names
            ],
            "dependents": [
                {
                    "image": self.dev.repository(f"team/{dependent}:latest"),
                    "from": [self.central.repository(f"base/{name}:1")],
                    "rebuild": {"exec": {"run": [sys.executable, "-B", f"{E2E}/rebuild.py", self.requests]}},
                }
                for name in self.names
                for dependent in self.dependents(name)
            ],
            "engine": {"retry": {"first": "100ms", "most": "1s", "attempts": 100}},
        }

    def push(self, name, draw, broken=False):
        layers = [images.layer({"etc/random": draw.randbytes(draw.choice([100, 10_000, 2_000_000]))})]
        one = images.image(layers, labels={"broken": "true"} if broken else None)
        if not broken and draw.random() < 0.3:
            other = images.image([images.layer({"etc/random": draw.randbytes(5000)})], "arm64")
            one = images.index([one, other])
        begun = time.monotonic()
        images.push(self.upstream.repository(f"library/{name}:1"), one)
        history = self.pushed[name]
        if history:
            history[-1][3] = begun
        history.append([one.digest, broken, time.monotonic(), None])


class Pusher(threading.Thread):
    """Somebody else: moves upstream tags at random until told to stop."""

    def __init__(self, stage, seed):
        super().__init__(daemon=True)
        self.stage, self.draw, self.stop, self.error = stage, random.Random(seed), threading.Event(), None

    def run(self):
        try:
            while not self.stop.wait(self.draw.uniform(0.05, 0.8)):
                self.stage.push(self.draw.choice(self.stage.names), self.draw, self.draw.random() < 0.2)
        except Exception as error:  # told by the main thread
            self.error = error


class Watcher(threading.Thread):
    """Notes what the stable tags name, and what the API acknowledges, at any instant."""

    def __init__(self, stage):
        super().__init__(daemon=True)
        self.stage, self.stop = stage, threading.Event()

    def run(self):
        while not self.stop.wait(0.1):
            for name in self.stage.names:
                digest = images.remote_digest(self.stage.central.repository(f"base/{name}:1"))
                if digest:
                    self.stage.stable_seen.add((name, digest))
            try:
                for pipeline in self.stage.daemon.get("/api/v1/pipelines"):
                    history = self.stage.daemon.get(f"/api/v1/pipelines/{pipeline['name']}/history?limit=20")
                    for row in history["observations"]:
                        self.stage.acknowledged.add((pipeline["name"], row["digest"]))
            except Exception:  # the daemon is down, or was killed while it answered
                pass


def kill_rounds(stage, kills, draw):
    """Starts and kills the daemon `kills` times."""
    for number in range(kills):
        stage.daemon.spawn()
        if draw.random() < 0.1:
            # While it opens the database and takes up what was left.
            time.sleep(draw.uniform(0, 0.15))
        else:
            wait_until("the daemon answers", lambda: stage.daemon.answers() or stage.daemon.process.poll() is not None)
            begun = time.monotonic()
            time.sleep(draw.uniform(3, 5) if draw.random() < 0.1 else draw.uniform(0, 1.5))
            stage.ready.append((begun, time.monotonic()))
        if stage.daemon.process.poll() is not None:
            raise Broken(f"the daemon ended by itself with {stage.daemon.process.returncode}")
        stage.daemon.kill()
        if (number + 1) % 25 == 0:
            print(f"{number + 1} kills", flush=True)


def settle(stage, draw):
    """Leaves every upstream on a good image and waits until nothing is left to do."""
    for name in stage.names:
        stage.push(name, draw)
    stage.daemon.start()
    last = {stage.pushed[name][-1][0]: name for name in stage.names}

    def settled():
        status = stage.daemon.get("/api/v1/status")
        stable = {(each["stable"] or {}).get("digest") for each in status["pipelines"]}
        return set(last) <= stable and status["open_jobs"] == 0 and not open_runs(stage.daemon)

    wait_until("everything is done", settled, 180)
    if stage.daemon.stop() != 0:
        raise Broken("the last stop did not exit with 0")


def open_runs(daemon):
    return [run for run in daemon.get("/api/v1/runs?limit=1000") if not run["ended"]]


def main():
    parser = argparse.ArgumentParser(description="kill -9 at random instants")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--pipelines", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"torture: {options.kills} kills, seed {options.seed}", flush=True)
    draw = random.Random(options.seed)
    folder = tempfile.mkdtemp(prefix="sluice-torture-")
    stage = Stage(folder, options.pipelines)
    begun = time.monotonic()
    failed = True
    try:
        for name in stage.names:
            stage.push(name, draw)
        pusher, watcher = Pusher(stage, options.seed + 1), Watcher(stage)
        pusher.start(), watcher.start()
        kill_rounds(stage, options.kills, draw)
        pusher.stop.set(), pusher.join()
        if pusher.error:
            raise pusher.error
        settle(stage, draw)
        watcher.stop.set(), watcher.join()
        summary = check_all(stage)
        failed = False
        print(f"torture: {options.kills} kills in {time.monotonic() - begun:.0f} s, {summary}; every invariant holds")
    except (Broken, AssertionError) as error:
        print(f"torture: BROKEN after seed {options.seed}: {error}\n{stage.daemon.log_tail()}\nkept: {folder}")
    finally:
        stage.close()
        if not failed:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


sys.exit(main())
