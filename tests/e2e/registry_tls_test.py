"""Registries on loopback that speak TLS and want client certificates, and where sluice finds what it needs for them."""

import json
import os
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

import images
from daemon import PROGRAM
from registry import Registry

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


class TlsRegistry(Registry):
    """Lets in whoever shows the certificate `client` of its own folder; `server` is its own."""

    def __init__(self, folder, name):
        super().__init__(folder, name)
        for pair in ("server", "client"):
            self._make(pair)
        with open(self.file("config.yml"), "a", encoding="utf-8") as file:
            file.write(f"  tls: {{certificate: {self.file('server.crt')}, key: {self.file('server.key')}, clientcas: [{self.file('client.crt')}]}}\n")

    def file(self, name):
        return os.path.join(self.folder, name)

    def _make(self, name):
        """A certificate that is its own authority, and its key."""
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        files = ("-keyout", self.file(name + ".key"), "-out", self.file(name + ".crt"))
        command = ["openssl", "req", "-x509", *curve, "-days", "2", "-subj", "/CN=" + name, "-addext", NAMES, *files]
        subprocess.run(command, check=True, capture_output=True, timeout=60)

    def _answers(self):
        context = ssl.create_default_context(cafile=self.file("server.crt"))
        context.load_cert_chain(self.file("client.crt"), self.file("client.key"))
        try:
            with urllib.request.urlopen(f"https://{self.host}/v2/", timeout=5, context=context):
                return True
        except OSError:
            return False


class TlsOnLoopback(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="sluice-tls-"))
        self.registry = TlsRegistry(self.folder, "registry").start()
        self.addCleanup(self.registry.close)
        self.image = images.random_image()
        images.write_layout(self.file("layout"), self.image)
        self.name = self.registry.repository("app:1")
        self.environment = {"PATH": os.environ["PATH"], "HOME": self.file("home"), "REGISTRY_AUTH_FILE": self.file("auth.json")}

    def file(self, name):
        return os.path.join(self.folder, name)

    def sluice(self, *arguments, code=0, text=""):
        done = subprocess.run([PROGRAM, *arguments], input=text, capture_output=True, text=True, timeout=60, env=self.environment, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def config(self, **settings):
        path = self.file("sluice.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"registries": {self.registry.host: settings}}, file)
        return path

    def whole_config(self):
        return self.config(ca=self.registry.file("server.crt"), certificate=self.registry.file("client.crt"), key=self.registry.file("client.key"))

    def install_for_other_tools(self):
        folder = self.file(f"home/.config/containers/certs.d/{self.registry.host}")
        os.makedirs(folder)
        for source, name in (("server.crt", "ca.crt"), ("client.crt", "client.cert"), ("client.key", "client.key")):
            os.symlink(self.registry.file(source), os.path.join(folder, name))

    def test_plain_http_to_a_port_that_wants_tls_is_told_with_advice(self):
        self.assertIn("`http: false`", self.sluice("digest", self.name, code=2))

    def test_http_false_speaks_tls_on_loopback(self):
        said = self.sluice("digest", "--config", self.config(http=False), self.name, code=3)
        self.assertIn("the certificate of the server is refused", said)

    def test_certificates_that_skopeo_finds_are_found(self):
        self.install_for_other_tools()
        self.sluice("copy", "oci:" + self.file("layout"), self.name)
        self.assertEqual(self.sluice("digest", self.name), self.image.digest + "\n")
        seen = subprocess.run(["skopeo", "inspect", "--raw", "docker://" + self.name], capture_output=True, env=self.environment, timeout=60, check=True)
        self.assertEqual(seen.stdout, self.image.manifest)

    def test_what_is_configured_comes_before_certificates_of_other_tools(self):
        self.install_for_other_tools()
        other = self.config(ca=self.registry.file("client.crt"))
        self.assertIn("is refused", self.sluice("digest", "--config", other, self.name, code=3))
        self.sluice("copy", "--config", self.whole_config(), "oci:" + self.file("layout"), self.name)

    def test_login_shows_the_client_certificate_that_is_configured(self):
        login = ("login", self.registry.host, "--username", "bot", "--password-stdin", "--authfile", self.file("auth.json"))
        bare = subprocess.run(
            [PROGRAM, *login, "--ca", self.registry.file("server.crt")], input="x\n", capture_output=True, text=True, timeout=60, env=self.environment
        )
        self.assertNotEqual(bare.returncode, 0)
        self.assertFalse(os.path.exists(self.file("auth.json")))
        self.assertIn("logged in", self.sluice(*login, "--config", self.whole_config(), text="x\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
