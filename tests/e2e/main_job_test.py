"""The main job: detect, stage, check, promote under two tags, rebuild, confirm."""

import json
import unittest

import images
from daemon import wait_until
from harness import Scene


class MainJob(Scene):
    def test_a_new_image_is_staged_checked_and_promoted_under_both_tags(self):
        one = self.push()
        self.start()
        run = self.wait_promoted(one)
        self.assertEqual(run["trigger"], "Image Update")
        self.assertEqual(run["task"], "node")
        self.assertEqual(self.verdicts(), [(one.digest, True)])
        staged = images.raw_manifest(self.central.repository(f"staging/node@{one.digest}"))
        self.assertEqual(staged, one.manifest)

    def test_a_change_is_seen_without_being_told_and_every_digest_stays_in_the_history(self):
        first = self.push()
        self.start()
        self.wait_promoted(first)
        second = self.push()
        run = self.wait_promoted(second)
        history = self.daemon.json("history", "node")
        self.assertEqual([row["digest"] for row in history["observations"]], [second.digest, first.digest])
        self.assertEqual([row["digest"] for row in history["promotions"]], [second.digest, first.digest])
        self.assertEqual(history["promotions"][0]["replaced"], first.digest)
        self.assertEqual(history["promotions"][0]["run"], run["id"])

    def test_dependents_are_rebuilt_on_the_new_base_and_confirmed(self):
        first = self.push()
        self.start(self.config(dependents=[self.dependent("team-a/hello"), self.dependent("team-b/worker")]))
        for base in (first, None):
            base = base or self.push()
            run = self.wait_promoted(base)
            rebuilds = self.daemon.json("show", run["id"])["rebuilds"]
            self.assertEqual({each["dependent"] for each in rebuilds}, {"hello", "worker"})
            self.assertEqual({each["state"] for each in rebuilds}, {"confirmed"})
            for image in ("team-a/hello:latest", "team-b/worker:latest"):
                self.assert_sits_on(
                    self.dev.repository(image), self.central.repository(f"base/node@{base.digest}")
                )
        self.assertEqual(len({each["key"] for each in self.requests()}), 4)

    def test_a_dependent_of_a_dependent_is_rebuilt_in_the_next_wave(self):
        one = self.push()
        above = self.dependent("team-b/app", **{"from": [self.dev.repository("team-a/runtime:latest")]})
        self.start(self.config(dependents=[self.dependent("team-a/runtime"), above]))
        self.wait_promoted(one)
        self.assertEqual([each["dependent"] for each in self.requests()], ["runtime", "app"])
        self.assert_sits_on(
            self.dev.repository("team-b/app:latest"), self.dev.repository("team-a/runtime:latest")
        )

    def test_a_multi_platform_index_is_copied_byte_for_byte(self):
        shared = images.layer({"etc/shared": b"the same on both"})
        platforms = [
            images.image([shared, images.layer({"etc/arch": arch.encode()})], arch) for arch in ("amd64", "arm64")
        ]
        one = self.push(images.index(platforms, annotations={"org.opencontainers.image.version": "9.11.1"}))
        self.start()
        run = self.wait_promoted(one)
        for reference in ("staging/node@" + one.digest, "base/node:9-alpine", f"base/node:9-alpine-{run['id']}"):
            there = self.central.repository(reference)
            self.assertEqual(images.raw_manifest(there), one.manifest)
            blobs = images.pull_blobs(there)
            for part in [one, *platforms]:
                self.assertEqual(blobs.get(part.digest), part.manifest)
                for digest, data in part.blobs.items():
                    self.assertEqual(blobs.get(digest), data)

    def test_c6_the_digest_that_was_observed_is_copied_although_the_tag_moved_since(self):
        first = self.push()
        self.start()
        self.wait_promoted(first)
        later = [self.push() for _ in range(3)]
        self.wait_promoted(later[-1])
        promoted = [row["digest"] for row in self.daemon.json("history", "node")["promotions"]]
        self.assertEqual(promoted[-1], first.digest)
        self.assertLessEqual(set(promoted), {one.digest for one in [first, *later]})

    def test_the_table_of_runs_is_what_users_of_acr_tasks_know(self):
        one = self.push()
        self.start(self.config(dependents=[self.dependent("team-a/hello")]))
        run = self.wait_promoted(one)
        lines = self.daemon.cli("runs").splitlines()
        self.assertEqual(
            lines[0].split("  ")[0].strip() and lines[0].split(),
            ["RUN", "ID", "TASK", "PLATFORM", "STATUS", "TRIGGER", "STARTED", "DURATION"],
        )
        self.assertRegex(
            lines[-1],
            rf"^{run['id']} +node +linux/amd64 +Succeeded +Image Update +\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\d\d:\d\d:\d\d$",
        )
        self.assertIn("this image is good", self.daemon.cli("logs", run["id"]))
        self.assertIn(one.digest, self.daemon.cli("show", run["id"]))
        self.assertEqual(self.runs(task="hello")[0]["parent"], run["id"])

    def test_a_manual_run_waits_for_its_end(self):
        one = self.push()
        self.start(self.config([self.pipeline(poll={"every": "1h"})]))
        self.wait_promoted(one)
        second = self.push()
        self.daemon.cli("run", "node", "--wait")
        run = self.wait_promoted(second)
        self.assertEqual(run["trigger"], "Manual")

    def test_c7_a_withdrawn_tag_changes_nothing_of_ours(self):
        one = self.push()
        self.start()
        run = self.wait_promoted(one)
        self.upstream.delete_tag("library/node", one.digest)
        wait_until("the missing tag is noticed", lambda: self.daemon.json("status")["pipelines"][0]["watch"]["error"])
        self.assert_promoted(one.digest, run["id"])

    def test_an_upstream_that_is_down_stops_nothing_and_is_looked_at_again_when_back(self):
        first = self.push()
        self.start()
        run = self.wait_promoted(first)
        self.upstream.stop()
        watch = lambda: self.daemon.json("status")["pipelines"][0]["watch"]
        wait_until("the silence is noticed", lambda: watch()["error"])
        self.assert_promoted(first.digest, run["id"])
        self.upstream.start()
        self.wait_promoted(self.push())
        self.assertIsNone(watch()["error"])

    def test_json_and_the_database_agree(self):
        one = self.push()
        self.start()
        run = self.wait_promoted(one)
        self.assertEqual(self.daemon.query("PRAGMA integrity_check"), [("ok",)])
        status, shown = self.daemon.request("GET", f"/api/v1/runs/{run['id']}")
        self.assertEqual(status, 200)
        again = self.daemon.json("show", run["id"])
        # The tag is looked at again and again, also between the two.
        for answer in (shown, again):
            self.assertIn("last_seen", answer["observation"])
            del answer["observation"]["last_seen"]
        self.assertEqual(json.dumps(shown, sort_keys=True), json.dumps(again, sort_keys=True))


if __name__ == "__main__":
    unittest.main(verbosity=2)
