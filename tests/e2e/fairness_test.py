"""Outages and limits of registries are told, and pass; mirrors stand in for what is asked by digest."""

import unittest

import images
from daemon import wait_until
from harness import Scene


class Fairness(Scene):
    def registry(self, which):
        """What `sluice status` says about a registry; None when it was not asked yet."""
        entries = self.daemon.json("status")["registries"]
        return next((entry for entry in entries if entry["name"] == which.host), None)

    def wait_state(self, which, state):
        return wait_until(f"{which.name} is {state}", lambda: (self.registry(which) or {}).get("state") == state)

    def test_c1_a_stopped_upstream_is_told_to_be_down_and_flows_again_by_itself(self):
        one = self.push()
        self.start()
        self.wait_promoted(one)
        healthy = self.registry(self.upstream)
        self.assertEqual((healthy["state"], healthy["failures"], healthy["error"]), ("closed", 0, None))
        self.upstream.stop()
        self.wait_state(self.upstream, "open")
        down = self.registry(self.upstream)
        self.assertIn("refused", down["error"])
        self.assertIsNotNone(down["failing_since"])
        self.assertEqual(self.registry(self.central)["state"], "closed")
        shown = self.daemon.cli("status")
        self.assertIn("down since", shown)
        self.assertIn("answers", shown)
        self.upstream.start()
        two = self.push()
        self.wait_promoted(two)
        self.wait_state(self.upstream, "closed")
        self.assertIsNone(self.registry(self.upstream)["error"])
        told = [line for line in self.daemon.log().splitlines() if f"{self.upstream.host} is down" in line]
        self.assertEqual(len(told), 1)
        self.assertIn(f"{self.upstream.host} answers again", self.daemon.log())

    def test_c4_a_used_up_budget_holds_back_copies_and_nothing_else(self):
        one = self.push()
        budget = {self.upstream.host: {"budget": "1/31d"}}
        self.start(self.config(registries=budget))
        self.wait_promoted(one)
        left = self.registry(self.upstream)["budget"]
        self.assertEqual((left["count"], left["counts"], left["left"]), (1, "pulls", 0))
        two = self.push()
        wait_until("the copy waits for the budget", lambda: any("its budget is used up" in line for line in self.daemon.log().splitlines()))
        # Looks by HEAD are free: the new digest was seen, and what is promoted stays.
        self.assertEqual(self.daemon.json("history", "node")["observations"][0]["digest"], two.digest)
        self.assertEqual(self.stable(), one.digest)
        self.assertIn("BUDGET LEFT", self.daemon.cli("status"))
        self.daemon.write_config(self.config())
        self.daemon.cli("check-config", self.daemon.config_file)

    def test_content_comes_from_a_mirror_and_tags_from_the_upstream(self):
        one = images.random_image()
        images.push(self.dev.repository("hub/library/node:another-tag"), one)
        self.push(one)
        mirrors = [self.central.repository("nothing-here"), self.dev.repository("hub")]
        blobs = self.upstream.requests("GET", "/blobs/")
        self.start(self.config(registries={self.upstream.host: {"mirrors": mirrors}}))
        self.wait_promoted(one)
        self.assertEqual(self.upstream.requests("GET", "/blobs/"), blobs)
        self.assertEqual(self.upstream.requests("GET", "/manifests/" + one.digest), 0)
        self.assertGreater(self.dev.requests("GET", "/v2/hub/library/node/blobs/"), 0)
        # What the mirror does not have comes from the upstream itself.
        two = self.push()
        self.wait_promoted(two)


if __name__ == "__main__":
    unittest.main(verbosity=2)
