"""Real CNCF registries (Debian's docker-registry) on loopback."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

CONFIG = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  delete: {{enabled: true}}
http:
  addr: 127.0.0.1:{port}
"""


class Registry:
    """A registry that keeps its port and its content when it is stopped and started again."""

    def __init__(self, folder, name):
        self.name = name
        self.folder = os.path.join(folder, name)
        os.makedirs(self.folder)
        # The kernel chooses the port, and the bound socket keeps it ours while the registry is down. It never
        # listens, so a stopped registry refuses connections. SO_REUSEADDR, set after the choice, lets the registry
        # listen on the port beside it.
        self._reservation = socket.socket()
        self._reservation.bind(("127.0.0.1", 0))
        self._reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = self._reservation.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.process = None
        with open(os.path.join(self.folder, "config.yml"), "w", encoding="utf-8") as file:
            file.write(CONFIG.format(storage=os.path.join(self.folder, "data"), port=self.port))

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["docker-registry", "serve", os.path.join(self.folder, "config.yml")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
            )
        deadline = time.monotonic() + 30
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                    raise AssertionError(f"registry {self.name} did not start: {log.read()[-2000:]}")
            time.sleep(0.01)
        return self

    def _answers(self):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5):
                return True
        return False

    def stop(self, how=signal.SIGKILL):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(timeout=30)
            self.process = None

    def close(self):
        self.stop()
        self._reservation.close()

    def repository(self, path):
        return f"{self.host}/{path}"

    def requests(self, *texts):
        """How many requests it has answered whose line in the access log has all of these texts in it."""
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
            return sum(1 for line in log if ' HTTP/1.1" ' in line and all(text in line for text in texts))

    def delete_tag(self, repository, digest):
        """Deletes a manifest, and with it every tag that names it."""
        request = urllib.request.Request(f"http://{self.host}/v2/{repository}/manifests/{digest}", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()
