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
        for page in ("docs/configuration.md", "README.md"):
            for number, block in enumerate(yaml_blocks(page), 1):
                with self.subTest(page=page, block=number):
                    done = self.check(block)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr + block)

    def test_the_pages_do_have_examples(self):
        self.assertGreater(len(yaml_blocks("docs/configuration.md")), 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
