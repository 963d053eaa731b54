"""TLS on the listener of webhooks: senders that check certificates are served, and renewals need no restart."""

import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import unittest

import images
from daemon import Daemon, reserved_port, wait_until
from harness import Scene
from webhooks_test import SECRET

NAME = "subjectAltName=DNS:localhost,IP:127.0.0.1"


class WebhookTls(Scene):
    registries = ("upstream", "central")

    def setUp(self):
        super().setUp()
        reservation = reserved_port()
        self.addCleanup(reservation.close)
        self.port = reservation.getsockname()[1]
        os.environ["HOOK_SECRET"] = SECRET
        self.addCleanup(os.environ.pop, "HOOK_SECRET")
        self.make_pair("first")
        self.install("first", "certificate", "key")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)

    def make_pair(self, name):
        """A certificate that is its own authority, and its key: name.certificate, name.key."""
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        files = ("-keyout", self.file(name + ".key"), "-out", self.file(name + ".certificate"))
        self.openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=" + name, "-addext", NAME, *files)

    def install(self, name, *parts):
        for part in parts:
            shutil.copy(self.file(f"{name}.{part}"), self.file(part + ".new"))
            os.replace(self.file(part + ".new"), self.file(part))

    def hook_config(self, **more):
        listener = {"listen": f"127.0.0.1:{self.port}", "certificate": self.file("certificate"), "key": self.file("key"), **more}
        return self.config(
            [self.pipeline(poll={"every": "1h"})],
            webhooks={"upstream": {"sender": "distribution", "bearer": {"env": "HOOK_SECRET"}}},
            store={"path": self.file("sluice.db")},
            server={"api": {"listen": "none", "socket": self.file("sock")}, "webhooks": listener},
        )

    def connect(self, trusted):
        """A connection of a client that trusts nothing but this certificate."""
        context = ssl.create_default_context(cafile=self.file(trusted + ".certificate"))
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=context)
        connection.connect()
        return connection

    def shows(self, name):
        """Whether a new connection gets this certificate."""
        try:
            self.connect(name).close()
            return True
        except ssl.SSLCertVerificationError:
            return False

    def deliver(self, connection, one):
        event = {"events": [{"id": os.urandom(8).hex(), "action": "push", "target": {"repository": "library/node", "tag": "9-alpine", "digest": one.digest,
                 "mediaType": "application/vnd.oci.image.manifest.v1+json"}, "request": {"host": self.upstream.repository("x").split("/")[0]}}]}
        headers = {"Content-Type": "application/json", "Authorization": "Bearer " + SECRET}
        connection.request("POST", "/hooks/upstream", json.dumps(event), headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        self.assertEqual(answer.status, 200, body)

    def reload(self, config):
        before = len(self.daemon.log())
        self.daemon.write_config(config)
        self.daemon.signal(signal.SIGHUP)
        wait_until("the reload is in the log", lambda: "reload" in self.daemon.log()[before:])
        return lambda: self.daemon.log()[before:]

    def test_a_sender_that_checks_certificates_is_served(self):
        first = self.push()
        self.start(self.hook_config())
        self.wait_promoted(first)
        self.assertIn(f"webhooks on https://127.0.0.1:{self.port}/hooks/", self.daemon.log())
        self.assertIn(f"https://127.0.0.1:{self.port}/hooks/upstream", self.daemon.cli("webhooks", "url", "upstream", "--config", self.daemon.config_file))
        second = self.push()
        connection = self.connect("first")
        self.deliver(connection, second)
        self.assertEqual(self.wait_promoted(second)["trigger"], "Webhook")
        connection.close()

    def test_sighup_takes_up_a_renewed_pair_and_connections_go_on(self):
        self.start(self.hook_config())
        old = self.connect("first")
        self.make_pair("second")
        self.install("second", "certificate", "key")
        self.reload(self.hook_config())
        wait_until("the second certificate is shown", lambda: self.shows("second"))
        self.deliver(old, images.random_image())
        old.close()

    def test_a_bad_pair_on_reload_changes_nothing_and_says_so(self):
        self.start(self.hook_config())
        self.make_pair("second")
        self.install("second", "certificate")
        log = self.reload(self.hook_config())
        wait_until("the mistake is named", lambda: "this is not the key of the certificate" in log() and "reload refused" in log())
        self.assertTrue(self.shows("first"))
        self.assertNotIn("PRIVATE KEY", self.daemon.log())
        done = self.daemon.run_cli("check-config", self.daemon.config_file)
        self.assertEqual(done.returncode, 2)
        self.assertIn("was only one of the two files renewed?", done.stderr)

    def test_files_that_are_renewed_are_taken_up_without_a_word(self):
        self.start(self.hook_config())
        self.make_pair("second")
        self.install("second", "certificate")
        wait_until("half a renewal is told", lambda: "this is not the key of the certificate" in self.daemon.log())
        self.assertTrue(self.shows("first"))
        self.install("second", "key")
        wait_until("the second certificate is shown", lambda: self.shows("second"))
        self.assertIn("the certificate was renewed; it is valid until", self.daemon.log())
        self.assertIn("is valid only until", self.daemon.log())

    def test_a_start_with_a_bad_pair_is_refused(self):
        self.make_pair("second")
        self.install("second", "certificate")
        self.daemon = Daemon(self.folder, self.hook_config())
        self.addCleanup(self.end)
        self.assertEqual(self.daemon.spawn().wait(), 2)
        self.assertIn("this is not the key of the certificate", self.daemon.log())
        os.remove(self.file("key"))
        self.assertEqual(self.daemon.spawn().wait(), 1)
        self.assertIn("cannot be read now", self.daemon.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
