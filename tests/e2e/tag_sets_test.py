"""A pipeline that is a set of tags: what a real registry lists decides what is watched."""

import unittest

import images
from daemon import wait_until
from harness import Scene


class TagSets(Scene):
    def set_pipeline(self, name="node", tags=None, **more):
        """A pipeline on all of node's tags that are versions of 20, promoted under their own names."""
        pipeline = self.pipeline(name)
        pipeline["upstream"] = {
            "repository": self.upstream.repository("library/node"),
            "tags": tags or {"semver": "^20"},
        }
        pipeline["promote"] = {"to": self.central.repository(f"base/{name}"), "tags": ["{tag}", "{tag}-{run}"]}
        return {**pipeline, **more}

    def wait_tag(self, one, tag, name="node"):
        """Waits until the image is promoted under the tag, and judges both tags from outside; the run."""
        run = self.wait_run(one.digest, "Succeeded", task=f"{name}:{tag}")
        self.assert_promoted(one.digest, run["id"], name=name, tag=tag)
        return run

    def member(self, tag):
        """The member as `sluice status --json` shows it, or None."""
        members = self.daemon.json("status")["pipelines"][0].get("members", [])
        return next((each for each in members if each["name"] == f"node:{tag}"), None)

    def withdrawn(self):
        return self.daemon.query("SELECT tag FROM set_members WHERE state = 'withdrawn' ORDER BY tag")

    def test_a_new_tag_is_promoted_under_its_own_names_and_others_are_not_looked_at(self):
        first = self.push(tag="20.1.0")
        stranger = self.push(tag="18.0.0")
        self.push(one=stranger, tag="latest")
        self.start(self.config([self.set_pipeline()]))
        self.wait_tag(first, "20.1.0")
        second = self.push(tag="20.2.0")
        run = self.wait_tag(second, "20.2.0")
        self.assertEqual(run["trigger"], "Image Update")
        self.assertEqual(run["source"], self.upstream.repository("library/node:20.2.0"))
        self.assertEqual({each["task"] for each in self.runs()}, {"node:20.1.0", "node:20.2.0"})
        self.assertIsNone(self.stable(tag="18.0.0"))
        self.assertIsNone(self.stable(tag="latest"))
        history = self.daemon.json("history", "node:20.2.0")
        self.assertEqual([row["digest"] for row in history["observations"]], [second.digest])
        self.assertEqual(history["target"], self.central.repository("base/node:20.2.0"))

    def test_each_tag_may_be_staged_in_a_repository_of_its_own(self):
        one, other = self.push(tag="20.1.0"), self.push(tag="20.1.0-Alpine")
        staging = self.central.repository("staging/node/{tag}")
        self.start(self.config([self.set_pipeline(tags={"glob": "20.*"}, staging=staging)]))
        run = self.wait_tag(one, "20.1.0")
        self.assertEqual(images.remote_digest(self.central.repository(f"staging/node/20.1.0:20.1.0-{run['id']}")), one.digest)
        note = self.daemon.json("status")["pipelines"][0]["set"]["note"]
        self.assertIn("no repository can be called " + staging, note)
        self.assertIn("for instance 20.1.0-Alpine", note)
        self.assertNotEqual(self.daemon.run_cli("run", "node:20.1.0-Alpine").returncode, 0)
        self.assertEqual(self.runs(digest=other.digest), [])

    def test_c7_a_deleted_tag_is_withdrawn_and_what_was_promoted_stays(self):
        first = self.push(tag="20.1.0")
        second = self.push(tag="20.2.0")
        self.start(self.config([self.set_pipeline()]))
        self.wait_tag(first, "20.1.0")
        self.wait_tag(second, "20.2.0")
        self.upstream.delete_tag("library/node", first.digest)
        wait_until("the tag is withdrawn", lambda: self.withdrawn() == [("20.1.0",)])
        self.assertEqual(self.stable(tag="20.1.0"), first.digest)
        events = self.daemon.json("history", "node:20.1.0")["events"]
        self.assertEqual([event["action"] for event in events], ["withdrawn"])
        wait_until("it is not watched", lambda: self.member("20.1.0") is None)
        status = self.daemon.json("status")["pipelines"][0]
        self.assertEqual((status["set"]["members"], status["set"]["withdrawn"]), (1, 1))
        self.assertIn("watching 1 tag, 1 withdrawn", self.daemon.cli("status"))
        # It can still be rolled back and spoken of; one that never was there cannot.
        self.assertEqual(self.daemon.run_cli("hold", "node:20.1.0", "--reason", "keep").returncode, 0)
        self.assertNotEqual(self.daemon.run_cli("hold", "node:20.9.9", "--reason", "keep").returncode, 0)

    def test_a_restart_knows_its_members_without_a_list(self):
        first = self.push(tag="20.1.0")
        self.start(self.config([self.set_pipeline(poll={"every": "1h"})]))
        self.wait_tag(first, "20.1.0")
        self.daemon.kill()
        self.upstream.stop()
        self.daemon.start()
        member = wait_until("the member is there", lambda: self.member("20.1.0"))
        self.assertEqual(member["stable"]["digest"], first.digest)
        self.upstream.start()
        second = self.push(tag="20.1.0")
        self.daemon.cli("run", "node:20.1.0", "--wait")
        self.wait_tag(second, "20.1.0")

    def test_a_hold_of_the_set_holds_each_tag(self):
        first = self.push(tag="20.1.0")
        self.start(self.config([self.set_pipeline()]))
        self.wait_tag(first, "20.1.0")
        self.daemon.cli("hold", "node", "--reason", "freeze")
        second = self.push(tag="20.1.0")
        self.wait_run(second.digest, "Waiting", task="node:20.1.0")
        self.assertEqual(self.stable(tag="20.1.0"), first.digest)
        self.daemon.cli("resume", "node")
        self.wait_tag(second, "20.1.0")

    def test_tags_shows_what_a_set_would_take(self):
        for tag in ("20.1-alpine", "20.2-alpine", "20.3-alpine", "20.4", "18.9-alpine"):
            self.push(tag=tag)
        self.start(self.config([self.set_pipeline(tags={"glob": "*-alpine", "semver": "^20", "newest": 2})]))
        shown = self.daemon.cli(
            *["tags", "--glob", "*-alpine", "--semver", "^20", "--newest", "2", self.upstream.repository("library/node")]
        ).split()
        self.assertEqual(shown, ["20.3-alpine", "20.2-alpine"])
        wait_until(
            "the set watches the same",
            lambda: self.daemon.query("SELECT tag FROM set_members WHERE state = 'watched' ORDER BY tag DESC")
            == [(tag,) for tag in shown],
        )

    def test_two_sets_share_their_requests(self):
        first = self.push(tag="20.1.0")
        slow = {"poll": {"every": "1h"}, "referrers": False}  # whose list of tags would be counted too
        self.start(self.config([self.set_pipeline(**slow), self.set_pipeline("copy", **slow)]))
        self.wait_tag(first, "20.1.0")
        self.wait_tag(first, "20.1.0", name="copy")
        self.assertEqual(self.upstream.requests("GET /v2/library/node/tags/list"), 1)
        self.assertEqual(self.upstream.requests("HEAD /v2/library/node/manifests/20.1.0"), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
