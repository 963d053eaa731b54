"""`sluice copy` beside the tools that are on PATH (skopeo, crane, regctl, oras), between two real registries on loopback.

Prints wall time, CPU time (user + system) and peak memory of the whole process as medians, and sluice's ratios to each
other tool. Tools take turns, so that a machine that slows down meanwhile slows all of them down.
"""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import stage
import images

MIB = 1024 * 1024
PROGRAM = os.environ["SLUICE_PROGRAM"]


def sluice(source, target):
    return [PROGRAM, "copy", "--quiet", source, target]


def skopeo(source, target):
    return [
        *["skopeo", "--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests"],
        *["--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{source}", f"docker://{target}"],
    ]


def crane(source, target):
    return ["crane", "copy", "--insecure", source, target]


def regctl(source, target):
    return ["regctl", "image", "copy", source, target]


def oras(source, target):
    return ["oras", "cp", "--from-plain-http", "--to-plain-http", source, target]


TOOLS = {"sluice": sluice, "skopeo": skopeo, "crane": crane, "regctl": regctl, "oras": oras}


class Figures:
    """What runs of one tool took."""

    def __init__(self):
        self.wall, self.cpu, self.peak = [], [], []

    def add(self, command, stdin=None):
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{command[0]} failed")
        self.wall.append(time.monotonic() - start)
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        self.peak.append(usage.ru_maxrss / 1024)

    def medians(self):
        return [statistics.median(values) for values in (self.wall, self.cpu, self.peak)]


def image(sizes, seed=None):
    """Layers of random bytes of these sizes. No tars: nobody opens them here."""
    layers = seed or []
    for size in sizes:
        data = os.urandom(size)
        layers.append(images.Layer(data, images.digest_of(data)))
    return images.image(layers)


def push_large(reference, mib):
    """An image with one layer of this size, which is never whole in memory."""
    block = os.urandom(MIB)
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        one = images.image([])
        images.write_layout(folder, one)
        layer = os.path.join(folder, "layer")
        with open(layer, "wb") as file:
            for _ in range(mib):
                file.write(block)
                digest.update(block)
        os.rename(layer, os.path.join(folder, "blobs", "sha256", digest.hexdigest()))
        manifest = json.loads(one.manifest)
        manifest["layers"] = [{"mediaType": images.LAYER, "digest": "sha256:" + digest.hexdigest(), "size": mib * MIB}]
        images.write_layout(folder, images.Image(images.encode(manifest)))
        subprocess.run([PROGRAM, "copy", "--quiet", f"oci:{folder}:image", reference], check=True, stdout=subprocess.DEVNULL)


def table(title, figures):
    print(f"\n{title}\n  tool      wall s    CPU s  peak MiB   sluice's wall   CPU   memory")
    ours = figures["sluice"].medians()
    for tool, values in figures.items():
        wall, cpu, peak = values.medians()
        ratios = "" if tool == "sluice" else f"{ours[0] / wall:13.2f} {ours[1] / cpu:7.2f} {ours[2] / peak:7.2f}"
        print(f"  {tool:8} {wall:7.2f} {cpu:8.2f} {peak:9.1f}   {ratios}")


