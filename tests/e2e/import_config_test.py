"""`sluice import-config`: what other tools were told becomes a file that `check-config` accepts, without their secrets."""

import json
import os
import subprocess
import tempfile
import unittest

from daemon import PROGRAM

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "import")
TOOLS = {
    "diun": ["diun.yml", "diun-images.yml"],
    "dregsy": ["dregsy.yaml"],
    "keel": ["keel.yaml", "keel-values.yaml"],
    "regsync": ["regsync.yml"],
    "renovate": ["renovate.json5", "Dockerfile"],
}
SECRETS = ("plain-text-password", "TokenOfGotify", "not-in-the-output", "secret-of-harbor", "other-secret", "a-password-of-the-mirror", "eyJ1c2VybmFtZSI6")


class ImportConfig(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-import-")
        self.addCleanup(self.folder.cleanup)

    def file(self, name):
        return os.path.join(self.folder.name, name)

    def run_program(self, *arguments, code=0, **more):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60, cwd=DATA, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def check(self, text):
        with open(self.file("checked.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        return self.run_program("check-config", self.file("checked.yaml")).stdout

    def test_what_comes_out_is_accepted_and_holds_no_secret(self):
        for tool, files in TOOLS.items():
            with self.subTest(tool=tool):
                done = self.run_program("import-config", "--from", tool, *files)
                self.assertRegex(self.check(done.stdout), "^ok: [1-9]")
                self.assertRegex(done.stderr, r"(?m)^[^:]+:[0-9]+:[0-9]+: left out: ")
                for secret in SECRETS:
                    self.assertNotIn(secret, done.stdout + done.stderr)

    def test_logins_are_accepted_when_the_password_is_where_the_comment_says(self):
        text = self.run_program("import-config", "--from", "regsync", "regsync.yml").stdout
        for number, place in enumerate(("/var/run/secrets/hub_token", "/etc/sluice/secrets/registry.example.com")):
            with open(self.file(f"secret{number}"), "w", encoding="ascii") as file:
                file.write("a password\n")
            self.assertIn(place, text)
            text = text.replace(place, self.file(f"secret{number}"))
        self.check(text.replace("    # auth:", "    auth:"))

    def test_json_has_the_file_and_every_remark(self):
        value = json.loads(self.run_program("import-config", "--json", "--from", "dregsy", "dregsy.yaml").stdout)
        self.assertEqual((value["from"], value["pipelines"], value["out"]), ("dregsy", 6, None))
        self.check(value["config"])
        self.assertTrue(all(remark["kind"] in ("left out", "changed", "to do") and remark["why"] for remark in value["remarks"]))

    def test_a_file_is_written_once_and_never_over_another(self):
        out = self.file("sluice.yaml")
        self.run_program("import-config", "--from", "diun", *TOOLS["diun"], "--out", out)
        self.run_program("check-config", out)
        with open(out, encoding="utf-8") as file:
            before = file.read()
        done = self.run_program("import-config", "--from", "dregsy", "dregsy.yaml", "--out", out, code=2)
        self.assertIn("is there already", done.stderr)
        with open(out, encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        self.assertEqual(os.listdir(self.folder.name), ["sluice.yaml"])

    def test_standard_input_is_read_and_what_cannot_be_is_told(self):
        image = "- name: node:20\n"
        done = self.run_program("import-config", "--from", "diun", "-", "--to", "r.io/base", "--staging", "r.io/in", input=image)
        self.assertIn("staging: r.io/in/node", done.stdout)
        self.assertIn("1 pipeline, 0 remarks", done.stderr)
        self.assertIn("standard input:1:", self.run_program("import-config", "--from", "diun", "-", code=2, input="a: [").stderr)
        self.assertIn("no such file", self.run_program("import-config", "--from", "diun", "none.yml", code=2).stderr)
        self.assertIn("must be REGISTRY/PATH", self.run_program("import-config", "--from", "diun", "-", "--to", "x", code=2, input=image).stderr)
        self.run_program("import-config", "--from", "watchtower", "-", code=2, input=image)
        nothing = {"code": 1, "input": "db: {path: diun.db}\n"}
        done = self.run_program("import-config", "--from", "diun", "-", "--out", self.file("none.yaml"), "--json", **nothing)
        self.assertIsNone(json.loads(done.stdout)["out"])
        self.assertEqual(os.listdir(self.folder.name), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
