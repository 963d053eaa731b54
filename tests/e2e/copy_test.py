"""`sluice copy`, `inspect`, `digest` and `tags`: without a daemon, judged by skopeo."""

import contextlib
import json
import os
import pty
import re
import resource
import subprocess
import tarfile
import tempfile
import termios
import unittest

import images
from daemon import PROGRAM, wait_until
from fake_registry import Fake, send
from registry import Registry


class Copies(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="sluice-copy-"))
        self.source, self.target = (Registry(self.folder, name).start() for name in ("source", "target"))
        self.addCleanup(self.source.close)
        self.addCleanup(self.target.close)
        self.amd, self.arm = (
            images.image([images.layer({"bin/app": arch.encode() * 5000})], architecture=arch) for arch in ("amd64", "arm64")
        )
        self.both = images.index([self.amd, self.arm])
        self.node = self.source.repository("library/node:9")
        images.push(self.node, self.both)

    def sluice(self, *arguments, code=0, stdin=None):
        environment = {**os.environ, "HOME": self.folder, "DOCKER_CONFIG": self.folder}
        environment.pop("SLUICE_CONFIG", None)
        done = subprocess.run(
            [PROGRAM, *arguments], input=stdin, capture_output=True, text=True, timeout=120, env=environment, check=False
        )
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def file(self, name):
        return os.path.join(self.folder, name)

    def test_an_index_arrives_whole_and_a_second_copy_asks_twice(self):
        to = self.target.repository("base/node:9")
        done = self.sluice("copy", self.node, to)
        self.assertEqual(done.stdout, f"{to}@{self.both.digest}\n")
        self.assertIn("(4 of 4)", done.stderr)
        self.assertEqual(images.raw_manifest(to), self.both.manifest)
        self.assertEqual(images.pull_blobs(to), images.pull_blobs(self.node))
        before = self.source.requests() + self.target.requests()
        self.sluice("copy", self.node, to)
        self.assertEqual(self.source.requests() + self.target.requests() - before, 2)

    def shown_by_a_copy(self, target, kind):
        """What a copy shows on a terminal of a kind that is 40 characters wide."""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (24, 40))
        with open(ours, "rb", buffering=0) as terminal:
            with open(theirs, "wb", buffering=0) as stderr:
                subprocess.run(
                    [PROGRAM, "copy", self.node, target],
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                    timeout=60,
                    check=True,
                    env={**os.environ, "TERM": kind},
                )
            return terminal.read(65536).decode()

    def test_progress_is_bars_on_a_terminal_and_nothing_when_quiet(self):
        shown = self.shown_by_a_copy(self.target.repository("t/node:9"), "xterm")
        self.assertIn("\x1b[K", shown)
        self.assertIn("4 of 4 blobs", shown)
        self.assertLessEqual(max(len(line) for line in re.findall(r"([^\r\n\x1b]+)\x1b\[K", shown)), 40)
        plain = self.shown_by_a_copy(self.target.repository("d/node:9"), "dumb")
        self.assertNotIn("\x1b", plain)
        self.assertIn("(4 of 4)", plain)
        quiet = self.sluice("copy", "--quiet", self.node, self.target.repository("q/node:9"))
        self.assertEqual(quiet.stderr, "")

    def test_a_disk_without_room_for_a_layer_is_told_and_a_later_copy_goes_on(self):
        large = images.image([images.layer({"data": os.urandom(300_000)})])
        images.push(self.source.repository("large:1"), large)
        stick = self.file("stick")
        command = ["copy", "--quiet", self.source.repository("large:1"), f"oci:{stick}:1"]
        refused = subprocess.run(
            [PROGRAM, *command],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        )
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn(stick, refused.stderr)
        self.assertIn("File too large", refused.stderr)
        self.assertFalse(os.path.exists(os.path.join(stick, "index.json")))
        self.sluice(*command)
        back = self.target.repository("large:1")
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{stick}:1", f"docker://{back}"],
            check=True,
        )
        self.assertEqual(images.raw_manifest(back), large.manifest)

    def test_a_plan_says_what_would_move_and_moves_nothing(self):
        to = self.target.repository("base/node:9")
        plan = json.loads(self.sluice("copy", "--plan", "--json", self.node, to).stdout)
        self.assertEqual([blob["action"] for blob in plan["blobs"]], ["copy"] * 4)
        self.assertEqual(plan["bytes_to_move"], sum(blob["size"] for blob in plan["blobs"]))
        self.assertEqual(plan["manifests_to_write"], 3)
        self.assertIsNone(images.raw_manifest(to))

    def test_platforms_are_chosen_and_what_is_left_out_is_told(self):
        to = self.target.repository("base/node:9")
        done = self.sluice("copy", "--platform", "linux/arm64", self.node, to)
        self.assertIn("left out: linux/amd64", done.stderr)
        index = json.loads(images.raw_manifest(to))
        self.assertEqual([entry["digest"] for entry in index["manifests"]], [self.arm.digest])
        self.assertEqual(index["annotations"]["dev.sluice.source.digest"], self.both.digest)
        refused = self.sluice("copy", "--platform", "linux/s390x", self.node, to, code=4)
        self.assertIn("linux/s390x, it has linux/amd64, linux/arm64", refused.stderr)

    def test_an_image_travels_on_a_stick(self):
        stick = "oci:" + self.file("stick/node")
        self.sluice("copy", self.node, stick)
        self.sluice("copy", f"{stick}:9", self.target.repository("usb/node:9"))
        self.assertEqual(images.raw_manifest(self.target.repository("usb/node:9")), self.both.manifest)
        self.assertEqual(self.sluice("tags", stick).stdout, "9\n")
        self.sluice("copy", self.node, "oci-archive:" + self.file("node.tar"))
        self.assertEqual(images.skopeo("inspect", "--raw", "oci-archive:" + self.file("node.tar")), self.both.manifest)

    def test_a_copy_onto_a_stick_that_was_killed_goes_on_where_it_was(self):
        big = images.random_image(40_000_000)
        digest, layer = max(big.blobs.items(), key=lambda blob: len(blob[1]))
        images.push(self.source.repository("big:1"), big)
        blob = self.file("stick/blobs/sha256/" + digest.removeprefix("sha256:"))
        slow = self.file("slow.yaml")
        with open(slow, "w", encoding="utf-8") as file:
            file.write("transfer: {bandwidth: 10MB}\n")
        with subprocess.Popen(
            [PROGRAM, "copy", "--quiet", "--config", slow, self.source.repository("big:1"), "oci:" + self.file("stick")]
        ) as copying:
            wait_until("a part is there", lambda: os.path.exists(blob + ".part") and os.path.getsize(blob + ".part") > 5_000_000)
            copying.kill()
        there = os.path.getsize(blob + ".part")
        done = json.loads(self.sluice("copy", "--json", self.source.repository("big:1"), "oci:" + self.file("stick")).stdout)
        self.assertLess(done["bytes_moved"], len(layer) + 10_000 - there)
        with open(blob, "rb") as file:
            self.assertEqual(file.read(), layer)

    def test_c2_processes_that_write_into_one_layout_at_once_keep_each_others_images(self):
        many = [images.index([self.arm], annotations={"number": str(number)}) for number in range(8)]
        for number, image in enumerate(many):
            images.push(self.source.repository(f"many:{number}"), image)
        stick = "oci:" + self.file("stick")
        with contextlib.ExitStack() as stack:
            copying = [
                stack.enter_context(
                    subprocess.Popen([PROGRAM, "copy", "--quiet", "--retries", "0", self.source.repository(f"many:{number}"), stick])
                )
                for number in range(8)
            ]
            self.assertEqual([process.wait(timeout=120) for process in copying], [0] * 8)
        for number, image in enumerate(many):
            self.assertEqual(images.skopeo("inspect", "--raw", f"{stick}:{number}"), image.manifest)
        self.assertEqual(sorted(self.sluice("tags", stick).stdout.split()), [str(number) for number in range(8)])

    def test_an_image_in_a_layout_is_named_by_its_position(self):
        stick = "oci:" + self.file("stick")
        for image in (self.amd, self.arm):
            self.sluice("copy", self.node.removesuffix(":9") + "@" + image.digest, stick)
        self.assertIn("position, of which :@0 is the first", self.sluice("digest", stick, code=2).stderr)
        self.assertEqual(self.sluice("digest", f"{stick}:@1").stdout, self.arm.digest + "\n")
        self.sluice("copy", f"{stick}:@0", self.target.repository("usb/node:9"))
        self.assertEqual(images.raw_manifest(self.target.repository("usb/node:9")), self.amd.manifest)
        self.assertIn("it lists 2 images, @0 to @1", self.sluice("digest", f"{stick}:@2", code=4).stderr)
        self.assertIn("'@two' is no position", self.sluice("digest", f"{stick}:@two", code=2).stderr)
        self.assertIn("a target has a tag or nothing", self.sluice("copy", self.node, f"{stick}:@0", code=2).stderr)
        self.assertIn("leave out :@0", self.sluice("tags", f"{stick}:@0", code=2).stderr)

    def test_what_skopeo_saved_for_docker_is_read_by_name(self):
        app = self.source.repository("team/app:1")
        images.push(app, self.amd)
        saved = "docker-archive:" + self.file("saved.tar")
        images.skopeo("copy", "--src-tls-verify=false", f"docker://{app}", f"{saved}:foo/bar:3")
        config = next(blob for blob in self.amd.blobs.values() if b"rootfs" in blob)
        for name in ("", ":3", ":foo/bar:3", ":docker.io/foo/bar:3"):
            self.assertEqual(self.sluice("inspect", "--image-config", saved + name).stdout.encode(), config)
        self.assertEqual(json.loads(self.sluice("inspect", "--json", saved).stdout)["platform"], "linux/amd64")
        ours = "docker-archive:" + self.file("ours.tar")
        self.sluice("copy", app, f"{ours}:foo/bar:4")
        self.assertEqual(images.skopeo("inspect", "--config", "--raw", f"{ours}:docker.io/foo/bar:4"), config)
        self.assertEqual(self.sluice("tags", ours).stdout, "docker.io/foo/bar:4\n")
        self.assertIn("--force", self.sluice("copy", app, ours, code=5).stderr)
        self.sluice("copy", "--force", app, ours)
        self.assertIn("./-", self.sluice("copy", app, "oci-archive:-", code=2).stderr)

    def test_a_pipe_is_no_archive_and_holds_nothing_up(self):
        os.mkfifo(self.file("pipe"))
        self.assertIn("is not a file", self.sluice("inspect", "oci-archive:" + self.file("pipe"), code=2).stderr)

    def test_a_foreign_layer_is_left_out_and_told_or_brought_along(self):
        layer = next(blob for blob in self.amd.blobs.values() if b"rootfs" not in blob)
        manifest = json.loads(self.amd.manifest)
        manifest["layers"][0] |= {
            "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "urls": ["https://layers.example.com/1"],
        }
        images.write_layout(self.file("given"), images.Image(images.encode(manifest), blobs=self.amd.blobs))
        given = "oci:" + self.file("given")
        blob = self.file("given/blobs/sha256/" + images.digest_of(layer).removeprefix("sha256:"))
        os.rename(blob, self.file("layer"))
        left_out = json.loads(self.sluice("copy", "--json", given, "oci:" + self.file("out")).stdout)["layers_left_out"]
        self.assertEqual([one["digest"] for one in left_out], [images.digest_of(layer)])
        plan = self.sluice("copy", "--plan", given, "oci:" + self.file("other"))
        self.assertIn(f"skip     {images.digest_of(layer)}", plan.stdout)
        self.assertIn("--foreign-layers copy", plan.stderr)
        archive = "docker-archive:" + self.file("app.tar")
        self.assertIn("--foreign-layers copy", self.sluice("copy", given, archive, code=2).stderr)
        os.rename(self.file("layer"), blob)
        self.sluice("copy", "--foreign-layers", "copy", given, archive)
        with tarfile.open(self.file("app.tar")) as tar:
            named = json.load(tar.extractfile("manifest.json"))[0]["Layers"]
            self.assertEqual([tar.extractfile(name).read() for name in named], [layer])

    def test_a_list_of_images_is_copied_and_each_failure_is_told(self):
        pairs = [
            f"{self.node} {self.target.repository('one:9')}",
            "# a comment",
            f"{self.source.repository('library/gone:1')} {self.target.repository('two:1')}",
            f"{self.node} {self.target.repository('three:9')}",
        ]
        done = self.sluice("copy", "--json", "--list", "-", code=1, stdin="\n".join(pairs))
        results = json.loads(done.stdout)
        self.assertEqual([result.get("digest") for result in results], [self.both.digest, None, self.both.digest])
        self.assertEqual(results[1]["error"]["kind"], "not_found")
        # Each blob moved once, though two repositories of one registry have them now.
        self.assertEqual(sum(result.get("blobs", {}).get("copied", 0) for result in results), 4)
        self.assertEqual(images.remote_digest(self.target.repository("three:9")), self.both.digest)
        self.sluice("copy", "--list", self.folder, code=2)
        bad = self.sluice("copy", "--list", "-", code=2, stdin="only-one-word\n")
        self.assertIn("stdin:1:", bad.stderr)

    def test_digest_tags_and_inspect_say_what_there_is(self):
        for tag in ("1.2.0", "1.10.0", "2.0.0-rc.1", "latest"):
            images.push(self.source.repository(f"app:{tag}"), self.amd)
        self.assertEqual(self.sluice("digest", self.node).stdout, self.both.digest + "\n")
        self.assertEqual(self.sluice("digest", "--platform", "linux/arm64", self.node).stdout, self.arm.digest + "\n")
        self.assertIn("does not exist", self.sluice("digest", self.source.repository("nope:1"), code=4).stderr)
        app = self.source.repository("app")
        self.assertEqual(self.sluice("tags", "--semver", "^1", app).stdout, "1.10.0\n1.2.0\n")
        self.assertEqual(self.sluice("tags", "--semver", "*", "--pre-releases", app).stdout.split()[0], "2.0.0-rc.1")
        self.assertEqual(self.sluice("tags", "--match", "l.*", app).stdout, "latest\n")
        self.assertIn("--match", self.sluice("tags", "--match", "(", app, code=2).stderr)
        self.assertIn("no version range", self.sluice("tags", "--semver", "latest", app, code=2).stderr)
        self.assertEqual(self.sluice("inspect", "--raw", self.node).stdout.encode(), self.both.manifest)
        shown = json.loads(self.sluice("inspect", "--json", f"{app}:latest").stdout)
        self.assertEqual((shown["digest"], shown["platform"]), (self.amd.digest, "linux/amd64"))
        self.assertIn("linux/arm64", self.sluice("inspect", self.node).stdout)

    def test_an_image_for_one_platform_is_that_platform_or_refused(self):
        one = self.source.repository("app:1")
        images.push(one, self.amd)
        to = self.target.repository("app:1")
        self.assertEqual(self.sluice("copy", "--platform", "linux/amd64", one, to).stdout, f"{to}@{self.amd.digest}\n")
        self.assertEqual(self.sluice("digest", "--platform", "linux/amd64", one).stdout, self.amd.digest + "\n")
        shown = self.sluice("inspect", "--platform", "linux/amd64", "--json", one).stdout
        self.assertEqual(json.loads(shown)["digest"], self.amd.digest)
        for command in (["copy", one, to], ["digest", one], ["inspect", one]):
            refused = self.sluice(*command, "--platform", "linux/arm64", code=4)
            self.assertIn("is an image for linux/amd64, not for linux/arm64", refused.stderr)

    def test_what_refers_to_an_image_is_shown_planned_and_copied(self):
        one, to = self.source.repository("app:1"), self.target.repository("app:1")
        sbom, signature = images.push_signed(one, self.amd)
        tag = images.fallback_tag(self.amd) + ".sig"
        shown = self.sluice("inspect", "--referrers", one).stdout
        self.assertRegex(shown, f"{sbom.digest} .* application/spdx\\+json\n")
        self.assertRegex(shown, f"{signature.digest} .* {tag}\n")
        listed = json.loads(self.sluice("inspect", "--referrers", "--json", one).stdout)["referrers"]
        self.assertEqual([each["digest"] for each in listed], [sbom.digest, signature.digest])
        self.assertEqual((listed[0]["artifact_type"], listed[1]["tag"]), ("application/spdx+json", tag))

        plan = json.loads(self.sluice("copy", "--plan", "--referrers", "--json", one, to).stdout)
        blobs = {**self.amd.blobs, **sbom.blobs, **signature.blobs}
        self.assertEqual({each["digest"] for each in plan["blobs"]}, set(blobs))
        self.assertEqual(plan["bytes_to_move"], sum(map(len, blobs.values())))
        self.assertEqual((plan["manifests_to_write"], plan["referrers"]), (3, 2))
        done = self.sluice("copy", "--referrers", one, to)
        self.assertEqual(re.findall(r"\((\d+) of (\d+)\)", done.stderr)[-1], (str(len(blobs)),) * 2)
        self.assertIn("with 2 referrers", done.stderr)
        self.assertEqual(images.remote_digest(self.target.repository(f"app:{tag}")), signature.digest)
        plan = json.loads(self.sluice("copy", "--plan", "--referrers", "--json", one, to).stdout)
        self.assertEqual((plan["bytes_to_move"], plan["manifests_to_write"]), (0, 0))

    def test_a_tag_is_not_taken_for_a_repository_when_tags_are_listed(self):
        for place in (self.node, self.source.repository("library/node@") + self.both.digest, "oci:" + self.file("stick:9")):
            refused = self.sluice("tags", place, code=2)
            self.assertIn("leave out", refused.stderr)
            self.assertEqual(refused.stdout, "")
        self.assertEqual(self.sluice("tags", self.source.repository("library/node")).stdout, "9\n")

    def test_what_a_registry_warns_of_is_printed_once(self):
        with contextlib.closing(Fake()) as registry:
            registry.put("app", "1", self.amd)
            registry.warning = '299 - "app moves to \x9bnew.example.com"'
            done = self.sluice("inspect", "--json", f"{registry.host}/app:1")
            self.assertEqual(done.stderr, f"sluice: {registry.host} warns: app moves to \\x9bnew.example.com\n")
            self.assertEqual(json.loads(done.stdout)["digest"], self.amd.digest)

    def test_mistakes_are_told_before_anything_is_asked(self):
        self.assertIn("names no image", self.sluice("copy", "oci:", self.target.repository("a:1"), code=2).stderr)
        self.assertIn("SOURCE and TARGET", self.sluice("copy", "node:9", code=2).stderr)
        pinned = self.target.repository("a") + "@" + self.both.digest
        self.assertIn("a target has a tag", self.sluice("copy", self.node, pinned, code=2).stderr)
        self.source.stop()
        self.assertIn("refused", self.sluice("digest", self.node, code=3).stderr)

    def test_c4_a_request_that_is_refused_for_now_is_sent_as_often_as_wanted_and_the_error_says_when_to_come_back(self):
        fake = Fake()
        self.addCleanup(fake.close)
        fake.put("app", "1", self.amd)
        fake.misbehave = lambda handler, _: send(handler, b"{}", "application/json", status=429)
        for retries in (0, 1):
            fake.seen.clear()
            done = self.sluice("copy", "--retries", str(retries), f"{fake.host}/app:1", "oci:" + self.file(f"out{retries}"), code=5)
            self.assertEqual(len(fake.seen), 1 + retries, fake.seen)
            self.assertIn("it may be tried again in", done.stderr)
            self.assertIn("wants fewer requests", done.stderr)
            self.assertEqual(done.stdout, "")

    def test_a_registry_that_comes_back_is_tried_again(self):
        self.source.stop()
        to = self.target.repository("late/node:9")
        with subprocess.Popen(
            [PROGRAM, "copy", "--retries", "20", self.node, to], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as copying:
            self.assertIn("trying again in", copying.stderr.readline())
            self.source.start()
            out, errors = copying.communicate(timeout=120)
            self.assertEqual(copying.returncode, 0, errors)
        self.assertEqual(out, f"{to}@{self.both.digest}\n")
        self.source.stop()
        self.assertIn("refused", self.sluice("copy", "--retries", "0", self.node, to, code=3).stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
