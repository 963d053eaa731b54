"""Every example of the documentation is tried: YAML blocks must be configurations that `sluice check-config` accepts."""

import base64
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from daemon import PROGRAM

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECRETS = {
    "REGISTRY_PASSWORD": "a password",
    "HOOK_SECRET": "a-secret-of-a-webhook",
    "BUILDS_WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode(),
}


def yaml_blocks(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return re.findall(r"^```yaml\n(.*?)^```", file.read(), re.MULTILINE | re.DOTALL)


class Examples(unittest.TestCase):
    def check(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            return subprocess.run(
                [PROGRAM, "check-config", file.name], capture_output=True, text=True, timeout=60, env={**os.environ, **SECRETS}
            )

    def test_every_yaml_example_is_a_good_configuration(self):
        for page in ("docs/configuration.md", "docs/onboarding.md", "docs/registries.md", "docs/webhooks.md", "README.md"):
            for number, block in enumerate(yaml_blocks(page), 1):
                with self.subTest(page=page, block=number):
                    done = self.check(block)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr + block)

    def test_the_pages_do_have_examples(self):
        self.assertGreater(len(yaml_blocks("docs/configuration.md")), 5)
        self.assertGreater(len(yaml_blocks("docs/webhooks.md")), 10)
        self.assertEqual(len(yaml_blocks("docs/registries.md")), 12)

    def test_the_commands_that_write_configurations_do_what_their_page_says(self):
        with open(os.path.join(ROOT, "docs/onboarding.md"), encoding="utf-8") as file:
            page = file.read()
        commands = [line[2:] for block in re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL) for line in block.splitlines()]
        self.assertEqual(len(commands), 4)
        with tempfile.TemporaryDirectory() as folder:
            for name in ("diun.yml", "diun-images.yml"):
                shutil.copy(os.path.join(ROOT, "tests/data/import", name), folder)
            said = ""
            for command in commands:
                if "import-config" in command:
                    with open(os.path.join(folder, "sluice.yaml"), encoding="utf-8") as file:
                        watched = [line for line in file.read().splitlines() if line and not line.lstrip().startswith("#")]
                    os.remove(os.path.join(folder, "sluice.yaml"))
                done = subprocess.run([PROGRAM, *shlex.split(command)[1:]], capture_output=True, text=True, timeout=60, cwd=folder)
                self.assertEqual(done.returncode, 0, done.stderr)
                said += done.stderr
        self.assertEqual(watched, yaml_blocks("docs/onboarding.md")[0].splitlines())
        for line in re.search(r"^```text\n(.*?)^```", page, re.MULTILINE | re.DOTALL).group(1).splitlines():
            self.assertIn(line, said)

    def test_the_steps_of_each_sender_are_those_that_the_program_prints(self):
        with open(os.path.join(ROOT, "docs/webhooks.md"), encoding="utf-8") as file:
            page = file.read()
        for block in yaml_blocks("docs/webhooks.md")[1:]:
            webhooks = re.search(r"^webhooks:\n((?:  .*\n)+)", block, re.MULTILINE).group(1)
            config = "server: {webhooks: {url: https://hooks.example.com}}\n" + block
            for name in re.findall(r"^  ([a-z-]+):", webhooks, re.MULTILINE):
                with self.subTest(webhook=name), tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
                    file.write(config)
                    file.flush()
                    done = subprocess.run(
                        [PROGRAM, "webhooks", "url", name, "--config", file.name],
                        **{"capture_output": True, "text": True, "timeout": 60, "env": {**os.environ, **SECRETS}},
                    )
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotIn(SECRETS["HOOK_SECRET"], done.stdout)
                    self.assertIn("```text\n" + done.stdout.split("\n\n", 1)[1].strip() + "\n```", page)


if __name__ == "__main__":
    unittest.main(verbosity=2)
