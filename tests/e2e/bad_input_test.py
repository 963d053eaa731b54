"""Mistakes of people, databases that are not ours, and registries that answer nonsense."""

import hashlib
import os
import shutil
import sqlite3
import unittest

import fake_registry
import images
from daemon import Daemon, wait_until
from fake_registry import Fake, only
from harness import Scene

TEN_MISTAKES = """\
serverr: {}
store: {pathh: /tmp/x}
registries:
  127.0.0.1:1: {poll: {every: soon}}
pipelines:
  - name: a
    upstream: UPPER/case:1
    staging: 127.0.0.1:1/staging/a
    promote: {to: 127.0.0.1:1/base/a, tags: ["1"]}
  - name: a
    upstream: 127.0.0.1:1/library/b:1
    staging: 127.0.0.1:1/staging/b
    checks: [{contaner: {run: [x]}}]
    promote: {to: 127.0.0.1:1/base/b, tags: ["1", "1-{run}"]}
  - name: c
    upstream: 127.0.0.1:1/library/c:1
    promote: {to: 127.0.0.1:1/base/b, tags: ["1", "1-{run}"]}
dependents:
  - image: 127.0.0.1:1/team/x:latest
    from: [127.0.0.1:1/base/b:1]
    rebuild: {exec: {run: [x]}, webhook: {url: y}}
  - image: 127.0.0.1:1/team/y:latest
    from: [127.0.0.1:1/team/y:latest]
    rebuild: {exec: {run: [x]}}
"""


