"""Pushes to git: what a git server tells has the dependents that are built from there built again, by the real buildah."""

import http.client
import json
import os
import subprocess
import unittest

import images
from daemon import SOURCE, reserved_port, wait_until
from harness import Scene

SECRET = "fixture-secret"  # with which the payloads are signed
PAYLOADS = os.path.join(SOURCE, "tests/data/webhooks")


def payload(name):
    """Headers and body of a delivery, as its sender made them."""
    with open(os.path.join(PAYLOADS, name + ".headers"), encoding="utf-8") as file:
        headers = dict(line.rstrip("\n").split(": ", 1) for line in file)
    with open(os.path.join(PAYLOADS, name + ".json"), "rb") as file:
        return {key: value for key, value in headers.items() if key != "Content-Length"}, file.read()


class GitPush(Scene):
    def setUp(self):
        super().setUp()
        self.reservation = reserved_port()
        self.addCleanup(self.reservation.close)
        os.environ["HOOK_SECRET"] = SECRET
        self.addCleanup(os.environ.pop, "HOOK_SECRET")
        self.repository = self.file("repository")
        self.git("init", "--quiet", "--initial-branch=main", self.repository, where=self.folder)

    def git(self, *arguments, where=None):
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=where or self.repository, check=True, capture_output=True)

    def commit(self, said, folder):
        """What the image says is in the Containerfile of this folder."""
        os.makedirs(os.path.join(self.repository, folder), exist_ok=True)
        with open(os.path.join(self.repository, folder, "Containerfile"), "w", encoding="utf-8") as file:
            file.write(f"FROM {self.central.repository('base/node')}:9-alpine\nLABEL said={said}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", said)

    def builder(self, url):
        """buildah with a storage of its own; git finds the repository here instead of at its address."""
        storage = self.file("storage.conf")
        with open(storage, "w", encoding="utf-8") as file:
            file.write(f'[storage]\ndriver = "vfs"\ngraphroot = "{self.file("storage")}"\nrunroot = "{self.file("running")}"\n')
        environment = {"CONTAINERS_STORAGE_CONF": storage, "BUILDAH_ISOLATION": "chroot"}
        rewrite = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{self.repository}.insteadOf", "GIT_CONFIG_VALUE_0": url}
        return {"environment": {**environment, **rewrite}}

    def git_config(self, sender, context):
        image = self.dev.repository("team/hello:latest")
        base = self.central.repository("base/node:9-alpine")
        config = self.config(
            [self.pipeline(poll={"every": "1h"})],
            [{"image": image, "from": [base], "rebuild": {"buildah": {"context": context}}}],
            webhooks={"git": {"sender": sender, "secret": {"env": "HOOK_SECRET"}}},
            tools={"builder": self.builder(context.split("#")[0])},
        )
        config["store"] = {"path": self.file("sluice.db")}
        config["server"] = {
            "api": {"listen": "none", "socket": self.file("sock")},
            "webhooks": {"listen": f"127.0.0.1:{self.reservation.getsockname()[1]}"},
        }
        return config

    def send(self, name, **changed):
        headers, body = payload(name)
        connection = http.client.HTTPConnection("127.0.0.1", self.reservation.getsockname()[1], timeout=30)
        try:
            connection.request("POST", "/hooks/git", body, {**headers, **changed})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def said(self):
        config = json.loads(images.skopeo("inspect", "--tls-verify=false", "--config", f"docker://{self.dev.repository('team/hello:latest')}"))
        return config["config"]["Labels"]["said"]

    def push_is_built(self, name, context, forged):
        sender = name.split("-", maxsplit=1)[0]
        folder = context.partition("#")[2].partition(":")[2]
        self.commit("first", folder)
        base = self.push()
        self.start(self.git_config(sender, context))
        promotion = self.wait_run(base.digest, "Succeeded")
        self.assertEqual(self.said(), "first")
        self.commit("second", folder)
        files = [os.path.join(PAYLOADS, name + ending) for ending in (".json", ".headers")]
        tried = self.daemon.cli(*["webhooks", "test", "git", "--config", self.daemon.config_file], "--payload", files[0], "--headers", files[1])
        self.assertRegex(tried, "proof: +good\nrebuilt: +hello\n")
        self.assertEqual(self.send(name, **forged)[0], 404)
        self.assertEqual(self.send(name), (200, {"result": "accepted", "pipelines": 0, "dependents": 1}))
        run = wait_until("the commit is built", lambda: next(iter(self.runs(trigger="Commit", status="Succeeded")), None))
        self.assertEqual((run["kind"], run["task"], run["parent"]), ("rebuild", "hello", promotion["id"]))
        self.assertEqual(self.said(), "second")
        self.assertEqual(self.send(name)[1]["result"], "duplicate")
        self.assertEqual(len(self.runs(trigger="Commit")), 1)

    def test_a_push_to_github_is_built(self):
        self.push_is_built("github-push", "https://github.com/octo-org/hello.git", {"X-Hub-Signature-256": "sha256=" + "0" * 64})

    def test_a_push_to_gitlab_is_built(self):
        self.push_is_built("gitlab-push", "git@gitlab.example.com:group/hello.git#main", {"X-Gitlab-Token": "another-secret"})

    def test_a_push_to_gitea_is_built(self):
        self.push_is_built("gitea-push", "https://git.example.com/team/hello#main:images/app", {"X-Gitea-Signature": "0" * 64})


if __name__ == "__main__":
    unittest.main(verbosity=2)
