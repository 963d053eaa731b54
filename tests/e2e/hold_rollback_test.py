"""The way back: hold, resume, rollback, and a tag that somebody else moved."""

import unittest

import images
from daemon import wait_until
from harness import Scene


class HoldAndRollback(Scene):
    def events(self):
        return [(each["action"], each["detail"]) for each in self.daemon.json("history", "node")["events"]]

    def test_under_a_hold_new_digests_are_staged_and_checked_and_wait(self):
        first = self.push()
        self.start()
        self.wait_promoted(first)
        self.daemon.cli("hold", "node", "--reason", "release week")
        second = self.push()
        run = self.wait_run(second.digest, "Waiting")
        self.assertIn("release week", run["waiting_for"])
        self.assertIn((second.digest, True), self.verdicts())
        self.assertEqual(images.raw_manifest(self.central.repository(f"staging/node@{second.digest}")), second.manifest)
        self.assertEqual(self.stable(), first.digest)
        hold = self.daemon.json("status")["pipelines"][0]["hold"]
        self.assertEqual((hold["images_waiting"], hold["overlong"]), (1, False))
        self.assertGreater(hold["age_ms"], 0)
        self.assertIn("release week; 1 image waits behind it", self.daemon.cli("status"))
        self.daemon.cli("resume", "node")
        self.wait_promoted(second)

    def test_hold_and_resume_may_be_repeated_and_are_in_the_history_with_who_and_why(self):
        first = self.push()
        self.start()
        self.wait_promoted(first)
        for _ in range(2):
            self.daemon.cli("hold", "node", "--reason", "release week")
        self.daemon.cli("hold", "node", "--reason", "another reason")
        hold = self.daemon.json("status")["pipelines"][0]["hold"]
        self.assertEqual(hold["reason"], "release week")
        self.assertTrue(hold["by"])
        for _ in range(2):
            self.daemon.cli("resume", "node")
        self.assertIsNone(self.daemon.json("status")["pipelines"][0]["hold"])
        actions = [action for action, _ in self.events()]
        self.assertEqual(actions.count("hold"), 1)
        self.assertEqual(actions.count("resume"), 1)
        self.assertIn("release week", dict(self.events())["hold"])

    def test_a_hold_outlives_a_kill(self):
        first = self.push()
        self.start()
        self.wait_promoted(first)
        self.daemon.cli("hold", "node", "--reason", "release week")
        self.daemon.kill()
        self.daemon.start()
        second = self.push()
        self.wait_run(second.digest, "Waiting")
        self.assertEqual(self.stable(), first.digest)

    def test_a_rollback_promotes_the_earlier_digest_holds_and_rebuilds(self):
        first = self.push()
        self.start(self.config(dependents=[self.dependent("team-a/hello")]))
        first_run = self.wait_promoted(first)
        second = self.push()
        self.wait_promoted(second)
        self.daemon.cli("rollback", "node")
        back = self.wait_run(first.digest, "Succeeded", trigger="Rollback")
        self.assert_promoted(first.digest, back["id"])
        self.assertNotEqual(back["id"], first_run["id"])
        self.assertEqual(self.stable(tag=f"9-alpine-{first_run['id']}"), first.digest)
        self.assert_sits_on(self.dev.repository("team-a/hello:latest"), self.central.repository(f"base/node@{first.digest}"))
        self.assertIsNotNone(self.daemon.json("status")["pipelines"][0]["hold"])
        third = self.push()
        self.wait_run(third.digest, "Waiting")
        self.assertEqual(self.stable(), first.digest)

    def test_a_rollback_may_be_repeated(self):
        first = self.push()
        self.start(self.config(dependents=[self.dependent("team-a/hello")]))
        self.wait_promoted(first)
        self.wait_promoted(self.push())
        self.daemon.cli("rollback", "node", "--to", first.digest)
        self.wait_run(first.digest, "Succeeded", trigger="Rollback")
        asked = len(self.requests())
        self.daemon.cli("rollback", "node", "--to", first.digest)
        self.assertEqual(len(self.runs(trigger="Rollback", kind="pipeline")), 1)
        self.assertEqual(len(self.requests()), asked)
        self.assertEqual(self.stable(), first.digest)

    def test_a_rollback_names_a_run_or_a_digest_that_was_promoted_and_nothing_else(self):
        first = self.push()
        self.start()
        first_run = self.wait_promoted(first)
        self.wait_promoted(self.push())
        broken = self.push(self.broken_image())
        self.wait_run(broken.digest, "Rejected")
        refused = self.daemon.run_cli("rollback", "node", "--to", broken.digest)
        self.assertNotEqual(refused.returncode, 0)
        self.assertNotEqual(self.stable(), broken.digest)
        self.daemon.cli("rollback", "node", "--to", first_run["id"])
        self.wait_run(first.digest, "Succeeded", trigger="Rollback")
        self.assertEqual(self.stable(), first.digest)

    def test_f5_a_tag_moved_by_hand_is_drift_and_never_overwritten_silently(self):
        first = self.push()
        self.start(self.config(dependents=[self.dependent("team-a/hello")]))
        self.wait_promoted(first)
        foreign = images.random_image()
        images.push(self.central.repository("base/node:9-alpine"), foreign)
        second = self.push()
        wait_until("the pipeline is held", lambda: self.daemon.json("status")["pipelines"][0]["hold"])
        self.assertEqual(self.stable(), foreign.digest)
        self.assertIn(foreign.digest, dict(self.events())["drift"])
        self.wait_run(second.digest, "Waiting")
        self.wait_run(foreign.digest, "Succeeded", trigger="Patch")
        self.daemon.cli("resume", "node")
        self.wait_promoted(second)


if __name__ == "__main__":
    unittest.main(verbosity=2)
