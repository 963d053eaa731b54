"""What does not pass its checks is never promoted, and says why."""

import unittest

import images
from daemon import wait_until
from harness import Scene


class Rejected(Scene):
    def test_a_broken_image_is_rejected_with_the_output_of_the_check_and_the_stable_tag_stays(self):
        good = self.push()
        self.start(self.config(dependents=[self.dependent("team-a/hello")]))
        before = self.wait_promoted(good)
        asked = len(self.requests())
        broken = self.push(self.broken_image())
        run = self.wait_run(broken.digest, "Rejected")
        self.assert_promoted(good.digest, before["id"])
        self.assertIsNone(images.remote_digest(self.central.repository(f"base/node:9-alpine-{run['id']}")))
        self.assertIsNone(images.remote_digest(self.central.repository(f"base/node@{broken.digest}")))
        self.assertIn("it says so itself", self.daemon.cli("logs", run["id"]))
        self.assertIn("Rejected", self.daemon.cli("show", run["id"]))
        self.assertEqual(len(self.requests()), asked)

    def test_a_rejected_digest_stays_rejected_until_a_person_asks_again(self):
        good, broken = self.push(), self.broken_image()
        self.start()
        self.wait_promoted(good)
        self.push(broken)
        first = self.wait_run(broken.digest, "Rejected")
        self.push(good)
        wait_until("the tag went back", lambda: self.daemon.json("history", "node")["observations"][0]["digest"] == good.digest)
        self.push(broken)
        wait_until("the tag came again", lambda: self.daemon.json("history", "node")["observations"][0]["digest"] == broken.digest)
        self.assertEqual(self.runs(digest=broken.digest)[0]["id"], first["id"])
        asked = self.daemon.run_cli("run", "node", "--wait")
        self.assertNotEqual(asked.returncode, 0)
        again = self.runs(digest=broken.digest)[0]
        self.assertNotEqual(again["id"], first["id"])
        self.assertEqual((again["status"], again["trigger"]), ("Rejected", "Manual"))
        self.assertEqual(self.stable(), good.digest)

    def test_checks_run_in_order_and_the_first_that_fails_ends_the_run(self):
        later = self.file("later")
        checks = [self.check(), {"command": {"run": ["touch", later]}}]
        broken = self.push(self.broken_image())
        self.start(self.config([self.pipeline(checks=checks)]))
        self.wait_run(broken.digest, "Rejected")
        good = self.push()
        self.wait_promoted(good)
        with open(later, encoding="utf-8"):
            pass
        self.assertEqual(self.verdicts(), [(broken.digest, False), (good.digest, True)])

    def test_a_check_that_never_ends_is_ended_by_its_timeout_and_rejects(self):
        one = self.push()
        endless = {"command": {"run": ["sleep", "1000"], "timeout": "500ms"}}
        self.start(self.config([self.pipeline(checks=[endless])], engine={"retry": {"first": "50ms", "most": "100ms", "attempts": 3}}))
        run = self.wait_run(one.digest)
        self.assertIn(run["status"], ("Rejected", "Failed"))
        self.assertIsNone(self.stable())

    def test_d8_what_a_check_prints_reaches_a_terminal_escaped(self):
        one = self.push()
        noise = [{"command": {"run": ["printf", r"\033]0;owned\007\033[2Jred\n"]}}]
        self.start(self.config([self.pipeline(checks=noise)]))
        run = self.wait_promoted(one)
        shown = self.daemon.cli("logs", run["id"]) + self.daemon.cli("show", run["id"])
        self.assertIn("red", shown)
        self.assertNotIn("\x1b", shown)
        self.assertNotIn("\x07", shown)

    def test_a_failed_rebuild_is_told_and_does_not_touch_the_promotion(self):
        one = self.push()
        failing = {"exec": {"run": ["sh", "-c", "echo no compiler today; exit 7"]}}
        self.start(self.config(dependents=[self.dependent("team-a/hello", rebuild=failing)], engine={"retry": {"first": "50ms", "most": "100ms", "attempts": 3}}))
        run = self.wait_run(one.digest)
        self.assert_promoted(one.digest, run["id"])
        rebuild = self.runs(task="hello")[0]
        self.assertEqual(rebuild["status"], "Failed")
        self.assertIn("no compiler today", self.daemon.cli("logs", rebuild["id"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
