"""Webhooks: a push is known at once, and nothing that a webhook says is believed.

The pipelines here poll once an hour, so whatever starts a run is the webhook.
"""

import hashlib
import hmac
import http.client
import json
import os
import socket
import unittest

import images
from daemon import Daemon, reserved_port, wait_until
from harness import Scene

SECRET = "a-secret-of-the-registry"
NOTIFICATIONS = """\
notifications:
  endpoints:
    - name: sluice
      url: http://127.0.0.1:{port}/hooks/upstream
      headers: {{Authorization: [Bearer {secret}]}}
      timeout: 5s
      threshold: 3
      backoff: 100ms
"""


class Webhooks(Scene):
    def setUp(self):
        super().setUp()
        self.reservation = reserved_port()
        self.addCleanup(self.reservation.close)
        self.port = self.reservation.getsockname()[1]
        os.environ["HOOK_SECRET"] = SECRET
        self.addCleanup(os.environ.pop, "HOOK_SECRET")

    def hook_config(self, webhooks, **more):
        config = self.config([self.pipeline(poll={"every": "1h"})], webhooks=webhooks, **more)
        config["store"] = {"path": os.path.join(self.folder, "sluice.db")}
        config["server"] = {
            "api": {"listen": "none", "socket": os.path.join(self.folder, "sock")},
            "webhooks": {"listen": f"127.0.0.1:{self.port}"},
        }
        return config

    def start_watching(self, **webhook):
        """The daemon, with a first image promoted; further ones can only be known by webhooks."""
        entry = webhook or {"sender": "distribution", "bearer": {"env": "HOOK_SECRET"}}
        first = self.push()
        self.start(self.hook_config({"upstream": entry}))
        self.wait_promoted(first)
        return first

    def notify(self):
        """Has the upstream registry tell us of each push."""
        self.upstream.stop()
        with open(os.path.join(self.upstream.folder, "config.yml"), "a", encoding="utf-8") as file:
            file.write(NOTIFICATIONS.format(port=self.port, secret=SECRET))
        self.upstream.start()

    def send(self, body, path="/hooks/upstream", method="POST", **headers):
        """(status, parsed answer, headers)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            data = body if isinstance(body, (bytes, str)) else json.dumps(body)
            names = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
            connection.request(method, path, data, names)
            answer = connection.getresponse()
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None, dict(answer.getheaders())
        finally:
            connection.close()

    def push_event(self, tag="9-alpine", number=1, name="library/node", digest="sha256:" + "0" * 64):
        target = {"repository": name, "tag": tag, "digest": digest, "mediaType": images.MANIFEST}
        event = {"id": f"event-{number}", "action": "push", "target": target, "request": {"host": self.upstream.host}}
        return {"events": [event]}

    def authorized(self, body, **more):
        return self.send(body, Authorization=f"Bearer {SECRET}", **more)

    def looks(self):
        return self.daemon.query("SELECT count(*) FROM observations WHERE learned_by = 'webhook'")[0][0]

    def hook_status(self):
        return self.daemon.json("status")["webhooks"][0]

    def test_a_real_registry_makes_a_run_start_at_once(self):
        self.start_watching()
        self.notify()
        second = self.push()
        run = self.wait_promoted(second)
        self.assertEqual(run["trigger"], "Webhook")
        learned = self.daemon.query("SELECT learned_by FROM observations ORDER BY id DESC LIMIT 1")
        self.assertEqual(learned, [("webhook",)])
        self.assertGreaterEqual(self.hook_status()["accepted"], 1)

    def upstream_state(self):
        (entry,) = [each for each in self.daemon.json("status")["registries"] if each["name"] == self.upstream.host]
        return entry

    def test_c1_a_push_to_a_registry_that_has_come_back_is_known_at_once(self):
        self.start_watching()
        self.notify()
        self.upstream.stop()
        # Polls go once an hour: what fails are looks that webhooks promised.
        number = 0
        while self.upstream_state()["state"] == "closed":
            number += 1
            failures = self.upstream_state()["failures"]
            self.assertEqual(self.authorized(self.push_event(number=number))[0], 200)
            wait_until("a look fails", lambda: self.upstream_state()["failures"] > failures)

        def shown():
            entry = self.upstream_state()
            return entry["state"] == "open" and (entry["failures"], entry["asked_again"])

        # What is shown is one instant that comes: it stays until there was a probe.
        first = wait_until("it is asked again later", shown)
        second = wait_until("it was asked again", lambda: shown() != first and shown())
        self.assertGreater(second[0], first[0])
        self.assertGreater(second[1], first[1])
        self.upstream.start()
        run = self.wait_promoted(self.push())
        self.assertEqual(run["trigger"], "Webhook")
        self.assertEqual(self.upstream_state()["state"], "closed")
        self.assertIsNone(self.upstream_state()["asked_again"])
        wait_until("no look is owed", lambda: not self.daemon.query("SELECT * FROM owed_looks"))
        # The registry's ETag is its digest: looks at what is known are conditional.
        self.assertEqual(self.authorized(self.push_event(number=number + 1))[0], 200)
        wait_until("it is unchanged", lambda: self.upstream.requests("HEAD /v2/library/node/manifests/9-alpine", '" 304 '))

    def test_changes_are_measured_from_their_webhooks_and_two_of_them_make_polls_a_safety_net(self):
        first = self.push()
        config = self.hook_config({"upstream": {"sender": "distribution", "bearer": {"env": "HOOK_SECRET"}}})
        config["pipelines"][0]["poll"] = {"every": "1h", "slowest": "1d"}
        self.start(config)
        self.wait_promoted(first)
        self.notify()
        for told in (1, 2):
            self.wait_promoted(self.push())
            freshness = self.daemon.json("status")["pipelines"][0]["freshness"]
            self.assertEqual(freshness["last_change"]["known_by"], "webhook")
            self.assertLessEqual(freshness["last_change"]["delay_ms"], freshness["last_change"]["at_most_ms"])
            self.assertEqual((freshness["webhooks"]["told"], freshness["webhooks"]["missed"]), (told, 0))
        self.assertTrue(freshness["webhooks"]["live"])
        self.assertEqual(freshness["look_every_ms"], 24 * 3600 * 1000)
        self.assertIn("live, 2 told", self.daemon.cli("status"))

    def test_d7_a_forged_digest_is_never_recorded(self):
        first = self.start_watching()
        false = "sha256:" + "f" * 64
        status, answer, _ = self.authorized(self.push_event(digest=false))
        self.assertEqual((status, answer["result"]), (200, "accepted"))
        wait_until("the promised look was made", lambda: not self.daemon.query("SELECT * FROM owed_looks"))
        self.assertEqual([row[0] for row in self.daemon.query("SELECT digest FROM observations")], [first.digest])
        self.assertEqual(self.stable(), first.digest)

    def test_d7_unknown_name_and_wrong_secret_are_answered_alike(self):
        self.start_watching()
        body = self.push_event()
        wrong = self.send(body, Authorization="Bearer wrong-secret-wrong")
        nothing = self.send(body)
        unknown = self.send(body, path="/hooks/nobody", Authorization=f"Bearer {SECRET}")
        for answer in (wrong, nothing, unknown):
            answer[2].pop("Date")
        self.assertEqual(wrong, nothing)
        self.assertEqual(wrong, unknown)
        self.assertEqual(wrong[0], 404)

    def test_nothing_but_hooks_is_served(self):
        self.start_watching()
        for path in ("/", "/healthz", "/api/v1/status", "/hooks", "/metrics"):
            self.assertEqual(self.send("{}", path=path)[0], 404, path)
        self.assertEqual(self.send(None or "", path="/hooks/upstream", method="GET")[0], 405)

    def test_d7_a_repeated_delivery_is_known(self):
        self.start_watching()
        body = self.push_event(number=7)
        self.assertEqual(self.authorized(body)[1]["result"], "accepted")
        self.assertEqual(self.authorized(body)[1]["result"], "duplicate")

    def test_unknown_repositories_leave_no_row(self):
        self.start_watching()
        for number in range(50):
            status, answer, _ = self.authorized(self.push_event(name=f"library/other-{number}", number=number))
            self.assertEqual((status, answer["result"]), (200, "ignored"))
        self.assertEqual(self.daemon.query("SELECT count(*) FROM webhook_receipts"), [(0,)])
        self.assertEqual(self.hook_status()["unknown_repositories"], 50)

    def test_e2_many_webhooks_for_one_tag_cause_few_looks(self):
        self.start_watching()
        before = self.upstream_looks()
        self.assertGreater(before, 0)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for number in range(500):
            connection.request(
                "POST",
                "/hooks/upstream",
                json.dumps(self.push_event(number=number)),
                {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"},
            )
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200)
        connection.close()
        wait_until("the promised looks were made", lambda: not self.daemon.query("SELECT * FROM owed_looks"))
        # One at once, then at most one in a second.
        self.assertLess(self.upstream_looks() - before, 30)

    def upstream_looks(self):
        with open(os.path.join(self.upstream.folder, "log"), encoding="utf-8", errors="replace") as log:
            return sum("HEAD /v2/library/node/manifests" in line for line in log)

    def test_a5_a_look_that_was_promised_survives_a_kill(self):
        self.start_watching()
        self.upstream.stop()
        self.assertEqual(self.authorized(self.push_event())[0], 200)
        self.daemon.kill()
        self.upstream.start()
        second = self.push()
        self.daemon.start()
        # The poll of the start finds it as well; that the look was owed shows in how it was learned.
        run = self.wait_promoted(second)
        self.assertEqual(run["trigger"], "Webhook")
        wait_until("the promise was kept", lambda: not self.daemon.query("SELECT * FROM owed_looks"))

    def test_a_secret_in_the_address_opens_and_stays_out_of_the_log(self):
        self.start_watching(sender="generic", token={"env": "HOOK_SECRET"}, fields={"image": "/image"})
        second = self.push()
        body = {"image": self.upstream.repository("library/node:9-alpine")}
        self.assertEqual(self.send(body, path="/hooks/upstream/wrong-token-here")[0], 404)
        self.assertEqual(self.send(body, path=f"/hooks/upstream/{SECRET}")[0], 200)
        self.assertEqual(self.send(body, path=f"/hooks/upstream?token={SECRET}")[0], 200)
        self.assertEqual(self.wait_promoted(second)["trigger"], "Webhook")
        self.assertNotIn(SECRET, self.daemon.log())

    def test_a_signature_opens_and_a_changed_body_does_not(self):
        self.start_watching(sender="github", secret={"env": "HOOK_SECRET"})
        body = json.dumps({"zen": "Keep it logically awesome."})
        signature = "sha256=" + hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
        headers = {"X_GitHub_Event": "ping", "X_Hub_Signature_256": signature}
        self.assertEqual(self.send(body, **headers)[0], 200)
        self.assertEqual(self.send(body + " ", **headers)[0], 404)

    def test_a_reload_brings_webhooks_and_takes_them_away(self):
        first = self.push()
        self.start(self.hook_config({}))
        self.wait_promoted(first)
        entry = {"sender": "distribution", "bearer": {"env": "HOOK_SECRET"}}
        self.daemon.environment["HOOK_SECRET"] = SECRET
        self.daemon.write_config(self.hook_config({"upstream": entry}))
        self.daemon.signal(1)
        wait_until("the webhook is received", self.is_listening)
        self.assertEqual(self.authorized(self.push_event())[0], 200)
        self.daemon.write_config(self.hook_config({}))
        self.daemon.signal(1)
        wait_until("the webhook is gone", lambda: self.authorized(self.push_event())[0] == 404)

    def is_listening(self):
        try:
            return self.authorized(self.push_event(name="library/other"))[0] == 200
        except OSError:
            return False

    def test_d6_bad_requests_are_refused_and_honest_senders_still_get_in(self):
        self.start_watching()
        idle = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(300)]
        for one in idle:
            one.sendall(b"POST /hooks/upstream HTTP/1.1\r\nHost: x\r\n")
        for raw in (
            b"POST /hooks/upstream HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"POST /hooks/upstream HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
            b"POST /hooks/upstream HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        ):
            with socket.create_connection(("127.0.0.1", self.port)) as one:
                one.sendall(raw)
                self.assertIn(one.recv(100).split(b" ")[1], (b"400", b"413"))
        self.assertEqual(self.authorized(self.push_event())[0], 200)
        for body, wanted in ((b"{", 400), (b"[" * 100_000, 400), (b'{"events": {}}', 400), (b'{"a":1,"a":2}', 400), (b"\xff\xfe", 400)):
            self.assertEqual(self.authorized(body)[0], wanted, body[:20])
        for one in idle:
            one.close()

    def test_what_a_payload_would_do_is_shown_without_a_daemon(self):
        entry = {"sender": "distribution", "bearer": {"env": "HOOK_SECRET"}}
        self.daemon = Daemon(self.folder, self.hook_config({"upstream": entry}))
        with open(self.file("payload"), "w", encoding="utf-8") as file:
            json.dump(self.push_event(), file)
        ask = ["webhooks", "test", "upstream", "--config", self.daemon.config_file, "--payload", self.file("payload")]
        shown = self.daemon.cli(*ask)
        self.assertIn(self.upstream.repository("library/node"), shown)
        self.assertRegex(shown, "looked at: +node")
        for secret, proof, code in ((SECRET, "good", 0), ("wrong-secret", "wrong secret", 5)):
            with open(self.file("headers"), "w", encoding="utf-8") as file:
                file.write(f"Authorization: Bearer {secret}\n")
            done = self.daemon.run_cli(*ask, "--headers", self.file("headers"), "--json")
            self.assertEqual(done.returncode, code, done.stderr)
            result = json.loads(done.stdout)
            self.assertEqual((result["proof"], result["pipelines"]), (proof, ["node"]))
        for more in (["--payload", self.folder], ["--headers", self.folder], ["--payload", "-", "--headers", "-"]):
            mistaken = self.daemon.run_cli(*(ask[:-2] if "--payload" in more else ask), *more)
            self.assertEqual(mistaken.returncode, 2, mistaken.stdout + mistaken.stderr)
        with open(self.file("payload"), "w", encoding="utf-8") as file:
            file.write("{")
        refused = self.daemon.run_cli(*ask)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not JSON", refused.stderr)
        self.assertEqual(self.daemon.run_cli(*ask[:2], "upstraem", *ask[3:]).returncode, 4)

    def test_the_address_of_a_webhook_is_printed_and_its_secret_only_when_asked(self):
        entry = {"sender": "dockerhub", "token": {"env": "HOOK_SECRET"}}
        self.daemon = Daemon(self.folder, self.hook_config({"hub": entry}))
        ask = ["webhooks", "url", "hub", "--config", self.daemon.config_file]
        shown = self.daemon.cli(*ask)
        self.assertIn(f"http://127.0.0.1:{self.port}/hooks/hub/SECRET", shown)
        self.assertIn("the variable HOOK_SECRET", shown)
        self.assertNotIn(SECRET, shown)
        self.assertIn(f"/hooks/hub/{SECRET}", self.daemon.cli(*ask, "--reveal"))

    def test_where_there_is_no_secret_it_is_said_what_proves_the_sender(self):
        topic = "arn:aws:sns:us-west-2:123456789012:ecr-push"
        oidc = {"audience": "our-audience", "email": "push@project.iam.gserviceaccount.com", "keys_url": "https://keys.example.com/"}
        entries = {
            "sns": ({"sender": "ecr", "sns": {"topics": [topic]}}, "Amazon SNS signs each message", topic),
            "gar": ({"sender": "gar", "oidc": oidc}, "a token that https://accounts.google.com has signed", "our-audience"),
            "near": ({"sender": "gar", "allow_from": ["192.0.2.0/24"]}, "known by its address", "--push-endpoint"),
        }
        self.daemon = Daemon(self.folder, self.hook_config({name: entry for name, (entry, _, _) in entries.items()}))
        for name, (_, proof, step) in entries.items():
            shown = self.daemon.cli("webhooks", "url", name, "--config", self.daemon.config_file)
            self.assertRegex(shown, f"Secret: none: .*{proof}")
            self.assertIn(step, shown)
            self.assertNotIn("SECRET", shown)
            self.assertNotIn("PROJECT", shown)
        self.assertNotIn("push-auth", shown)

    def test_status_tells_what_each_sender_did(self):
        self.start_watching()
        self.authorized(self.push_event())
        self.authorized(b"{")
        self.send(self.push_event(), Authorization="Bearer wrong-secret-wrong")
        status = self.hook_status()
        self.assertEqual(status["name"], "upstream")
        self.assertEqual(status["sender"], "distribution")
        self.assertEqual(status["accepted"], 1)
        self.assertEqual(status["refused"], {"not proven": 1, "not understood": 1})
        self.assertIn("upstream", self.daemon.cli("status"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