class Bench:
    def __init__(self, source, target, tools, rounds):
        self.source, self.target, self.tools, self.rounds = source, target, tools, rounds
        self.number = 0

    def fresh(self, name):
        self.number += 1
        return self.target.repository(f"{name}-{self.number}:1")

    def compare(self, title, reference, target_of):
        figures = {tool: Figures() for tool in self.tools}
        for _ in range(self.rounds):
            for tool in self.tools:
                figures[tool].add(TOOLS[tool](reference, target_of(tool)))
        table(title, figures)

    def copies(self, title, name, sizes):
        reference = self.source.repository(f"{name}:1")
        images.push(reference, image(sizes))
        self.compare(title, reference, lambda tool: self.fresh(f"{tool}-{name}"))
        return reference

    def again(self, reference):
        for tool in self.tools:
            Figures().add(TOOLS[tool](reference, self.target.repository(f"{tool}-again:1")))
        before = self.target.requests() + self.source.requests()
        Figures().add(sluice(reference, self.target.repository("sluice-again:1")))
        asked = self.target.requests() + self.source.requests() - before
        self.compare("the same image again", reference, lambda tool: self.target.repository(f"{tool}-again:1"))
        print(f"  sluice sent {asked} requests")

    def within(self, reference):
        """Between repositories of one registry."""
        self.compare("between repositories of one registry", reference, lambda tool: self.inside(tool))

    def inside(self, tool):
        self.number += 1
        return self.source.repository(f"{tool}-inside-{self.number}:1")

    def many_images(self, count, layers, size):
        """Images that share half of their layers: one sluice for all of them, the others one after the other."""
        shared = [images.Layer(data, images.digest_of(data)) for data in (os.urandom(size) for _ in range(layers // 2))]
        references = []
        for number in range(count):
            references.append(self.source.repository(f"family/member-{number}:1"))
            images.push(references[-1], image([size] * (layers - layers // 2), list(shared)))
        figures = {tool: Figures() for tool in self.tools}
        for _ in range(self.rounds):
            for tool in self.tools:
                pairs = [(one, self.fresh(f"{tool}-member")) for one in references]
                with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
                    if tool == "sluice":
                        script.write("".join(f"{source} {target}\n" for source, target in pairs))
                        script.flush()
                        figures[tool].add([PROGRAM, "copy", "--quiet", "--jobs", str(count), "--list", script.name])
                    else:
                        lines = (" ".join(TOOLS[tool](*pair)) for pair in pairs)
                        script.write("set -e\n" + "\n".join(lines))
                        script.flush()
                        figures[tool].add(["sh", script.name])
        table(f"{count} images of {layers} x {size // MIB} MiB that share half of their layers", figures)
        pairs = "".join(f"{one} {self.fresh('count')}\n" for one in references)
        subprocess.run(
            [PROGRAM, "copy", "--quiet", "--jobs", str(count), "--list", "-"],
            input=pairs.encode(),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        # Configs are blobs as well, one for each image.
        distinct = layers // 2 + count * (layers - layers // 2) + count
        puts = self.finished_uploads("count-")
        print(f"  sluice finished {puts} uploads for {distinct} different blobs")

    def finished_uploads(self, repository):
        return self.target.requests(f'"PUT /v2/{repository}', "/blobs/uploads/")

    def memory(self, sizes):
        print("\npeak memory by layer size\n     MiB  sluice MiB")
        for size in sizes:
            reference = self.source.repository(f"layer-{size}:1")
            push_large(reference, size)
            figures = Figures()
            figures.add(sluice(reference, self.fresh("memory")))
            print(f"{size:8} {figures.peak[0]:11.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, nargs="+", default=[1, 64, 1024], help="MiB, for the table of memory")
    parser.add_argument("--only", nargs="+", choices=["big", "many", "again", "within", "family", "memory"])
    options = parser.parse_args()
    wanted = options.only or ["big", "many", "again", "within", "family", "memory"]
    tools = [tool for tool in TOOLS if tool == "sluice" or shutil.which(tool)]
    with stage.registries("source", "target") as (_, source, target):
        bench = Bench(source, target, tools, options.rounds)
        if "big" in wanted:
            bench.copies("8 x 128 MiB, registry to registry", "big", [128 * MIB] * 8)
        if {"many", "again", "within"} & set(wanted):
            many = bench.copies("40 x 2 MiB, registry to registry", "many", [2 * MIB] * 40)
        if "again" in wanted:
            bench.again(many)
        if "within" in wanted:
            bench.within(many)
        if "family" in wanted:
            bench.many_images(16, 8, 2 * MIB)
        if "memory" in wanted:
            bench.memory(options.layers)


main()
