"""Freshness as it is measured, and the metrics, read by a parser that is stricter than Prometheus."""

import re
import unittest

from daemon import UnixConnection, wait_until
from harness import Scene

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(rf"^({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([^ ]+)$")


def parsed(text):
    """{family: (type, {(name, labels): value})} of an exposition, version 0.0.4; raises where the format is not kept."""
    assert text.endswith("\n"), "the last line does not end"
    families, current, helped = {}, None, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            helped = line.split(" ", 3)[2]
            assert helped not in families, f"{helped} is described twice"
            assert line.split(" ", 3)[3], line
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == helped, f"TYPE of {name} does not follow its HELP"
            assert kind in ("counter", "gauge", "histogram"), line
            assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"
            current = families.setdefault(name, (kind, {}))[1]
        else:
            match = SAMPLE.match(line)
            assert match, f"no sample: {line!r}"
            name, labels, value = match.groups()
            suffixes = ("_bucket", "_sum", "_count") if families[helped][0] == "histogram" else ("",)
            assert name in {helped + suffix for suffix in suffixes}, f"{name} stands under {helped}"
            key = (name, tuple(re.findall(LABEL, labels or "")))
            assert len({label.split("=")[0] for label in key[1]}) == len(key[1]), f"a label twice: {line}"
            assert key not in current, f"a sample twice: {line}"
            current[key] = float(value)
    for name, (kind, samples) in families.items():
        if kind == "histogram":
            judge_histogram(name, samples)
        if kind == "counter":
            assert all(value >= 0 for value in samples.values()), name
    return families


def judge_histogram(name, samples):
    series = {}
    for (sample, labels), value in samples.items():
        if sample == name + "_bucket":
            bound = next(label for label in labels if label.startswith("le="))
            series.setdefault(tuple(each for each in labels if each != bound), []).append((float(bound[4:-1]), value))
    for labels, buckets in series.items():
        assert buckets == sorted(buckets), f"{name}: buckets out of order"
        assert buckets[-1][0] == float("inf"), f"{name}: no +Inf"
        assert [count for _, count in buckets] == sorted(count for _, count in buckets), f"{name}: not cumulative"
        assert samples[(name + "_count", labels)] == buckets[-1][1], f"{name}: count is not the last bucket"
        assert (name + "_sum", labels) in samples, f"{name}: no sum"


