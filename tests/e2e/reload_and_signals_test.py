"""Signals, and configurations that change under a running daemon."""

import os
import resource
import signal
import time
import unittest
import urllib.parse

import images
from daemon import reserved_port, wait_until
from fake_registry import Fake
from harness import Scene


class ReloadAndSignals(Scene):
    def reload(self, config):
        before = len(self.daemon.log())
        self.daemon.write_config(config)
        self.daemon.signal(signal.SIGHUP)
        wait_until("the reload is in the log", lambda: "reload" in self.daemon.log()[before:].lower())
        return lambda: self.daemon.log()[before:]

    def names(self):
        return [each["name"] for each in self.daemon.json("status")["pipelines"]]

    def start_with_a_waiting_run(self):
        """A daemon with one image promoted and the next one waiting behind a hold; both images."""
        first = self.push()
        self.start()
        self.wait_promoted(first)
        self.daemon.cli("hold", "node", "--reason", "so that the next run waits")
        second = self.push()
        self.wait_run(second.digest, "Waiting")
        return first, second

    def test_sighup_takes_up_a_new_pipeline(self):
        self.start()
        one = images.random_image()
        images.push(self.upstream.repository("library/python:3"), one)
        self.reload(self.config([self.pipeline(), self.pipeline("python", "3")]))
        self.wait_run(one.digest, "Succeeded")
        self.assertEqual(self.stable("python", "3"), one.digest)

    def test_f1_a_bad_file_changes_nothing_and_says_why(self):
        self.start()
        log = self.reload(self.config([self.pipeline(), self.pipeline("python", "3", upstreem="x")]))
        wait_until("the mistake is named", lambda: "upstreem" in log())
        self.assertEqual(self.names(), ["node"])
        self.wait_promoted(self.push())

    def test_f2_a_removed_pipeline_ends_its_runs_and_keeps_its_history(self):
        first, second = self.start_with_a_waiting_run()
        self.reload(self.config([self.pipeline("python", "3")]))
        self.wait_run(second.digest, "Cancelled")
        self.assertEqual(self.stable(), first.digest)
        self.assertEqual(len(self.daemon.json("history", "node")["observations"]), 2)

    def test_b1_a_reload_that_cannot_be_written_is_finished_once_it_can_be_and_others_follow(self):
        _, second = self.start_with_a_waiting_run()
        # Room for some lines of the log, but not for a transaction.
        pid, room = self.daemon.process.pid, len(self.daemon.log().encode()) + 3000
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, hard))
        log = self.reload(self.config([self.pipeline("python", "3")]))
        wait_until("it says that it tries again", lambda: "trying again in 5 s" in log())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
        self.wait_run(second.digest, "Cancelled")
        wait_until("the reload is finished", lambda: "reloaded" in log())
        self.reload(self.config([self.pipeline(), self.pipeline("python", "3")]))
        wait_until("both are watched", lambda: sorted(self.names()) == ["node", "python"])

    def test_a_listener_of_webhooks_that_a_reload_opens_is_where_that_reload_says(self):
        places = [reserved_port() for _ in range(2)]
        for place in places:
            self.addCleanup(place.close)
        addresses = [f"127.0.0.1:{place.getsockname()[1]}" for place in places]

        def config(address, **webhooks):
            server = {"api": {"listen": "none", "socket": self.file("sock")}, "webhooks": {"listen": address}}
            return self.config(server=server, webhooks=webhooks)

        hook = {"sender": "distribution", "allow_from": ["127.0.0.0/8"]}
        self.start(config(addresses[0]))
        for _ in range(2):
            log = self.reload(config(addresses[1], upstream=hook))
            wait_until("it is reloaded", lambda: "reloaded" in log())
            self.assertNotIn("needs a restart", log())
        self.assertIn(f"webhooks on http://{addresses[1]}/", self.daemon.log())
        log = self.reload(config(addresses[0], upstream=hook))
        wait_until("it is reloaded", lambda: "reloaded" in log())
        self.assertIn("server.webhooks.listen changed; that needs a restart", log())

    def test_sigterm_drains_and_exits_0(self):
        one = self.push()
        started, release = self.file("started"), self.file("release")
        script = f"touch {started}; until [ -e {release} ]; do sleep 0.02; done"
        self.start(self.config([self.pipeline(checks=[{"command": {"run": ["sh", "-c", script]}}])]))
        wait_until("the check runs", lambda: os.path.exists(started))
        self.daemon.signal(signal.SIGTERM)
        wait_until("it says that it stops", lambda: "stop" in self.daemon.log().lower())
        self.assertIsNone(self.daemon.process.poll(), "a job in hand is waited for")
        open(release, "w", encoding="ascii").close()
        self.assertEqual(self.daemon.wait(), 0)
        self.daemon.start()
        self.wait_promoted(one)

    def test_a_drain_that_takes_too_long_is_cut_off_and_the_job_is_done_after_the_next_start(self):
        one = self.push()
        started, release = self.file("started"), self.file("release")
        script = f"touch {started}; until [ -e {release} ]; do sleep 0.02; done"
        config = self.config([self.pipeline(checks=[{"command": {"run": ["sh", "-c", script]}}])])
        config["engine"]["drain"] = "200ms"
        self.start(config)
        wait_until("the check runs", lambda: os.path.exists(started))
        self.assertEqual(self.daemon.stop(), 0)
        self.assertIsNone(self.stable())
        open(release, "w", encoding="ascii").close()
        self.daemon.start()
        self.wait_promoted(one)

    def test_a7_stop_while_16_copies_run_exits_0_when_drained_and_the_next_start_goes_on_from_the_uploaded_blobs(self):
        fake = Fake()
        self.addCleanup(fake.close)
        names = [f"image{number}" for number in range(16)]
        pushed, small, held = {}, [], set()
        for name in names:
            layers = [images.layer({"data": os.urandom(size)}) for size in (200_000, 1_000)]
            one = pushed[name] = fake.put(f"library/{name}", "1", images.image(layers))
            slow = images.digest_of(layers[0].data)
            held.add(slow)
            small += [digest for digest in one.blobs if digest != slow]

        def hold_up(handler, kind):
            digest = handler.path.rsplit("/", 1)[-1]
            if kind != "blob" or digest not in held:
                return False
            handler.send_response(200)
            handler.send_header("Content-Length", str(next(len(one.blobs[digest]) for one in pushed.values() if digest in one.blobs)))
            handler.end_headers()
            handler.wfile.write(b"x" * 1000)
            fake.release.wait(300)
            handler.close_connection = True
            return True

        def times_uploaded(digest):
            return self.central.requests("PUT", "/blobs/uploads/", urllib.parse.quote(digest, safe=""))

        def asked_for(digests):
            return [path.rsplit("/", 1)[-1] for method, path in fake.seen if method == "GET" and path.rsplit("/", 1)[-1] in digests]

        fake.misbehave = hold_up
        pipelines = [self.pipeline(name, "1", upstream=f"{fake.host}/library/{name}:1") for name in names]
        everything_at_once = {host: {"transfers": 64} for host in (fake.host, self.central.host)}
        config = self.config(pipelines, registries=everything_at_once)
        config["engine"].update(jobs=16, drain="1s")
        self.start(config)
        wait_until("16 copies are held up", lambda: len(set(asked_for(held))) == 16)
        wait_until("the other blobs are there", lambda: all(times_uploaded(digest) == 1 for digest in small))
        began = time.monotonic()
        self.assertEqual(self.daemon.stop(), 0)
        took = time.monotonic() - began
        self.assertGreater(took, 0.9, "what is in hand gets its time")
        self.assertLess(took, 30)
        fake.misbehave = None
        self.daemon.start()
        for name, one in pushed.items():
            run = self.wait_run(one.digest, "Succeeded")
            self.assert_promoted(one.digest, run["id"], name, "1")
        self.assertEqual({digest: times_uploaded(digest) for digest in small}, dict.fromkeys(small, 1))
        self.assertEqual(sorted(asked_for(small)), sorted(small), "no blob that had arrived was read again")

    def test_the_socket_goes_with_the_daemon_and_a_stale_one_is_no_obstacle(self):
        self.start()
        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.daemon.stop(), 0)
        self.assertFalse(os.path.exists(self.daemon.socket))
        done = self.daemon.run_cli("status")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("sock", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
