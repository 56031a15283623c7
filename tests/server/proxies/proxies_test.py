# SPDX-License-Identifier: Apache-2.0
"""The configurations of apps/server/deploy, with two servers, one of which goes away."""
import signal
import subprocess
import sys
import time
import unittest

from cluster import DEPLOY, HAPROXY, MOCK, NGINX, Cluster
from load import Load, stream_once

SKIPPED = 77


class ProxyCases:
    """What is true of every configuration; `name` says which."""

    def setUp(self):
        self.start(Cluster(self.name))

    def start(self, cluster):
        self.cluster = cluster
        self.addCleanup(cluster.__exit__)
        cluster.__enter__()
        self.first, self.second = cluster.servers

    def test_the_file_is_valid(self):
        done = subprocess.run(self.cluster.check, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("WARNING", done.stderr.upper())
        self.assertNotIn("[WARN]", done.stderr)

    def test_a_stream_passes_piece_by_piece(self):
        self.start(Cluster(self.name, MOCK))  # 50 ms between two pieces: more than any delay
        arrivals = []
        kind, *_ = stream_once(self.cluster.port, "slow 20",
                               on_piece=lambda: arrivals.append(time.monotonic()))
        self.assertEqual(kind, "complete")
        # A proxy that holds pieces back hands over many in one moment: few gaps make up all the
        # time.
        gaps = [later - earlier for earlier, later in zip(arrivals, arrivals[1:])]
        usual = sum(gaps) / len(gaps)
        self.assertGreater(len([gap for gap in gaps if gap > usual / 5]), len(gaps) / 2)

    def test_a_killed_server_costs_its_own_streams_and_no_more(self):
        with Load(self.cluster.port) as load:
            self.cluster.wait(lambda: load.completed_by(self.first, 0) > 4, "both at work")
            self.cluster.wait(lambda: load.completed_by(self.second, 0) > 4, "both at work")
            killed = time.monotonic()
            self.cluster.servers[self.first].kill(signal.SIGKILL)
            self.cluster.wait(lambda: load.completed_by(self.second, killed + 0.5) > 12,
                              "the other to go on")
            restarted = time.monotonic()
            self.cluster.servers[self.first] = self.cluster.servers[self.first].restart()
            self.cluster.wait(lambda: load.completed_by(self.first, restarted) > 4,
                              "the restarted one to be used again")
        self.assertEqual(load.of_kind("wrong"), [])
        lost = load.of_kind("cut", "refused")
        self.assertLessEqual(len(lost), len(load.threads), lost)
        self.assertGreater(len(lost), 0)  # else nothing was under way, and the test showed nothing
        late = [each for each in lost if each.began > killed + 0.5]
        self.assertEqual(late, [])

    def test_a_draining_server_costs_nothing(self):
        load = self.drain_under_load()
        self.assertEqual(load.of_kind("wrong", "cut", "refused"), [])

    def drain_under_load(self):
        with Load(self.cluster.port) as load:
            self.cluster.wait(lambda: load.completed_by(self.first, 0) > 4, "both at work")
            self.assertEqual(self.cluster.servers[self.first].kill(signal.SIGTERM), 0)
            ended = time.monotonic()
            self.cluster.wait(lambda: load.completed_by(self.second, ended) > 12,
                              "the other to go on")
            self.assertEqual(load.completed_by(self.first, ended), 0)
        return load


class HaproxyCases(ProxyCases):
    def test_a_refusal_while_draining_is_tried_elsewhere(self):
        self.start(Cluster(self.name, [*MOCK, "--drain", "3", "--strict-drain"]))
        load = self.drain_under_load()
        self.assertEqual(load.of_kind("wrong", "cut"), [])
        # The other server is full, so those that come before the first 503 is known have nowhere to
        # go.
        self.assertLessEqual(len(load.of_kind("refused")), 4)


class AffinityCases(ProxyCases):
    def server_of(self, question, **more):
        kind, _, server = stream_once(self.cluster.port, question, **more)
        self.assertEqual(kind, "complete")
        time.sleep(0.05)  # until the proxy counts it no more: what is busy passes requests on
        return server

    def test_a_session_stays_where_it_is(self):
        headers = [{"x-session": f"session-{number}"} for number in range(16)]
        where = [self.server_of("slow 1", headers=each) for each in headers]
        self.assertEqual([self.server_of("slow 2", headers=each) for each in headers], where)
        self.assertEqual(set(where), {str(self.first), str(self.second)})


@unittest.skipUnless(HAPROXY, "haproxy is not installed")
class HaproxyLeastConnections(HaproxyCases, unittest.TestCase):
    name = "haproxy-leastconn.cfg"


@unittest.skipUnless(HAPROXY, "haproxy is not installed")
class HaproxyAffinity(HaproxyCases, AffinityCases, unittest.TestCase):
    name = "haproxy-affinity.cfg"

    def test_a_conversation_stays_where_it_began(self):
        self.start(Cluster(self.name, MOCK))  # which reads prompts of any length
        for filler in (10, 200_000):  # the second is longer than what the proxy looks at
            more = [{"role": "assistant", "content": "x" * filler},
                    {"role": "user", "content": "say yes"}]
            firsts = [f"say {number}" for number in range(16)]
            began = [self.server_of(first) for first in firsts]
            went_on = [self.server_of(first, more=more) for first in firsts]
            self.assertEqual(went_on, began)
            self.assertEqual(set(began), {str(self.first), str(self.second)})


@unittest.skipUnless(NGINX, "nginx is not installed")
class NginxLeastConnections(ProxyCases, unittest.TestCase):
    name = "nginx-least-conn.conf"


@unittest.skipUnless(NGINX, "nginx is not installed")
class NginxAffinity(AffinityCases, unittest.TestCase):
    name = "nginx-affinity.conf"


class Kubernetes(unittest.TestCase):
    def test_the_file_is_what_it_says(self):
        try:
            import yaml  # noqa: PLC0415
        except ImportError:
            self.skipTest("python3-yaml is not installed")
        documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
        kinds = {document["kind"]: document for document in documents}
        self.assertEqual(list(kinds), ["Deployment", "Service", "HorizontalPodAutoscaler"])
        pod = kinds["Deployment"]["spec"]["template"]
        container = pod["spec"]["containers"][0]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            self.assertEqual(container[probe]["httpGet"], {"path": "/health", "port": "http"})
        self.assertEqual(kinds["Service"]["spec"]["selector"], pod["metadata"]["labels"])
        self.assertEqual(kinds["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"],
                         kinds["Deployment"]["metadata"]["name"])
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        self.assertEqual(mounted, {volume["name"] for volume in pod["spec"]["volumes"]})


if __name__ == "__main__":
    program = unittest.main(verbosity=2, exit=False)
    if not program.result.wasSuccessful():
        sys.exit(1)
    sys.exit(SKIPPED if len(program.result.skipped) == program.result.testsRun else 0)
