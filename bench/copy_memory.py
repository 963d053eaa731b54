"""Peak memory and time of staging by image size, beside `skopeo copy`."""

import argparse
import os
import subprocess
import sys
import time

import stage
import images

MIB = 1024 * 1024


def big_image(size):
    """One layer of `size` random bytes. Not a tar: nobody opens it here."""
    data = os.urandom(size)
    return images.image([images.Layer(data, images.digest_of(data))])


def skopeo_copy(source, target):
    """(seconds, peak KiB) of a skopeo process, as wait4 tells them."""
    start = time.monotonic()
    process = subprocess.Popen(
        ["skopeo", "--insecure-policy", "copy", "--quiet", "--all", "--preserve-digests"]
        + ["--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{source}", f"docker://{target}"],
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("skopeo failed")
    return time.monotonic() - start, usage.ru_maxrss


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 16, 128, 1024], help="MiB")
    options = parser.parse_args()
    print("     MiB  sluice s  peak MiB  skopeo s  peak MiB  time ratio  memory ratio")
    with stage.registries("upstream", "central") as (folder, upstream, central):
        names = [f"size-{size}" for size in options.sizes]
        for name, size in zip(names, options.sizes):
            images.push(upstream.repository(f"library/{name}:latest"), big_image(size * MIB))
        hold_still = [stage.pipeline(upstream, central, name, every="15m") for name in names]
        # A check that never passes keeps promotion out of the picture.
        for one in hold_still:
            one["checks"] = [{"command": {"run": ["false"]}}]
        for name, size, one in zip(names, options.sizes, hold_still):
            with stage.daemon(folder, {"pipelines": [one]}) as daemon:
                stage.wait_until("it was staged", lambda: daemon.json("runs", "--status", "rejected", "--task", name), 600)
                peak = stage.memory_kib(daemon.process.pid, "VmHWM")
                row = daemon.query(
                    "SELECT (s.ended - s.started) / 1e6 FROM steps s JOIN runs r ON r.id = s.run WHERE r.task = ? AND s.name = 'stage'",
                    name,
                )
            seconds = row[0][0]
            theirs, their_peak = skopeo_copy(
                upstream.repository(f"library/{name}:latest"), central.repository(f"skopeo/{name}:latest")
            )
            print(
                f"{size:8} {seconds:9.2f} {peak / 1024:9.1f} {theirs:9.2f} {their_peak / 1024:9.1f}"
                f" {seconds / theirs:11.2f} {peak / their_peak:13.2f}"
            )


main()
