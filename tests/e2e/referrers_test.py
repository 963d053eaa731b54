"""Signatures and SBOMs take the way of their image through a pipeline, between registries without a referrers API."""

import json
import unittest

import images
from harness import Scene

STAGING, TARGET = "staging/node", "base/node"


class Referrers(Scene):
    def push_signed(self, tag="9-alpine"):
        one = images.random_image()
        return one, *images.push_signed(self.upstream.repository(f"library/node:{tag}"), one)

    def listed(self, repository, subject):
        """Digests that are listed as referrers of a subject."""
        raw = images.raw_manifest(self.central.repository(f"{repository}:{images.fallback_tag(subject)}"))
        return raw and [entry["digest"] for entry in json.loads(raw)["manifests"]]

    def signature(self, repository, subject):
        return images.remote_digest(self.central.repository(f"{repository}:{images.fallback_tag(subject)}.sig"))

    def test_signatures_and_sboms_are_staged_and_promoted_with_their_image(self):
        one, sbom, signature = self.push_signed()
        self.start()
        self.wait_promoted(one)
        for repository in (STAGING, TARGET):
            self.assertEqual(self.listed(repository, one), [sbom.digest])
            self.assertEqual(self.signature(repository, one), signature.digest)
            self.assertEqual(images.pull_blobs(self.central.repository(f"{repository}@{sbom.digest}")).keys() - sbom.blobs.keys(), {sbom.digest})
        # Two blobs of the image and two of each referrer, of which one is the same; then all are mounted.
        self.assertEqual(self.central.requests("PUT /v2/staging/node/blobs/"), 5)
        self.assertEqual(self.central.requests("PUT /v2/base/node/blobs/"), 0)

    def test_an_image_that_nothing_refers_to_costs_two_requests_more(self):
        one = self.push()
        self.start(self.config([self.pipeline(poll={"every": "1h"})]))
        self.wait_promoted(one)
        self.assertEqual(self.upstream.requests("/referrers/"), 1)
        self.assertEqual(self.upstream.requests("/tags/list"), 1)
        self.assertEqual(self.upstream.requests("/manifests/sha256-"), 0)

    def test_a_pipeline_can_leave_referrers_behind(self):
        one, _, _ = self.push_signed()
        self.start(self.config([self.pipeline(referrers=False)]))
        self.wait_promoted(one)
        for repository in (STAGING, TARGET):
            self.assertIsNone(self.listed(repository, one))
            self.assertIsNone(self.signature(repository, one))
        self.assertEqual(self.upstream.requests("/referrers/"), 0)

    def test_a_signature_of_ones_own_on_the_promoted_image_stays(self):
        one, sbom, _ = self.push_signed()
        own = images.artifact("application/vnd.dev.cosign.artifact.sig.v1+json", b"ours")
        images.push(self.central.repository(f"{TARGET}:{images.fallback_tag(one)}.sig"), own)
        self.start()
        self.wait_promoted(one)
        self.assertEqual(self.signature(TARGET, one), own.digest)
        self.assertEqual(self.listed(TARGET, one), [sbom.digest])

    def test_what_is_signed_later_comes_with_the_next_run(self):
        one = self.push()
        self.start()
        self.wait_promoted(one)
        sbom, signature = images.push_signed(self.upstream.repository("library/node:9-alpine"), one)
        self.daemon.cli("run", "node", "--wait")
        self.assertEqual(self.listed(TARGET, one), [sbom.digest])
        self.assertEqual(self.signature(TARGET, one), signature.digest)

    def test_tags_of_signatures_are_no_members_of_a_set(self):
        one, _, _ = self.push_signed(tag="20.1.0")
        pipeline = self.pipeline()
        pipeline["upstream"] = {"repository": self.upstream.repository("library/node"), "tags": {"glob": "*"}}
        pipeline["promote"]["tags"] = ["{tag}", "{tag}-{run}"]
        self.start(self.config([pipeline]))
        self.wait_run(one.digest, "Succeeded", task="node:20.1.0")
        members = self.daemon.json("status")["pipelines"][0]["members"]
        self.assertEqual([each["name"] for each in members], ["node:20.1.0"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