def content(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Files(Scene):
    registries = ()

    def refused(self, status=None):
        """Starts the daemon, which must end by itself with a failure; what it said."""
        self.daemon.spawn()
        ended = self.daemon.wait()
        self.assertNotEqual(ended, 0)
        self.assertGreater(ended, 0, "it crashed")
        if status is not None:
            self.assertEqual(ended, status)
        return self.daemon.log()

    def empty_daemon(self):
        self.daemon = Daemon(self.folder, {"pipelines": []})
        self.addCleanup(self.end)
        return self.daemon

    def test_f1_ten_mistakes_are_told_at_once_with_line_column_and_advice(self):
        with open(self.file("ten.yaml"), "w", encoding="utf-8") as file:
            file.write(TEN_MISTAKES)
        done = self.empty_daemon().run_cli("check-config", self.file("ten.yaml"))
        self.assertEqual(done.returncode, 2)
        told = done.stdout + done.stderr
        places = {line for line in range(1, 40) if f"ten.yaml:{line}:" in told}
        self.assertLessEqual({1, 2, 4, 7, 9, 10, 13, 15, 17, 21}, places, told)
        self.assertGreaterEqual(told.count("ten.yaml:"), 10, told)
        self.assertIn("server", told)
        self.assertIn("container", told)

    def test_f1_the_daemon_does_not_start_with_a_bad_file(self):
        self.empty_daemon().write_config(TEN_MISTAKES)
        self.assertIn("serverr", self.refused(2))
        self.assertFalse(os.path.exists(self.daemon.database))

    def test_f4_overlapping_targets_loops_and_targets_that_are_their_upstream_are_refused(self):
        def pipeline(name, upstream, to):
            return {"name": name, "upstream": f"127.0.0.1:1/{upstream}:1", "staging": "127.0.0.1:1/staging/x",
                    "promote": {"to": f"127.0.0.1:1/{to}", "tags": ["1", "1-{run}"]}}  # fmt: skip

        for pipelines in (
            [pipeline("a", "library/a", "base/x"), pipeline("b", "library/b", "base/x")],
            [pipeline("a", "library/a", "library/a")],
        ):
            daemon = self.empty_daemon()
            daemon.write_config({"pipelines": pipelines})
            done = daemon.run_cli("check-config", daemon.config_file)
            self.assertEqual(done.returncode, 2, done.stdout + done.stderr)

    def test_b3_a_database_of_another_program_is_refused_and_untouched(self):
        daemon = self.empty_daemon()
        with sqlite3.connect(daemon.database) as db:
            db.execute("CREATE TABLE holidays (day TEXT)")
        db.close()
        before = content(daemon.database)
        self.assertIn(daemon.database, self.refused())
        self.assertEqual(content(daemon.database), before)

    def test_b3_a_newer_database_is_refused_and_untouched(self):
        daemon = self.empty_daemon()
        daemon.start()
        self.assertEqual(daemon.stop(), 0)
        with sqlite3.connect(daemon.database) as db:
            db.execute("PRAGMA user_version = 9999")
        db.close()
        before = content(daemon.database)
        self.assertIn("upgrade sluice", self.refused())
        self.assertEqual(content(daemon.database), before)

    def test_b3_a_damaged_database_is_refused_and_untouched(self):
        daemon = self.empty_daemon()
        daemon.start()
        self.assertEqual(daemon.stop(), 0)
        size = os.path.getsize(daemon.database)
        for damage in ("truncated", "overwritten", "not a database"):
            shutil.copy(daemon.database, daemon.database + ".good")
            with open(daemon.database, "r+b") as file:
                if damage == "truncated":
                    file.truncate(size // 2)
                elif damage == "overwritten":
                    file.seek(4096)
                    file.write(b"\xff" * 8192)
                else:
                    file.write(b"this is a diary, not a database" * 4)
            before = content(daemon.database)
            with self.subTest(damage):
                self.assertIn(daemon.database, self.refused())
                self.assertEqual(content(daemon.database), before)
            os.replace(daemon.database + ".good", daemon.database)
        daemon.start()

    def test_a8_a_second_daemon_on_the_same_database_is_refused(self):
        first = self.empty_daemon().start()
        second_folder = self.file("second")
        os.makedirs(second_folder)
        second = Daemon(second_folder, {"store": {"path": first.database}})
        self.addCleanup(second.close)
        second.spawn()
        self.assertGreater(second.wait(), 0)
        self.assertIn(first.database, second.log())
        self.assertTrue(first.answers())


class Registries(Scene):
    registries = ("central",)

    def setUp(self):
        super().setUp()
        self.fake = Fake()
        self.addCleanup(self.fake.close)
        self.one = self.fake.put("library/node", "9-alpine", images.random_image(20_000))

    def begin(self, misbehave, **more):
        self.fake.misbehave = misbehave
        pipeline = self.pipeline(upstream=f"{self.fake.host}/library/node:9-alpine")
        self.start(self.config([pipeline], **more))

    @property
    def upstream(self):
        return self.central  # only for the text of a pipeline that begin() points elsewhere

    def complaint(self, expected):
        """Waits until the run says what came back; it is not promoted, nothing unverified is staged."""

        def told():
            runs = self.runs(digest=self.one.digest)
            text = self.daemon.cli("logs", runs[0]["id"]) + self.daemon.cli("show", runs[0]["id"]) if runs else ""
            return expected in text and text

        wait_until(f"the run says '{expected}'", told)
        self.assertIsNone(images.remote_digest(self.central.repository(f"staging/node@{self.one.digest}")))
        self.assertIsNone(self.stable())

    def recover(self):
        self.fake.misbehave = None
        run = self.runs(digest=self.one.digest)[0]
        if run["status"] in ("Failed", "Rejected"):
            self.daemon.cli("run", "node")
        self.wait_promoted(self.one)

    def test_c5_a_page_of_html_instead_of_a_manifest(self):
        self.begin(only("manifest", fake_registry.html))
        self.complaint("html")
        self.recover()

    def test_c5_a_manifest_with_other_bytes_than_its_digest_says(self):
        self.begin(only("manifest", fake_registry.other_bytes))
        self.complaint("sha256")
        self.recover()

    def test_c5_a_blob_with_other_bytes_than_its_digest_says(self):
        self.begin(only("blob", fake_registry.other_bytes))
        self.complaint("sha256")
        self.recover()

    def test_c2_a_blob_that_is_cut_off_midway(self):
        self.begin(only("blob", fake_registry.cut))
        self.complaint("5000")
        self.recover()

    def test_c5_garbage_that_is_no_http_at_all(self):
        self.begin(only("manifest", fake_registry.garbage))
        self.complaint(self.fake.host)
        self.recover()

    def test_d4_an_endless_manifest_is_cut_off_and_memory_stays_flat(self):
        self.begin(None)
        self.wait_promoted(self.one)
        before = self.daemon.resident_kib()
        self.one = self.fake.put("library/node", "9-alpine", images.random_image())
        self.fake.misbehave = only("manifest", fake_registry.endless)
        wait_until("it was tried a few times", lambda: self.runs(digest=self.one.digest))
        wait_until(
            "the answer was cut off",
            lambda: "longer than" in self.daemon.cli("logs", self.runs(digest=self.one.digest)[0]["id"]),
        )
        self.assertLess(self.daemon.resident_kib() - before, 40_000)

    def test_c3_one_registry_that_never_answers_stops_no_other(self):
        self.fake.misbehave = fake_registry.only("manifest", fake_registry.never(self.fake.release))
        good = images.random_image()
        images.push(self.central.repository("library/good:1"), good)
        silent = self.pipeline("silent", "1", upstream=f"{self.fake.host}/library/node:9-alpine")
        other = self.pipeline("good", "1")
        self.start(self.config([silent, other]))
        self.wait_run(good.digest, "Succeeded")
        wait_until("the silent one was asked", lambda: any("manifests" in path for _, path in self.fake.seen))
        self.fake.release.set()
        self.assertEqual(self.daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
