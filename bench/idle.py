"""Memory and CPU of a daemon that watches many tags and has nothing to do."""

import argparse
import time

import stage
import images


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30, help="how long to watch the idle daemon")
    options = parser.parse_args()
    names = [f"image-{number}" for number in range(options.pipelines)]
    with stage.registries("upstream", "central") as (folder, upstream, central):
        image = images.random_image()
        for name in names:
            images.push(upstream.repository(f"library/{name}:latest"), image)
        config = {"pipelines": [stage.pipeline(upstream, central, name, every="15m") for name in names]}
        with stage.daemon(folder, config) as daemon:

            def settled():
                status = daemon.json("runs", "--status", "succeeded", "--limit", "1000")
                return len(status) == len(names)

            stage.wait_until("every pipeline promoted its image", settled, 300)
            pid = daemon.process.pid
            before = stage.cpu_seconds(pid)
            time.sleep(options.seconds)
            used = stage.cpu_seconds(pid) - before
            print(f"{len(names)} pipelines, idle for {options.seconds:.0f} s after all were promoted once")
            print(f"resident: {stage.memory_kib(pid, 'VmRSS') / 1024:.1f} MiB, peak {stage.memory_kib(pid, 'VmHWM') / 1024:.1f} MiB")
            print(f"CPU: {used:.2f} s, {100 * used / options.seconds:.2f} % of a core")


main()
