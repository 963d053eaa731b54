"""A database with a million observations: from the start of the daemon to its first answer, and `sluice history`.

Beside it, as what one would otherwise do: the sqlite3 program reading the same rows of the same database.
"""

import argparse
import os
import sqlite3
import subprocess
import time

import stage


def fill(database, pipelines, rows):
    """Rows spread over the pipelines, one digest each, a minute apart, the newest now."""
    now = int(time.time() * 1e6)

    def observations():
        for number in range(rows):
            seen = now - (rows - number) * 60_000_000
            yield f"node-{number % pipelines}", "docker.io/library/node:20", f"sha256:{number:064x}", "", seen, seen, "poll"

    with sqlite3.connect(database) as connection:
        connection.executemany(
            "INSERT INTO observations (pipeline, reference, digest, media_type, first_seen, last_seen, learned_by) VALUES (?, ?, ?, ?, ?, ?, ?)",
            observations(),
        )
    connection.close()


def seconds(command):
    start = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--pipelines", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    starts, ours, theirs = [], [], []
    with stage.registries("upstream", "central") as (folder, upstream, central):
        config = {"pipelines": [stage.pipeline(upstream, central, f"node-{n}", every="1h") for n in range(options.pipelines)]}
        with stage.daemon(folder, config) as daemon:
            pass
        fill(daemon.database, options.pipelines, options.rows)
        program = os.environ["SLUICE_PROGRAM"]
        query = "SELECT * FROM observations WHERE pipeline = 'node-7' ORDER BY id DESC LIMIT 50"
        for _ in range(options.rounds):
            start = time.monotonic()
            daemon.start()
            starts.append(time.monotonic() - start)
            ours.append(seconds([program, "history", "node-7", "--json", "--socket", daemon.socket]))
            theirs.append(seconds(["sqlite3", "-readonly", daemon.database, query]))
            daemon.stop()
        daemon.close()
    print(f"{options.rows} observations of {options.pipelines} pipelines")
    print(f"start to the first answer: {stage.summary(starts, 'ms', 1000)}")
    print(f"sluice history:            {stage.summary(ours, 'ms', 1000)}")
    print(f"sqlite3, the same rows:    {stage.summary(theirs, 'ms', 1000)}")


main()
