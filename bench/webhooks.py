"""Webhooks from 64 connections at once: accepted durably per second, and how long a sender waits for its answer.

Each delivery is a different one (its own event id) of a real sender's kind, carries a bearer token and names one of the watched
tags in turn. An answer stands for a look that is on the disk as promised: a new row, or the one of a delivery just before whose
look has not begun. The load comes from wrk on the same machine, and the looks go to a real registry meanwhile.
"""

import argparse
import os

import deliveries
import stage
import images


def pipeline(upstream, central, number):
    one = stage.pipeline(upstream, central, "node", tag=f"v{number}", every="1h")
    return {**one, "name": f"node-v{number}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--tags", type=int, default=100, help="watched tags that the deliveries name in turn")
    options = parser.parse_args()
    os.environ["HOOK_SECRET"] = deliveries.SECRET
    with stage.registries("upstream", "central") as (folder, upstream, central), stage.reserved_port() as port:
        config = {
            "pipelines": [pipeline(upstream, central, number) for number in range(options.tags)],
            "webhooks": {"upstream": {"sender": "distribution", "bearer": {"env": "HOOK_SECRET"}, "rate": 1_000_000}},
            "server": {"api": {"listen": "none", "socket": os.path.join(folder, "sock")}, "webhooks": {"listen": f"127.0.0.1:{port}", "rate": 1_000_000}},
        }
        deliveries.tag_all(upstream, images.random_image(), options.tags)
        with stage.daemon(folder, config) as daemon:
            promotions = "SELECT count(*) FROM promotions"
            stage.wait_until("all is quiet", lambda: daemon.query(promotions)[0][0] == options.tags, seconds=300)
            before = stage.cpu_seconds(daemon.process.pid)
            flood = deliveries.Flood(port, upstream.host, "library/node", options.tags, options.seconds, options.connections)
            report = flood.report()
            cpu = stage.cpu_seconds(daemon.process.pid) - before
            rows = daemon.query("SELECT count(*) FROM webhook_receipts")[0][0]
            peak = stage.memory_kib(daemon.process.pid, "VmHWM") / 1024
    print(f"{options.connections} connections, {options.tags} tags, {options.seconds} s, one thread of wrk on the same machine")
    print(f"answered {report['answered']} ({report['rate']}/s), not with 2xx: {report['refused']}")
    print(f"promises on disk: {rows}")
    print(f"time to the answer: 50 % {report['50 %']}, 99 % {report['99 %']}")
    print(f"daemon: {cpu / options.seconds:.2f} of a processor, peak {peak:.1f} MiB")


main()
