"""Signals, and configurations that change under a running daemon."""

import os
import signal
import unittest

import images
from daemon import wait_until
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
        first = self.push()
        self.start()
        self.wait_promoted(first)
        self.daemon.cli("hold", "node", "--reason", "so that the next run waits")
        second = self.push()
        self.wait_run(second.digest, "Waiting")
        self.reload(self.config([self.pipeline("python", "3")]))
        self.wait_run(second.digest, "Cancelled")
        self.assertEqual(self.stable(), first.digest)
        self.assertEqual(len(self.daemon.json("history", "node")["observations"]), 2)

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

    def test_a7_stop_while_16_copies_run_exits_0_and_all_are_done_after_the_next_start(self):
        names = [f"image{number}" for number in range(16)]
        pushed = {name: self.push(images.random_image(3_000_000), name, "1") for name in names}
        config = self.config([self.pipeline(name, "1") for name in names])
        self.start(config)
        wait_until("runs are going", lambda: len(self.runs()) >= 16)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        for name, one in pushed.items():
            run = self.wait_run(one.digest, "Succeeded")
            self.assert_promoted(one.digest, run["id"], name, "1")

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