class Freshness(Scene):
    def metrics(self):
        connection = UnixConnection(self.daemon.socket)
        try:
            connection.request("GET", "/metrics")
            answer = connection.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.getheader("Content-Type"), "text/plain; version=0.0.4; charset=utf-8")
            return parsed(answer.read().decode())
        finally:
            connection.close()

    def value(self, metric, *labels):
        kind, samples = self.metrics()[metric]
        return sum(value for (_, of), value in samples.items() if all(label in of for label in labels))

    def freshness(self):
        return self.daemon.json("status")["pipelines"][0]["freshness"]

    def test_a_push_is_measured_from_the_look_before(self):
        first = self.push()
        self.start()
        self.wait_promoted(first)
        self.assertIsNone(self.freshness()["last_change"], "the first sight is no change")
        second = self.push()
        run = self.wait_promoted(second)
        last = self.freshness()["last_change"]
        self.assertEqual(last["known_by"], "nothing", "the registry does not say when")
        self.assertGreater(last["at_most_ms"], 0)
        history = self.daemon.json("history", "node")["observations"]
        self.assertEqual(history[0]["detection"], last)
        self.assertIsNone(history[1]["detection"])
        self.assertEqual(self.daemon.json("show", run["id"])["observation"]["detection"], last)
        for command in (["status"], ["history", "node"], ["show", run["id"]]):
            self.assertIn("at most ", self.daemon.cli(*command))

    def test_status_promises_how_often_each_registry_is_asked(self):
        one = self.push()
        self.start()
        self.wait_promoted(one)
        (registry,) = self.daemon.json("status")["upstreams"]
        self.assertEqual(registry["registry"], self.upstream.host)
        self.assertEqual((registry["watches"], registry["at_once"]), (1, 4))
        self.assertEqual(registry["look_every_ms"], {"from": 200, "to": 200})
        self.assertEqual((registry["failing"], registry["unknown"]), (0, 0))
        self.assertIn("200ms", self.daemon.cli("status"))

    def test_knowledge_grows_old_while_the_upstream_is_down_and_a_restart_remembers_its_age(self):
        one = self.push()
        self.start()
        self.wait_promoted(one)
        self.upstream.stop()
        wait_until("the upstream fails", lambda: self.daemon.json("status")["upstreams"][0]["failing"] == 1)
        known = self.freshness()["known_at"]
        wait_until("it grows old", lambda: self.freshness()["stale_ms"] > 1500)
        self.assertEqual(self.freshness()["known_at"], known)
        self.assertGreater(self.value("sluice_staleness_seconds"), 1.5)
        self.assertEqual(self.value("sluice_watches_failing"), 1)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        wait_until("the watch was looked at", lambda: self.freshness()["stale_ms"] is not None)
        self.assertGreater(self.freshness()["stale_ms"], 1500)

    def test_metrics_count_what_happens_and_survive_what_they_should(self):
        first = self.push()
        self.start()
        self.wait_promoted(first)
        second = self.push()
        self.wait_promoted(second)
        families = self.metrics()
        for name in ("sluice_build_info", "sluice_start_time_seconds", "sluice_database_bytes", "sluice_wal_bytes"):
            self.assertTrue(families[name][1], name)
        succeeded = 'status="Succeeded"'
        self.assertEqual(self.value("sluice_runs", succeeded), 2)
        self.assertEqual(self.value("sluice_runs_total", succeeded), 2)
        self.assertEqual(self.value("sluice_jobs_queued"), 0)
        self.assertEqual(self.value("sluice_polls_total", 'result="changed"'), 2)
        polls = self.value("sluice_polls_total", 'result="unchanged"')
        wait_until("it is looked at again", lambda: self.value("sluice_polls_total", 'result="unchanged"') > polls)
        counts = self.metrics()["sluice_detection_delay_seconds"][1]
        self.assertEqual(counts[("sluice_detection_delay_seconds_count", ('known_by="nothing"',))], 1)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()
        self.assertEqual(self.value("sluice_runs_total", succeeded), 2)

    def test_metrics_tell_since_when_a_pipeline_is_held_and_what_waits(self):
        first = self.push()
        self.start()
        self.wait_promoted(first)
        self.assertFalse(self.metrics()["sluice_hold_seconds"][1])
        self.daemon.cli("hold", "node", "--reason", "release week")
        second = self.push()
        self.wait_run(second.digest, "Waiting")
        self.assertGreater(self.value("sluice_hold_seconds", 'pipeline="node"'), 0)
        self.assertEqual(self.value("sluice_hold_images_waiting", 'pipeline="node"'), 1)

    def test_metrics_have_no_label_for_pipelines_and_as_many_series_for_many(self):
        one = self.push()
        self.push(one, name="other")
        self.start()
        self.wait_promoted(one, task="node")
        few = {name: len(samples) for name, (_, samples) in self.metrics().items()}
        self.daemon.write_config(self.config([self.pipeline(), self.pipeline("other")]))
        self.daemon.signal(1)
        wait_until("both are watched", lambda: self.value("sluice_watches") == 2)
        self.wait_promoted_as("other", one)
        many = {name: len(samples) for name, (_, samples) in self.metrics().items()}
        few.pop("sluice_runs"), few.pop("sluice_runs_total"), many.pop("sluice_runs"), many.pop("sluice_runs_total")
        self.assertEqual(few, many)

    def wait_promoted_as(self, task, one):
        run = self.wait_run(one.digest, "Succeeded", task=task)
        self.assert_promoted(one.digest, run["id"], name=task)


class StrictParser(unittest.TestCase):
    """The parser itself refuses what it should."""

    def test_what_is_wrong_is_refused(self):
        good = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"y\"} 1\n"
        parsed(good)
        for bad in (
            good[:-1],
            good.replace("counter", "gauge"),
            good.replace("# HELP a_total A.\n", ""),
            good.replace('"y"', '"y"y"'),
            good.replace('"y"', '"y\\q"'),
            good + 'a_total{x="y"} 2\n',
            good + "b 1\n",
            good.replace("} 1", "} one"),
            good.replace("} 1", "} -1"),
        ):
            with self.assertRaises((AssertionError, ValueError, KeyError), msg=bad):
                parsed(bad)


if __name__ == "__main__":
    unittest.main()
