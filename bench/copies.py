"""`sluice copy` beside the tools that are on PATH (skopeo, crane, regctl, oras), between two real registries on loopback.

Prints wall time, CPU time (user + system) and peak memory of the whole process as medians, and sluice's ratios to each
other tool. Tools take turns, so that a machine that slows down meanwhile slows all of them down. The registries run on the
same processors: the CPU time that both of them took for the same copy is beside it, since no client can be faster than
that divided by the number of processors. The row `bare` is such a bound in flesh: bare_copy.cpp lets the kernel hand the
bytes from socket to socket, and neither hashes them nor asks what is there.

skopeo takes part twice. As people type it, it compresses every layer that is not compressed, as those made here: it
sends other bytes than it read, under another digest. With --preserve-digests it does the same work as sluice.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import stage
import images
from registry import Registry

MIB = 1024 * 1024
PROGRAM = os.environ["SLUICE_PROGRAM"]


def sluice(source, target):
    return [PROGRAM, "copy", "--quiet", source, target]


def skopeo(source, target, *options):
    return [
        *["skopeo", "--insecure-policy", "copy", "--quiet", "--all", *options],
        *["--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{source}", f"docker://{target}"],
    ]


def faithful_skopeo(source, target):
    return skopeo(source, target, "--preserve-digests")


def crane(source, target):
    return ["crane", "copy", "--insecure", source, target]


def regctl(source, target):
    return ["regctl", "image", "copy", source, target]


def oras(source, target):
    return ["oras", "cp", "--from-plain-http", "--to-plain-http", source, target]


TOOLS = {"sluice": sluice, "skopeo": skopeo, "skopeo -p": faithful_skopeo, "crane": crane, "regctl": regctl, "oras": oras}


class Figures:
    """What runs of one tool took."""

    def __init__(self):
        self.wall, self.cpu, self.peak, self.registries = [], [], [], []

    def add(self, command, registries=()):
        before = sum(stage.cpu_seconds(registry.process.pid) for registry in registries)
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        peak, ended = 0, (0, 0, None)
        # Not ru_maxrss: that of a child begins with the size of this very program.
        while ended[0] == 0:
            with contextlib.suppress(OSError, StopIteration):
                peak = max(peak, stage.memory_kib(process.pid, "VmHWM"))
            time.sleep(0.002)
            ended = os.wait4(process.pid, os.WNOHANG)
        _, status, usage = ended
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{command[0]} failed")
        self.wall.append(time.monotonic() - start)
        self.registries.append(sum(stage.cpu_seconds(registry.process.pid) for registry in registries) - before)
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        self.peak.append(peak / 1024)

    def medians(self):
        return [statistics.median(values) for values in (self.wall, self.cpu, self.peak, self.registries)]


def push(reference, sizes, shared=()):
    """An image with layers of random bytes of these sizes, after the `shared` ones (digest, file); returns its layers.

    Nothing of it stays in memory: the peak of a child process would begin with that of its parent. No tars: nobody opens them.
    """
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        one = images.image([])
        images.write_layout(folder, one)
        blobs = os.path.join(folder, "blobs", "sha256")
        layers = list(shared) + [random_file(folder, size) for size in sizes]
        entries = []
        for digest, file in layers:
            os.link(file, os.path.join(blobs, digest))
            entries.append({"mediaType": images.LAYER, "digest": f"sha256:{digest}", "size": os.path.getsize(file)})
        manifest = json.loads(one.manifest)
        manifest["layers"] = entries
        images.write_layout(folder, images.Image(images.encode(manifest)))
        subprocess.run([PROGRAM, "copy", "--quiet", f"oci:{folder}:image", reference], check=True, stdout=subprocess.DEVNULL)


def random_file(folder, size):
    """A file of random bytes that repeat after a MiB; returns its SHA-256 and its path."""
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile("wb", dir=folder, prefix="layer-", delete=False) as file:
        block = os.urandom(MIB)
        for at in range(0, size, MIB):
            piece = block[: min(MIB, size - at)]
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest(), file.name


def table(title, figures):
    print(f"\n{title}\n  tool       wall s    CPU s  peak MiB  registries' CPU s   sluice's wall   CPU   memory")
    ours = figures["sluice"].medians()
    for tool, values in figures.items():
        wall, cpu, peak, registries = values.medians()
        ratios = "" if tool == "sluice" else f"{ours[0] / wall:13.2f} {ours[1] / cpu:7.2f} {ours[2] / peak:7.2f}"
        print(f"  {tool:9} {wall:7.2f} {cpu:8.2f} {peak:9.1f} {registries:18.2f}   {ratios}")


class Bench:
    def __init__(self, folder, source, tools, rounds):
        self.folder, self.source, self.tools, self.rounds = folder, source, tools, rounds
        self.number = 0

    @contextlib.contextmanager
    def target(self):
        """A registry that nobody knows: some tools remember where blobs are."""
        self.number += 1
        registry = Registry(self.folder, f"target-{self.number}")
        try:
            yield registry.start()
        finally:
            registry.close()
            shutil.rmtree(registry.folder)

    def compare(self, title, work, more=()):
        """`work(tool, figures)` measures one tool once."""
        figures = {tool: Figures() for tool in (*self.tools, *more)}
        for _ in range(self.rounds):
            for tool, of_tool in figures.items():
                work(tool, of_tool)
        table(title, figures)

    def copies(self, title, name, sizes):
        reference = self.source.repository(f"{name}:1")
        push(reference, sizes)

        def work(tool, figures):
            with self.target() as target:
                to = target.repository(f"{name}:1")
                command = TOOLS[tool](reference, to) if tool in TOOLS else self.bare(name, target)
                figures.add(command, (self.source, target))

        self.compare(title, work, ("bare",) if "BARE_COPY" in os.environ else ())
        return reference

    def bare(self, name, target):
        """The command of bare_copy.cpp, with about as many connections as it is quickest with."""
        url = f"http://{self.source.host}/v2/{name}/manifests/1"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": images.MANIFEST})) as answer:
            manifest = answer.read()
        parsed = json.loads(manifest)
        blobs, body = os.path.join(self.folder, "bare-blobs"), os.path.join(self.folder, "bare-manifest")
        with open(blobs, "w", encoding="utf-8") as file:
            file.writelines(f"{blob['digest']} {blob['size']}\n" for blob in [parsed["config"], *parsed["layers"]])
        with open(body, "wb") as file:
            file.write(manifest)
        return [os.environ["BARE_COPY"], str(self.source.port), name, str(target.port), name, "4", blobs, body, images.MANIFEST]

    def again(self, reference):
        with self.target() as target:
            to = target.repository("again:1")
            Figures().add(sluice(reference, to))
            before = target.requests() + self.source.requests()
            Figures().add(sluice(reference, to))
            asked = target.requests() + self.source.requests() - before
            ends = (self.source, target)
            self.compare("the same image again", lambda tool, figures: figures.add(TOOLS[tool](reference, to), ends))
        print(f"  sluice sent {asked} requests")

    def within(self, reference):
        def work(tool, figures):
            self.number += 1
            figures.add(TOOLS[tool](reference, self.source.repository(f"inside-{self.number}:1")), (self.source,))

        self.compare("between repositories of one registry", work)

    def family(self, count, layers, size):
        """Images that share half of their layers: one sluice for all of them, the others one after the other."""
        half = layers // 2
        with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
            shared = [random_file(folder, size) for _ in range(half)]
            names = [f"family/member-{number}:1" for number in range(count)]
            for name in names:
                push(self.source.repository(name), [size] * (layers - half), shared)
        finished = []

        def work(tool, figures):
            with self.target() as target, tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
                pairs = [(self.source.repository(name), target.repository(name)) for name in names]
                if tool == "sluice":
                    script.write("".join(f"{source} {to}\n" for source, to in pairs))
                    command = [PROGRAM, "copy", "--quiet", "--jobs", str(count), "--list", script.name]
                else:
                    script.write("set -e\n" + "\n".join(" ".join(TOOLS[tool](*pair)) for pair in pairs))
                    command = ["sh", script.name]
                script.flush()
                figures.add(command, (self.source, target))
                if tool == "sluice":
                    finished.append(target.requests('"PUT /v2/', "/blobs/uploads/"))

        self.compare(f"{count} images of {layers} x {size // MIB} MiB that share half of their layers", work)
        # One small config is the same for all.
        print(f"  sluice finished {max(finished)} uploads for {half + count * (layers - half) + 1} different blobs")

    def memory(self, sizes):
        print("\npeak memory by layer size\n     MiB  sluice MiB")
        for size in sizes:
            reference = self.source.repository(f"layer-{size}:1")
            push(reference, [size * MIB])
            figures = Figures()
            with self.target() as target:
                figures.add(sluice(reference, target.repository("layer:1")))
            print(f"{size:8} {figures.peak[0]:11.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 64, 1024], help="MiB, for the table of memory")
    parser.add_argument("--only", nargs="+", choices=["big", "many", "again", "within", "family", "memory"])
    options = parser.parse_args()
    wanted = options.only or ["big", "many", "again", "within", "family", "memory"]
    tools = [tool for tool in TOOLS if tool == "sluice" or shutil.which(tool.split()[0])]
    with stage.registries("source") as (folder, source):
        bench = Bench(folder, source, tools, options.rounds)
        if "big" in wanted:
            bench.copies("8 x 128 MiB, registry to registry", "big", [128 * MIB] * 8)
        if {"many", "again", "within"} & set(wanted):
            many = bench.copies("40 x 2 MiB, registry to registry", "many", [2 * MIB] * 40)
        if "again" in wanted:
            bench.again(many)
        if "within" in wanted:
            bench.within(many)
        if "family" in wanted:
            bench.family(16, 8, 2 * MIB)
        if "memory" in wanted:
            bench.memory(options.layers)


main()
