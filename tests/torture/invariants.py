"""What must hold after any number of kills, judged from outside."""

import json
from collections import defaultdict

import images


class Broken(Exception):
    """An invariant does not hold."""


def need(condition, message):
    if not condition:
        raise Broken(message)


def check_all(stage):
    """Checks every invariant; a sentence with the figures of what was seen."""
    database_is_whole(stage)
    nothing_is_left(stage)
    good = {digest for digest, verdict in verdicts(stage) if verdict == "good"}
    only_good_digests_were_stable(stage, good)
    observations = observations_are_complete(stage)
    promotions = promotions_agree_with_the_registry(stage)
    requests = promotions_reached_their_dependents(stage, promotions)
    pushed = sum(len(history) for history in stage.pushed.values())
    return f"{pushed} upstream changes, {observations} observed, {len(promotions)} promotions, {requests} rebuild requests"


def database_is_whole(stage):
    need(stage.daemon.query("PRAGMA integrity_check") == [("ok",)], "PRAGMA integrity_check")
    need(stage.daemon.query("PRAGMA foreign_key_check") == [], "PRAGMA foreign_key_check")


def nothing_is_left(stage):
    need(stage.daemon.query("SELECT count(*) FROM jobs") == [(0,)], "jobs are left")
    left = stage.daemon.query("SELECT id, task, state FROM runs WHERE ended IS NULL")
    need(not left, f"runs are not final: {left}")
    drift = stage.daemon.query("SELECT detail FROM audit WHERE action = 'drift'")
    need(not drift, f"the daemon took its own promotion for somebody else's: {drift}")
    failed = stage.daemon.query("SELECT id, task, outcome FROM runs WHERE status = 'Failed'")
    need(not failed, f"runs failed although every peer was well: {failed}")


def verdicts(stage):
    with open(stage.verdicts, encoding="utf-8") as file:
        return [tuple(line.split()) for line in file]


def only_good_digests_were_stable(stage, good):
    broken = {digest for history in stage.pushed.values() for digest, is_broken, _, _ in history if is_broken}
    need(not broken & good, "the judge called a broken image good")
    for name in stage.names:
        now = images.remote_digest(stage.central.repository(f"base/{name}:1"))
        need(now == stage.pushed[name][-1][0], f"{name} settled on {now}, not on the last good image")
        stage.stable_seen.add((name, now))
    for name, digest in stage.stable_seen:
        need(digest in good, f"the stable tag of {name} named {digest}, which passed no check")


def observations_are_complete(stage):
    total = 0
    for name in stage.names:
        history = stage.pushed[name]
        seen = [row[0] for row in stage.daemon.query("SELECT digest FROM observations WHERE pipeline = ? ORDER BY id", name)]
        total += len(seen)
        need(is_subsequence(seen, [each[0] for each in history]), f"the history of {name} has what never was, or in another order")
        need(seen and seen[-1] == history[-1][0], f"the last digest of {name} is not in its history")
        for pipeline, digest in stage.acknowledged:
            need(pipeline != name or digest in seen, f"{digest} of {name} was told to a client, and is forgotten")
        for digest, _, pushed, replaced in history[:-1]:
            shown = max((min(replaced, end) - max(pushed, begin) for begin, end in stage.ready), default=0)
            need(shown < 2.5 or digest in seen, f"{digest} of {name} stayed {shown:.1f} s and was not observed")
    return total


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(each in rest for each in part)


def promotions_agree_with_the_registry(stage):
    rows = stage.daemon.query("SELECT run, pipeline, unique_tag, digest FROM promotions ORDER BY id")
    by_pipeline = defaultdict(dict)
    for _, pipeline, tag, digest in rows:
        by_pipeline[pipeline][tag] = digest
    for name in stage.names:
        repository = stage.central.repository(f"base/{name}")
        listed = json.loads(images.skopeo("list-tags", "--tls-verify=false", f"docker://{repository}"))["Tags"]
        need(set(listed) - {"1"} == set(by_pipeline[name]), f"unique tags of {name} and its promotions differ")
        for tag, digest in by_pipeline[name].items():
            need(images.remote_digest(f"{repository}:{tag}") == digest, f"{repository}:{tag} does not name {digest}")
    return rows


def promotions_reached_their_dependents(stage, promotions):
    with open(stage.requests, encoding="utf-8") as file:
        requests = [json.loads(line) for line in file]
    keys, runs = defaultdict(set), defaultdict(set)
    for each in requests:
        keys[each["run"]].add(each["key"])
        runs[each["key"]].add((each["run"], each["dependent"], each["base"]))
    need(all(len(each) == 1 for each in keys.values()), "one rebuild was asked for under two keys")
    need(all(len(each) == 1 for each in runs.values()), "one key stands for two rebuilds")
    asked = {(each["dependent"], each["base"].rsplit("@", 1)[1]) for each in requests}
    for run, pipeline, _, digest in promotions:
        rebuilds = dict(stage.daemon.query("SELECT dependent, state FROM rebuilds WHERE promotion_run = ?", run))
        need(set(rebuilds) == set(stage.dependents(pipeline)), f"run {run} owes {stage.dependents(pipeline)}, has {rebuilds}")
        for dependent, state in rebuilds.items():
            need(state == "confirmed", f"the rebuild of {dependent} for run {run} is {state}")
            need((dependent, digest) in asked, f"{dependent} never heard of {digest}")
    for name in stage.names:
        for dependent in stage.dependents(name):
            sits_on(stage.dev.repository(f"team/{dependent}:latest"), stage.central.repository(f"base/{name}:1"))
    return len(requests)


def sits_on(image, base):
    above, below = (
        json.loads(images.skopeo("inspect", "--config", "--tls-verify=false", f"docker://{each}"))["rootfs"]["diff_ids"]
        for each in (image, base)
    )
    need(above[: len(below)] == below, f"{image} does not sit on {base}")
