"""The stage of the end-to-end tests: three registries, a daemon, and the words that the tests are told in.

upstream holds what somebody else moves, central the staging and promotion repositories, dev the images of two teams.
Every judgement on a registry is made through skopeo, every one on the database through sqlite3.
"""

import json
import os
import shutil
import sys
import tempfile
import unittest

import images
from daemon import Daemon, wait_until
from registry import Registry

HERE = os.path.dirname(os.path.abspath(__file__))
FINAL = ("Succeeded", "Rejected", "Failed", "Superseded", "Cancelled")


class Scene(unittest.TestCase):
    """A test with `self.upstream`, `self.central`, `self.dev` running, and everything removed after it."""

    registries = ("upstream", "central", "dev")

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sluice-e2e-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        for name in self.registries:
            registry = Registry(self.folder, name)
            self.addCleanup(registry.close)
            setattr(self, name, registry.start())
        self.daemon = None

    # What is configured

    def pipeline(self, name="node", tag="9-alpine", **more):
        return {
            "name": name,
            "upstream": self.upstream.repository(f"library/{name}:{tag}"),
            "staging": self.central.repository(f"staging/{name}"),
            "checks": [self.check()],
            "promote": {"to": self.central.repository(f"base/{name}"), "tags": [tag, tag + "-{run}"]},
            "poll": {"every": "200ms"},
            **more,
        }

    def check(self):
        """A check that reads the staged image through skopeo and fails on images with the label `broken`."""
        return {"command": {"run": [sys.executable, "-B", os.path.join(HERE, "judge.py"), self.file("verdicts")]}}

    def dependent(self, team, base="node:9-alpine", **more):
        """A dependent that is rebuilt by rebuild.py, a program that knows nothing of sluice but its environment."""
        run = [sys.executable, "-B", os.path.join(HERE, "rebuild.py"), self.file("requests")]
        return {
            "image": self.dev.repository(f"{team}:latest"),
            "from": [self.central.repository(f"base/{base}")],
            "rebuild": {"exec": {"run": run}},
            **more,
        }

    def config(self, pipelines=None, dependents=None, **more):
        return {
            "pipelines": [self.pipeline()] if pipelines is None else pipelines,
            "dependents": dependents or [],
            "engine": {"retry": {"first": "100ms", "most": "1s"}},
            **more,
        }

    def start(self, config=None):
        self.daemon = Daemon(self.folder, self.config() if config is None else config)
        self.addCleanup(self.end)
        return self.daemon.start()

    def end(self):
        failed = self._outcome is not None and not self._outcome.success
        if failed and self.daemon:
            print(f"--- log of the daemon\n{self.daemon.log_tail()}\n---", file=sys.stderr)
        self.daemon.close()

    def file(self, name):
        return os.path.join(self.folder, name)

    # What happens

    def push(self, one=None, name="node", tag="9-alpine"):
        """Somebody pushes a new upstream image; the image."""
        one = one or images.random_image()
        images.push(self.upstream.repository(f"library/{name}:{tag}"), one)
        return one

    def broken_image(self):
        return images.image([images.layer({"etc/random": os.urandom(1000)})], labels={"broken": "true"})

    # What is seen

    def runs(self, **wanted):
        """Runs as `sluice runs --json` shows them, newest first, that have all the wanted values."""
        return [
            run
            for run in self.daemon.json("runs", "--limit", "500")
            if all(run[key] == value for key, value in wanted.items())
        ]

    def wait_run(self, digest, status=FINAL, seconds=60, **wanted):
        """The newest pipeline run of a digest, once it has (one of) that status."""
        statuses = (status,) if isinstance(status, str) else status

        def ended():
            found = self.runs(digest=digest, kind="pipeline", **wanted)
            if found and found[0]["status"] in FINAL and found[0]["status"] not in statuses:
                raise AssertionError(f"run ended otherwise: {json.dumps(found[0], indent=1)}")
            return found and found[0]["status"] in statuses and found[0]

        return wait_until(f"a run of {digest} is {' or '.join(statuses)}", ended, seconds)

    def wait_promoted(self, one, **wanted):
        """Waits for the run of an image to succeed and judges both tags from outside; the run."""
        run = self.wait_run(one.digest, "Succeeded", **wanted)
        self.assert_promoted(one.digest, run["id"])
        return run

    def stable(self, name="node", tag="9-alpine"):
        return images.remote_digest(self.central.repository(f"base/{name}:{tag}"))

    def assert_promoted(self, digest, run, name="node", tag="9-alpine"):
        self.assertEqual(self.stable(name, tag), digest, "the stable tag")
        self.assertEqual(self.stable(name, f"{tag}-{run}"), digest, "the unique tag")

    def requests(self):
        """Rebuild requests as the teams got them: list of dictionaries, oldest first."""
        if not os.path.exists(self.file("requests")):
            return []
        with open(self.file("requests"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def verdicts(self):
        """What the check said: list of (digest, passed)."""
        if not os.path.exists(self.file("verdicts")):
            return []
        with open(self.file("verdicts"), encoding="utf-8") as file:
            return [(line.split()[0], line.split()[1] == "good") for line in file]

    def assert_sits_on(self, image, base):
        """Judges with skopeo that all layers of `base` are the first layers of `image`."""
        above, below = (
            json.loads(images.skopeo("inspect", "--config", "--tls-verify=false", f"docker://{each}"))["rootfs"]["diff_ids"]
            for each in (image, base)
        )
        self.assertGreater(len(above), len(below), f"{image} adds nothing to {base}")
        self.assertEqual(above[: len(below)], below, f"{image} does not sit on {base}")
