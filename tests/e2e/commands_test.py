"""The commands that ask the daemon: their exit codes, and what they do with a terminal, a full disk and strange names."""

import os
import pty
import select
import signal
import subprocess
import unittest

from daemon import PATIENCE, PROGRAM
from fake_registry import Fake, send
from harness import Scene

ENDINGS = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)
TO_SCREEN, FROM_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, environment, *command):
        self.child, self.file = pty.fork()
        if self.child == 0:
            for number in ENDINGS:  # whatever the tests themselves were told to ignore
                signal.signal(number, signal.SIG_DFL)
            os.execve(command[0], command, environment)
        self.unread = b""

    def read(self):
        """What is shown next; nothing at the end."""
        if not select.select([self.file], [], [], PATIENCE)[0]:
            raise AssertionError(f"nothing comes after {self.unread!r}")
        try:
            return os.read(self.file, 65536)
        except OSError:  # Linux says EIO when the other end is closed
            return b""

    def read_until(self, text):
        """What is shown up to a text, and that."""
        while text not in self.unread:
            piece = self.read()
            if not piece:
                raise AssertionError(f"ended before {text!r}, with {self.unread!r}")
            self.unread += piece
        end = self.unread.index(text) + len(text)
        shown, self.unread = self.unread[:end], self.unread[end:]
        return shown

    def type(self, keys):
        os.write(self.file, keys)

    def end(self):
        """Waits until the program has ended; its exit code."""
        while piece := self.read():
            self.unread += piece
        _, status = os.waitpid(self.child, 0)
        os.close(self.file)
        return os.waitstatus_to_exitcode(status)


class Commands(Scene):
    registries = ()

    def setUp(self):
        super().setUp()
        self.fake = Fake()
        self.addCleanup(self.fake.close)
        self.answer_with(403)
        self.start({"pipelines": [self.pipeline_of("node", self.fake.host), self.pipeline_of("gone", "127.0.0.1:1")]})

    def pipeline_of(self, name, registry):
        return {
            "name": name,
            "upstream": f"{registry}/library/{name}:1",
            "staging": f"127.0.0.1:1/staging/{name}",
            "promote": {"to": f"127.0.0.1:1/base/{name}", "tags": ["1", "1-{run}"]},
            "poll": {"every": "1h"},
        }

    def answer_with(self, status):
        self.fake.misbehave = lambda handler, _: send(handler, b"{}", "application/json", status=status)

    def environment(self, **more):
        return {**self.daemon.environment, "SLUICE_SOCKET": self.daemon.socket, "TERM": "xterm", **more}

    def run_to(self, stdout, *arguments):
        return subprocess.run(
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            env=self.environment(),
            cwd=self.folder,
        )

    def live_list(self, **more):
        return Terminal(self.environment(**more), PROGRAM, "runs", "--watch")

    def test_what_a_registry_does_to_a_run_by_hand_has_the_exit_code_of_commands_that_ask_it_themselves(self):
        self.assertEqual(self.daemon.run_cli("run", "gone").returncode, 3)
        self.assertEqual(self.daemon.run_cli("run", "node").returncode, 5)
        self.answer_with(429)
        done = self.daemon.run_cli("run", "node")
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertEqual(self.daemon.run_cli("run", "nothing").returncode, 4)

    def test_a_disk_that_is_full_behind_standard_output_is_told_and_ends_what_would_go_on(self):
        with open("/dev/full", "wb") as full:
            for command in (["runs", "--watch"], ["status"], ["--version"]):
                with self.subTest(command=command):
                    done = self.run_to(full, *command)
                    self.assertEqual(done.returncode, 1)
                    self.assertEqual(done.stderr, b"sluice: cannot write to standard output\n")

    def test_a_backup_goes_where_it_is_said_to_or_nowhere(self):
        self.assertIn(self.file("copy.db"), self.daemon.cli("backup", "copy.db"))
        before = sorted(os.listdir(self.folder))
        for name, reason in ((b"", b"name of a file"), (b"\xff.db", b"UTF-8")):
            with self.subTest(name=name):
                done = self.run_to(subprocess.DEVNULL, "backup", name)
                self.assertEqual(done.returncode, 2)
                self.assertIn(reason, done.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_a_live_list_gives_the_screen_back_however_it_is_ended(self):
        for number in ENDINGS:
            with self.subTest(signal=number):
                terminal = self.live_list()
                terminal.read_until(TO_SCREEN)
                os.kill(terminal.child, number)
                terminal.read_until(FROM_SCREEN)
                self.assertEqual(terminal.end(), 0, terminal.unread)

    def test_a_live_list_gives_the_screen_back_while_it_is_stopped(self):
        script = f'set -m; "{PROGRAM}" runs --watch; echo; echo stopped; fg; echo ended $?'
        terminal = Terminal(self.environment(), "/bin/bash", "-c", script)
        terminal.read_until(TO_SCREEN)
        terminal.type(b"\x1a")
        self.assertIn(FROM_SCREEN, terminal.read_until(b"stopped\r\n"))
        terminal.read_until(TO_SCREEN)
        terminal.type(b"\x03")
        self.assertIn(FROM_SCREEN, terminal.read_until(b"ended 0"))
        self.assertEqual(terminal.end(), 0)

    def test_on_a_terminal_that_can_only_add_lines_a_live_list_does(self):
        terminal = self.live_list(TERM="dumb")
        self.assertNotIn(b"\x1b", terminal.read_until(b"DURATION\r\n"))
        terminal.type(b"\x03")
        self.assertEqual(terminal.end(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
