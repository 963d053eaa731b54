"""Every example of the documentation is tried: YAML blocks must be configurations that `sluice check-config` accepts."""

import base64
import os
import re
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
        for page in ("docs/configuration.md", "docs/registries.md", "docs/webhooks.md", "README.md"):
            for number, block in enumerate(yaml_blocks(page), 1):
                with self.subTest(page=page, block=number):
                    done = self.check(block)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr + block)

    def test_the_pages_do_have_examples(self):
        self.assertGreater(len(yaml_blocks("docs/configuration.md")), 5)
        self.assertGreater(len(yaml_blocks("docs/webhooks.md")), 10)
        self.assertEqual(len(yaml_blocks("docs/registries.md")), 12)

    def test_the_steps_of_each_sender_are_those_that_the_program_prints(self):
        with open(os.path.join(ROOT, "docs/webhooks.md"), encoding="utf-8") as file:
            page = file.read()
        for block in yaml_blocks("docs/webhooks.md")[1:]:
            name = re.search(r"^webhooks:\n  ([a-z-]+):", block, re.MULTILINE).group(1)
            config = "server: {webhooks: {url: https://hooks.example.com}}\n" + block
            with self.subTest(webhook=name), tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
                file.write(config)
                file.flush()
                done = subprocess.run(
                    [PROGRAM, "webhooks", "url", name, "--config", file.name],
                    **{"capture_output": True, "text": True, "timeout": 60, "env": {**os.environ, **SECRETS}},
                )
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotIn(SECRETS["HOOK_SECRET"], done.stdout)
                self.assertIn(done.stdout.split("\n\n", 1)[1].strip(), page)


if __name__ == "__main__":
    unittest.main(verbosity=2)
