"""`sluice watch`: a pipeline is written into the configuration, the rest of the file stays, and the daemon takes it up."""

import json
import os
import signal
import stat
import subprocess
import unittest

import images
from daemon import PROGRAM, wait_until
from harness import Scene

MINE = """\
# my registries, by hand
store: {{path: {database}}}
server: {{api: {{listen: none, socket: {socket}}}}}

pipelines:
- name: node            # the first
  upstream: {upstream}/library/node:9-alpine
  staging: {central}/staging/node
  promote: {{to: {central}/base/node, tags: ["9-alpine", "9-alpine-{{run}}"]}}
  poll: {{every: 200ms}}

# nobody yet
dependents: []
"""


class Watch(Scene):
    registries = ("upstream", "central")

    def write(self, text):
        with open(self.file("sluice.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def read(self):
        with open(self.file("sluice.yaml"), encoding="utf-8") as file:
            return file.read()

    def mine(self):
        return MINE.format(
            database=self.file("sluice.db"),
            socket=self.file("sock"),
            upstream=self.upstream.repository("x").rsplit("/", 1)[0],
            central=self.central.repository("x").rsplit("/", 1)[0],
        )

    def watch(self, *arguments, code=0):
        done = subprocess.run(
            [PROGRAM, "watch", "--config", self.file("sluice.yaml"), *arguments], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout if code == 0 else done.stderr

    def test_the_daemon_takes_up_what_was_written_and_the_rest_of_the_file_stays(self):
        redis = self.upstream.repository("library/redis:7")
        before = self.mine()
        self.start(before)
        said = self.watch(redis, "--every", "200ms")
        self.assertIn("+- name: redis-7\n", said)
        self.assertIn("systemctl reload sluice", said)
        after = self.read()
        cut = before.index("\n# nobody yet")
        self.assertTrue(after.startswith(before[:cut]))
        self.assertTrue(after.endswith(before[cut:]))
        self.daemon.signal(signal.SIGHUP)
        wait_until("the new pipeline is there", lambda: any(p["name"] == "redis-7" for p in self.daemon.get("/api/v1/status")["pipelines"]))
        one = images.random_image()
        images.push(redis, one)
        self.wait_run(one.digest, "Succeeded", task="redis-7")
        self.assertEqual(self.stable("redis", "7"), one.digest)

    def test_an_image_that_is_watched_is_said_so_and_nothing_is_written(self):
        self.write(self.mine())
        identity = os.stat(self.file("sluice.yaml")).st_ino
        node = self.upstream.repository("library/node:9-alpine")
        self.assertIn("already watched by pipeline 'node'", self.watch(node))
        value = json.loads(self.watch("--json", node))
        self.assertEqual((value["already_watched"], value["written"], value["pipeline"]), (True, False, "node"))
        self.assertEqual(os.stat(self.file("sluice.yaml")).st_ino, identity)

    def test_a_dry_run_shows_and_writes_nothing(self):
        self.write(self.mine())
        value = json.loads(self.watch("--json", "--dry-run", "docker.io/library/redis:7"))
        self.assertFalse(value["written"])
        self.assertEqual(value["staging"], self.central.repository("staging/redis"))
        self.assertEqual(self.read(), self.mine())
        # What is shown can be given to patch(1).
        patched = subprocess.run(
            ["patch", "--output=-", self.file("sluice.yaml")], input=value["diff"], capture_output=True, text=True, timeout=60
        )
        self.watch("docker.io/library/redis:7")
        self.assertEqual(patched.stdout, self.read())

    def test_a_file_that_is_missing_is_made_whole(self):
        said = self.watch("node:20", code=2)
        self.assertIn("--staging REPOSITORY and --to REPOSITORY", said)
        self.assertFalse(os.path.exists(self.file("sluice.yaml")))
        self.watch("node:20", "--staging", "r.example.com/staging/node", "--to", "r.example.com/base/node")
        self.assertEqual(subprocess.run([PROGRAM, "check-config", self.file("sluice.yaml")], timeout=60).returncode, 0)
        self.watch("redis:7")
        self.assertIn("staging: r.example.com/staging/redis", self.read())

    def test_what_would_not_load_is_refused_and_nothing_is_left_behind(self):
        self.write(self.mine())
        os.chmod(self.file("sluice.yaml"), 0o640)
        before = sorted(os.listdir(self.folder))
        node = self.central.repository("base/node")
        self.assertIn("two pipelines promote to", self.watch("docker.io/example/node:9-alpine", "--to", node, "--staging", "r.example.com/s/n", code=2))
        self.assertIn("the name 'node' is taken", self.watch("redis:7", "--name", "node", code=2))
        self.assertIn("name a tag", self.watch("redis@sha256:" + "0" * 64, code=2))
        self.assertIn("is not a duration", self.watch("redis:7", "--every", "soon", code=2))
        self.assertIn("image name", self.watch("--", "-x", code=2))
        self.assertEqual(self.read(), self.mine())
        self.write(self.mine() + "pipelinez: []\n")
        self.assertIn("has mistakes already", self.watch("redis:7", code=2))
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        self.write(self.mine())
        self.watch("redis:7")
        self.assertEqual(stat.S_IMODE(os.stat(self.file("sluice.yaml")).st_mode), 0o640)
        self.assertEqual(sorted(os.listdir(self.folder)), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
