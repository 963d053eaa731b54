"""The proxies of commands that talk to registries without a daemon."""

import json
import os
import socket
import subprocess
import tempfile
import threading
import unittest

from daemon import PROGRAM


class Proxy:
    """Refuses every tunnel, and keeps what was asked for."""

    def __init__(self):
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, client.makefile("rb") as lines:
                self.asked.append(lines.readline().decode().strip())
                while lines.readline().strip():
                    pass
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


class Proxies(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.folder}
        self.of_environment, self.of_file = Proxy(), Proxy()
        self.addCleanup(self.of_environment.close)
        self.addCleanup(self.of_file.close)

    def sluice(self, *arguments, text="", code):
        done = subprocess.run(
            [PROGRAM, *arguments], input=text, capture_output=True, text=True, timeout=60, env=self.environment
        )
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr

    def config(self, **settings):
        path = os.path.join(self.folder, "sluice.yaml")
        settings["pipelines"] = [
            {
                "name": "node",
                "upstream": "registry.example/node:9",
                "staging": "central.example/staging/node",
                "promote": {"to": "central.example/base/node", "tags": ["9", "9-{run}"]},
            }
        ]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(settings, file)
        return path

    def test_commands_go_through_the_environments_proxy(self):
        self.environment["HTTPS_PROXY"] = self.of_environment.url
        text = self.sluice("digest", "registry.example/node:9", code=5)
        self.assertIn(self.of_environment.url, text)
        self.sluice("login", "registry.example", "-u", "bot", "--password-stdin", text="x\n", code=5)
        self.assertEqual(set(self.of_environment.asked), {"CONNECT registry.example:443 HTTP/1.1"})
        self.assertGreaterEqual(len(self.of_environment.asked), 2)

    def test_the_files_proxies_count_instead_of_the_environments(self):
        self.environment["HTTPS_PROXY"] = self.of_environment.url
        config = self.config(proxy={"https": self.of_file.url})
        self.sluice("digest", "--config", config, "registry.example/node:9", code=5)
        config = self.config(registries={"registry.example": {"proxy": self.of_file.url}})
        self.sluice("digest", "--config", config, "registry.example/node:9", code=5)
        self.assertGreaterEqual(len(self.of_file.asked), 2)
        self.assertEqual(self.of_environment.asked, [])

    def test_a_variable_that_holds_no_proxy_is_named_without_its_password(self):
        self.environment["HTTPS_PROXY"] = "ftp://bot:canary@proxy.example"
        for arguments in (["digest", "registry.example/node:9"], ["login", "registry.example", "-u", "bot", "--password-stdin"]):
            text = self.sluice(*arguments, text="x\n", code=2)
            self.assertIn("HTTPS_PROXY", text)
            self.assertNotIn("canary", text)
        # There is nothing to reach for this one.
        self.sluice("logout", "registry.example", code=0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
