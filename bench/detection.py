"""From the instant when the upstream was seen to have moved to the staged manifest, beside `skopeo copy`.

The end is taken from outside: the time at which the staging registry wrote the manifest's link file.
"""

import argparse
import os

import stage
import images


def staged_at(central, name, digest):
    """When the registry stored the manifest (seconds since the epoch), from its file system."""
    link = os.path.join(
        *[central.folder, "data/docker/registry/v2/repositories", f"staging/{name}"],
        *["_manifests/revisions/sha256", digest.split(":")[1], "link"],
    )
    return os.stat(link).st_mtime


def noticed_at(daemon, digest):
    rows = daemon.query("SELECT min(first_seen) FROM observations WHERE digest = ?", digest)
    return rows[0][0] / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    ours, theirs = [], []
    with stage.registries("upstream", "central") as (folder, upstream, central):
        config = {"pipelines": [stage.pipeline(upstream, central, "node")]}
        with stage.daemon(folder, config) as daemon:
            for number in range(options.rounds):
                image = images.random_image(size=100_000)
                images.push(upstream.repository("library/node:latest"), image)

                def promoted(digest=image.digest):
                    return images.remote_digest(central.repository("base/node:latest")) == digest

                stage.wait_until("the image is promoted", promoted)
                ours.append(staged_at(central, "node", image.digest) - noticed_at(daemon, image.digest))
                source = upstream.repository(f"library/node@{image.digest}")
                theirs.append(stage.skopeo_copy(source, central.repository(f"skopeo/node:{number}")))
    print("small image (100 kB), two registries on loopback")
    print(f"sluice, noticed -> staged manifest: {stage.summary(ours, 'ms', 1000)}")
    print(f"skopeo copy of the same image:      {stage.summary(theirs, 'ms', 1000)}")
    print(f"ratio of the medians: {sorted(ours)[len(ours) // 2] / sorted(theirs)[len(theirs) // 2]:.2f}")


main()
