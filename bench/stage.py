"""What the benchmarks share: registries and a daemon in a temporary folder, and the figures of a process."""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
os.environ.setdefault("SLUICE_PROGRAM", os.path.join(ROOT, "build", "release", "daemon", "sluice"))

from daemon import Daemon, wait_until  # noqa: E402
from registry import Registry  # noqa: E402


@contextlib.contextmanager
def registries(*names):
    """A temporary folder and running registries of these names."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder, contextlib.ExitStack() as stack:
        started = []
        for name in names:
            registry = Registry(folder, name)
            stack.callback(registry.close)
            started.append(registry.start())
        yield folder, *started


@contextlib.contextmanager
def daemon(folder, config):
    one = Daemon(folder, config)
    try:
        yield one.start()
    finally:
        one.close()


def pipeline(upstream, central, name, tag="latest", every="100ms"):
    return {
        "name": name,
        "upstream": upstream.repository(f"library/{name}:{tag}"),
        "staging": central.repository(f"staging/{name}"),
        "promote": {"to": central.repository(f"base/{name}"), "tags": [tag, tag + "-{run}"]},
        "poll": {"every": every, "adaptive": False},
    }


@contextlib.contextmanager
def reserved_port():
    """A port of the kernel's choice that a daemon may listen on (SO_REUSEADDR)."""
    with socket.socket() as reservation:
        reservation.bind(("127.0.0.1", 0))
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        yield reservation.getsockname()[1]


def skopeo_copy(source, target):
    """How long it takes (seconds) as it is, nothing compressed anew."""
    start = time.monotonic()
    subprocess.run(
        ["skopeo", "--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests"]
        + ["--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{source}", f"docker://{target}"],
        check=True,
    )
    return time.monotonic() - start


def cpu_seconds(pid):
    """User and system time of a process so far (proc(5), stat fields 14 and 15)."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid, field):
    """VmRSS or VmHWM of a process in KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field))


def reset_peak(pid):
    """Makes VmHWM start again from the present size (proc(5), clear_refs)."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def summary(values, unit, scale=1.0):
    scaled = [value * scale for value in values]
    return f"median {statistics.median(scaled):.1f} {unit} (min {min(scaled):.1f}, max {max(scaled):.1f}, n={len(scaled)})"


__all__ = [
    *["registries", "daemon", "pipeline", "reserved_port", "skopeo_copy", "cpu_seconds", "memory_kib", "reset_peak", "summary", "wait_until", "time"],
]
