"""From a webhook's first byte to the first layer in staging, while a thousand other webhooks arrive each second; beside
`skopeo copy`, started at such a moment as by a script behind a webhook.

Three kinds of noise: none, notifications of repositories that nobody watches (an organisation's registry tells of every push), and
of watched tags that did not move, each of which makes a look due. The end is taken from outside: the time at which the staging
registry wrote the bytes of a layer of 2 kB (the first byte is not later; file times are exact to 4 ms).
"""

import argparse
import http.client
import json
import math
import os
import statistics
import time

import deliveries
import stage
import images


def layer_of(central, image):
    layer = json.loads(image.manifest)["layers"][0]["digest"].split(":")[1]
    return os.path.join(central.folder, "data/docker/registry/v2/blobs/sha256", layer[:2], layer, "data")


def layer_at(central, image):
    """When the registry wrote the layer (seconds since the epoch), from its file system."""
    return os.stat(layer_of(central, image)).st_mtime


def pipeline(upstream, central, number):
    one = stage.pipeline(upstream, central, "node", tag=f"v{number}", every="1h")
    return {**one, "name": f"node-v{number}"}


class Signal:
    """Webhooks that tell the truth, each followed until its image is promoted."""

    def __init__(self, upstream, central, daemon, port):
        self.upstream, self.central, self.daemon, self.port = upstream, central, daemon, port
        self.number = 0
        self.last = 0.0

    def once(self):
        """Seconds from the webhook to the layer."""
        self.number += 1
        image = images.random_image()
        images.push(self.upstream.repository("library/signal:hot"), image)
        # For webhooks, a tag is looked at once a second at most.
        time.sleep(max(0.0, self.last + 1.2 - time.monotonic()))
        body = deliveries.notification(self.upstream.host, "library/signal", "hot", f"signal-{self.number}", image.digest)
        self.last = time.monotonic()
        start = time.time()
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", "/hooks/upstream", body, deliveries.HEADERS)
        answer = connection.getresponse()
        answer.read()
        assert answer.status // 100 == 2, answer.status
        connection.close()
        # What looks often must cost little.
        stage.wait_until("the layer is there", lambda: os.path.exists(layer_of(self.central, image)))
        promoted = "SELECT 1 FROM promotions WHERE pipeline = 'signal' AND digest = ?"
        stage.wait_until("the image is promoted", lambda: self.daemon.query(promoted, image.digest))
        return layer_at(self.central, image) - start


class Script:
    """The same copy by skopeo."""

    def __init__(self, upstream, central):
        self.upstream, self.central = upstream, central

    def once(self):
        """Seconds from its start to the layer."""
        image = images.random_image()
        source = self.upstream.repository("script/signal:hot")
        images.push(source, image)
        start = time.time()
        stage.skopeo_copy(source, self.central.repository("script/signal:hot"))
        return layer_at(self.central, image) - start


def percentile(values, share):
    """By nearest rank: of 200 values the 99th percentile is the 198th."""
    return sorted(values)[math.ceil(len(values) * share) - 1]


def told(values):
    return f"median {statistics.median(values):.1f} ms, 99 % {percentile(values, 0.99):.1f}, max {max(values):.1f}"


def measure(title, signal, script, rounds, flood):
    report = None
    if flood:
        time.sleep(1)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(1000 * signal.once())
        theirs.append(1000 * script.once())
    if flood:
        report = flood.end()
    noise = f"{report['rate']}/s, answered in {report['99 %']} (99 %), not with 2xx: {report['refused']}" if report else "none"
    print(f"{title} (noise: {noise}; n={rounds})")
    print(f"  sluice: {told(ours)}")
    print(f"  skopeo: {told(theirs)}; sluice / skopeo: {statistics.median(ours) / statistics.median(theirs):.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--rate", type=int, default=1000, help="webhooks of noise a second")
    parser.add_argument("--tags", type=int, default=100, help="watched tags that the noise names in turn")
    options = parser.parse_args()
    os.environ["HOOK_SECRET"] = deliveries.SECRET
    with stage.registries("upstream", "central") as (folder, upstream, central), stage.reserved_port() as port:
        hot = {**stage.pipeline(upstream, central, "signal", tag="hot", every="1h"), "name": "signal"}
        config = {
            "pipelines": [hot, *(pipeline(upstream, central, number) for number in range(options.tags))],
            "webhooks": {"upstream": {"sender": "distribution", "bearer": {"env": "HOOK_SECRET"}, "rate": 1_000_000}},
            "server": {"api": {"listen": "none", "socket": os.path.join(folder, "sock")}, "webhooks": {"listen": f"127.0.0.1:{port}", "rate": 1_000_000}},
        }
        deliveries.tag_all(upstream, images.random_image(), options.tags)
        images.push(upstream.repository("library/signal:hot"), images.random_image())
        with stage.daemon(folder, config) as daemon:
            stage.wait_until("all is quiet", lambda: daemon.query("SELECT count(*) FROM promotions")[0][0] == options.tags + 1, seconds=300)
            signal, script = Signal(upstream, central, daemon, port), Script(upstream, central)

            def flood(repository):
                return deliveries.Flood(port, upstream.host, repository, options.tags, 3600, 64, options.rate)

            measure("quiet", signal, script, options.rounds, None)
            measure("unwatched repositories", signal, script, options.rounds, flood("other/app"))
            measure("watched tags that did not move", signal, script, options.rounds, flood("library/node"))


main()
