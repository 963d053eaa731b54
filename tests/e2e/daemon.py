"""The program under test: `sluice serve` as a process of its own, its command line, its API and its database."""

import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.abspath(os.environ.get("SLUICE_PROGRAM", os.path.join(SOURCE, "build/dev/daemon/sluice")))
# Sanitizers and a loaded machine make everything slower; deadlines are for hangs, not for speed.
PATIENCE = float(os.environ.get("SLUICE_PATIENCE", "60"))


def reserved_port():
    """A port that stays ours while the daemon is down; the daemon listens on it beside us (SO_REUSEADDR)."""
    reservation = socket.socket()
    reservation.bind(("127.0.0.1", 0))
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return reservation


def wait_until(what, condition, seconds=PATIENCE):
    """Returns the first true value of `condition()`; fails with `what` when there is none within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.02)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    def __init__(self, folder, config):
        self.folder = folder
        self.socket = os.path.join(folder, "sock")
        self.database = os.path.join(folder, "sluice.db")
        self.config_file = os.path.join(folder, "sluice.yaml")
        self.log_file = os.path.join(folder, "log")
        self.environment = dict(os.environ)
        # A sanitized build keeps freed memory for a while; not more than tests of memory allow.
        self.environment.setdefault("ASAN_OPTIONS", "quarantine_size_mb=8")
        self.process = None
        self.write_config(config)

    def write_config(self, config):
        """Config is a dictionary, written as JSON (which is YAML), or a text."""
        if isinstance(config, dict):
            config = json.dumps(
                {
                    "store": {"path": self.database},
                    "server": {"api": {"listen": "none", "socket": self.socket}},
                    **config,
                },
                indent=1,
            )
        with open(self.config_file + ".new", "w", encoding="utf-8") as file:
            file.write(config)
        os.replace(self.config_file + ".new", self.config_file)

    # The process

    def spawn(self):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "serve", "--config", self.config_file],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.folder,
            )
        return self

    def start(self):
        self.spawn()
        wait_until("the daemon answers", lambda: self.process.poll() is not None or self.answers())
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode} at start:\n{self.log_tail()}")
        return self

    def answers(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/healthz")[0] == 200
        return False

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def wait(self):
        status = self.process.wait(timeout=PATIENCE)
        self.process = None
        return status

    def close(self):
        if self.process is not None:
            self.kill()

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_tail(self):
        return "\n".join(self.log().splitlines()[-60:])

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    # Its interfaces

    def request(self, method, path, body=None):
        """A request to the API on the socket; (status, parsed body)."""
        connection = UnixConnection(self.socket)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"} if text else {})
            answer = connection.getresponse()
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None
        finally:
            connection.close()

    def get(self, path):
        status, body = self.request("GET", path)
        if status != 200:
            raise AssertionError(f"GET {path}: {status} {body}")
        return body

    def run_cli(self, *arguments):
        """A subcommand, as a person would type it; the finished process (texts)."""
        return subprocess.run(
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env={**self.environment, "SLUICE_SOCKET": self.socket},
            cwd=self.folder,
        )

    def cli(self, *arguments):
        """Standard output of a subcommand that must succeed."""
        done = self.run_cli(*arguments)
        if done.returncode != 0:
            raise AssertionError(
                f"sluice {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{self.log_tail()}"
            )
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.cli(*arguments, "--json"))

    def query(self, sql, *values):
        """Rows of the database, as an outsider reads it."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(sql, values).fetchall()
