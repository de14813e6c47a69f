#!/usr/bin/env python3
"""The switch as its operator and its clients meet it: settings, modes over restarts and crashes, two services behind it
that agree, differ, lag, fail and hang, and its end.

    process_test.py BINARY
"""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from switch_process import SwitchProcess  # noqa: E402
from upstream import Upstream, once  # noqa: E402

BINARY = ""
MODES = ("bos", "shadow", "daybook-shadowed", "daybook")


def run(*flags, env=None):
    return subprocess.run([BINARY, *flags], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {})})


class ProcessTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="daybook-switch-")
        self.addCleanup(self.directory.cleanup)
        self.data_dir = os.path.join(self.directory.name, "data")
        self.bos = Upstream(b'["bos"]')
        self.addCleanup(self.bos.close)
        self.daybook = Upstream(b'["daybook"]')
        self.addCleanup(self.daybook.close)

    def start(self, *flags):
        return SwitchProcess(BINARY, self.data_dir, self.bos.address, self.daybook.address, *flags)

    # --- settings -----------------------------------------------------------------------------------------------------

    def test_help_names_every_setting(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for name in ("data_dir", "http_address", "admin_address", "bos_address", "daybook_address", "bos_timeout",
                     "daybook_timeout", "initial_mode", "fallback", "suspend_after", "compare_headers",
                     "compare_ignore", "settling_time", "compare_in_flight_max", "drain_timeout"):
            self.assertIn(name, done.stdout)

    def test_bad_settings_exit_with_2_and_are_named(self):
        for flags, env, told in ((["--nope"], {}, "nope"), (["--initial_mode=both"], {}, "initial_mode"),
                                 (["--fallback=maybe"], {}, "fallback"), (["--bos_timeout=0s"], {}, "bos_timeout"),
                                 (["--compare_ignore=aliases"], {}, "compare_ignore"), (["left over"], {}, "left over"),
                                 (["--admin_address="], {}, "admin_address"), ([], {"SWITCH_NOPE": "1"}, "SWITCH_NOPE"),
                                 ([], {"SWITCH_SETTLING_TIME": "soon"}, "SWITCH_SETTLING_TIME")):
            done = run(f"--data_dir={self.data_dir}", *flags, env=env)
            self.assertEqual(done.returncode, 2, (flags, done.stderr))
            self.assertIn(told, done.stderr)
            self.assertFalse(os.path.exists(self.data_dir))

    def test_what_cannot_be_opened_exits_with_1_and_is_named(self):
        for flags, told in ((["--http_address=256.1.1.1:1"], "256.1.1.1"), (["--bos_address=nowhere"], "nowhere"),
                            (["--data_dir=/proc/no"], "/proc/no")):
            done = run(f"--data_dir={self.data_dir}", "--http_address=127.0.0.1:0", "--admin_address=127.0.0.1:0",
                       *flags)
            self.assertEqual(done.returncode, 1, (flags, done.stderr))
            self.assertIn(told, done.stderr)

    def test_settings_come_from_the_environment_and_a_file_too(self):
        config = os.path.join(self.directory.name, "switch.conf")
        with open(config, "w") as file:
            file.write("# of this test\ninitial_mode = daybook\n")
        os.environ["SWITCH_FALLBACK"] = "none"
        self.addCleanup(os.environ.pop, "SWITCH_FALLBACK")
        with self.start(f"--config={config}") as switch:
            status = switch.admin("GET", "/api/status")[1]
            self.assertEqual((status["modes"]["for_all"], status["fallback"]), ("daybook", "none"))

    def test_a_second_process_on_the_directory_exits_and_says_why(self):
        with self.start():
            done = run(f"--data_dir={self.data_dir}", "--http_address=127.0.0.1:0", "--admin_address=127.0.0.1:0")
            self.assertEqual(done.returncode, 1)
            self.assertIn("another process", done.stderr)

    # --- the operator's side ------------------------------------------------------------------------------------------

    def test_the_operators_pages_and_metrics(self):
        self.daybook.body = self.bos.body
        with self.start("--initial_mode=shadow") as switch:
            for _ in range(7):
                switch.get()
            switch.wait_for(lambda: switch.comparisons()["equal"] == 7, "the comparisons")
            for page, told in (("/livez", "ok"), ("/readyz", "ok"), ("/version", '"beneficiary-switch"'),
                               ("/metrics", 'switch_comparisons_total{verdict="equal"} 7'),
                               ("/metrics", 'switch_requests_total{answered_by="bos",mode="shadow"} 7'),
                               ("/metrics", 'switch_mode{mode="shadow"} 1'),
                               ("/metrics", 'switch_side_seconds_count{side="daybook"} 7')):
                status, _, body = switch.request("GET", page, edge="admin")
                self.assertEqual(status, 200)
                self.assertIn(told, body.decode())
            switch.wait_for(
                lambda: b"switch_answer_seconds_count 7" in switch.request("GET", "/metrics", edge="admin")[2],
                "the count of the answers, which comes behind them")

    def test_the_clients_address_serves_nothing_but_the_endpoint(self):
        with self.start() as switch:
            for path in ("/", "/api/status", "/api/modes", "/metrics", "/page.js", "/client/beneficiaries/1"):
                self.assertEqual(switch.request("GET", path)[0], 404, path)
            self.assertEqual(switch.request("PUT", "/api/modes/all", body='{"mode":"daybook"}')[0], 404)
            self.assertEqual(switch.request("POST", "/client/beneficiaries", body="{}")[0], 405)

    def test_bad_changes_are_refused_and_change_nothing(self):
        with self.start() as switch:
            change = {"mode": "daybook"}
            for headers, body, status in (({"Content-Type": "text/plain"}, change, 400),
                                          ({"Origin": "http://evil.example"}, change, 403),
                                          ({"If-Match": '"7"'}, change, 412), ({"If-Match": "seven"}, change, 400),
                                          ({}, {"mode": "both"}, 400), ({}, {"mode": 1}, 400),
                                          ({}, [], 400), ({}, {}, 400),
                                          ({}, {"mode": "daybook", "by": "x" * 201}, 400)):
                got = switch.admin("PUT", "/api/modes/all", body, headers)
                self.assertEqual(got[0], status, (headers, body, got))
            self.assertEqual(switch.admin("DELETE", "/api/modes/clients/EBPCLI000001")[0], 404)
            self.assertEqual(switch.admin("POST", "/api/evidence:reset", headers={"Origin": "http://evil"})[0], 403)
            self.assertEqual(switch.admin("PUT", "/api/modes/all", {**change, "by": "x" * 5000})[0], 413)
            modes = switch.admin("GET", "/api/modes")[1]
            self.assertEqual((modes["for_all"], modes["change_count"]), ("bos", 0))
            origin = {"Origin": f"http://127.0.0.1:{switch.ports['admin']}", "If-Match": '"0"'}
            self.assertEqual(switch.admin("PUT", "/api/modes/all", change, origin)[0], 200)

    def test_a_browser_may_use_only_names_that_are_known(self):
        with self.start("--admin_host_names=switch.internal") as switch:
            for host, status in (("switch.internal:8071", 200), ("localhost:1", 200), ("[::1]:8071", 200),
                                 ("10.0.0.7", 200), ("rebound.example:8071", 403), ("[::1].evil.example", 403)):
                got = switch.admin("PUT", "/api/modes/all", {"mode": "shadow"},
                                   {"Host": host, "Origin": f"http://{host}"})
                self.assertEqual(got[0], status, host)

    def test_the_evidence_can_be_forgotten(self):
        with self.start("--initial_mode=shadow", "--settling_time=0") as switch:
            switch.get()
            switch.wait_for(lambda: switch.comparisons()["different"] == 1, "the difference")
            self.assertEqual(switch.admin("POST", "/api/evidence:reset")[0], 204)
            self.assertEqual(sum(switch.comparisons().values()), 0)
            self.assertEqual(switch.evidence()["differences"], [])

    # --- modes over restarts ------------------------------------------------------------------------------------------

    def test_modes_are_kept_over_restarts_and_crashes(self):
        with self.start("--initial_mode=shadow") as switch:
            switch.flip("daybook-shadowed")
            switch.flip("bos", "EBPCLI000007")
            self.assertEqual(switch.stop(), 0)
        with self.start("--initial_mode=shadow") as switch:
            self.assertEqual(switch.get()[1]["X-Switch-Mode"], "daybook-shadowed")
            self.assertEqual(switch.get("EBPCLI000007")[1]["X-Switch-Mode"], "bos")
            switch.flip("daybook")
            switch.kill()
        with self.start("--initial_mode=shadow") as switch:
            self.assertEqual(switch.get()[1]["X-Switch-Mode"], "daybook")
            self.assertEqual(len(switch.admin("GET", "/api/modes")[1]["changes"]), 3)

    def test_a_kill_while_flipping_leaves_the_last_answered_mode_or_the_one_under_way(self):
        seed = random.SystemRandom().randrange(1 << 32)
        print(f"seed {seed}", end=" ", flush=True)
        chance = random.Random(seed)
        possible = {("bos", 0)}  # the mode and the number of changes
        total = 0
        for _ in range(15):
            with self.start() as switch:
                modes = switch.admin("GET", "/api/modes")[1]
                found = (modes["for_all"], modes["change_count"])
                self.assertIn(found, possible)
                possible = self.flip_until_killed(switch, found, chance)
                total = found[1]
        self.assertGreaterEqual(total, 14)

    def flip_until_killed(self, switch, found, chance):
        """What may be found afterwards: the last flip answered, and one that was under way."""
        answered, sent = [found], [found]
        going = threading.Event()

        def flip_on():
            try:
                while True:
                    sent.append((MODES[chance.randrange(4)], answered[-1][1] + 1))
                    switch.flip(sent[-1][0])
                    answered.append(sent[-1])
                    going.set()
            except (OSError, http.client.HTTPException):
                pass

        thread = threading.Thread(target=flip_on)
        thread.start()
        self.assertTrue(going.wait(20))
        threading.Event().wait(chance.random() * 0.05)
        switch.kill()
        thread.join()
        return {answered[-1], sent[-1]}

    def test_a_damaged_file_stops_the_start_and_says_what_to_do(self):
        with self.start() as switch:
            switch.flip("shadow")
            self.assertEqual(switch.stop(), 0)
        with open(os.path.join(self.data_dir, "modes.json"), "r+") as file:
            file.truncate(30)
        done = run(f"--data_dir={self.data_dir}", "--http_address=127.0.0.1:0", "--admin_address=127.0.0.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("modes.json", done.stderr)
        self.assertIn("--initial_mode", done.stderr)

    # --- two services behind it ---------------------------------------------------------------------------------------

    def test_they_agree_lag_and_differ(self):
        with self.start("--initial_mode=shadow", "--settling_time=2s", "--compare_ignore=/*/aliases") as switch:
            def page(name, aliases=()):
                return json.dumps([{"beneficiary_id": "7", "name": name, "aliases": list(aliases)}]).encode()

            self.bos.body, self.daybook.body = page("Ana"), page("Ana", ["ignored"])
            for _ in range(10):
                switch.get()
            switch.wait_for(lambda: switch.comparisons()["equal"] == 10, "agreement")
            self.bos.body = page("Eva")
            self.daybook.body = once(page("Ana"), page("Eva"))
            switch.get()
            switch.wait_for(lambda: switch.comparisons()["lag"] == 1, "lag")
            self.daybook.headers = {"Content-Type": "application/json", "X-Total-Count": "2"}
            self.daybook.body = page("eva")
            switch.get()
            switch.wait_for(lambda: switch.comparisons()["different"] == 1, "a difference")
            sample = switch.evidence()["differences"][0]
            self.assertEqual([d["place"] for d in sample["differences"]],
                             ["/beneficiary_id=7/name", "header X-Total-Count"])
            self.assertGreaterEqual(sample["watched_ms"], 2000)
            self.assertNotIn("Eva", json.dumps(switch.evidence()))
            self.assertEqual(switch.evidence()["lag"]["count"], 1)
            self.assertGreater(switch.evidence()["lag"]["p50_ms"], 0)

    def test_an_answer_passes_through_byte_for_byte(self):
        body = bytes(random.Random(1).randrange(256) for _ in range(300_000))
        self.bos.body = body
        self.bos.headers = {"Content-Type": "application/json; charset=utf-8", "X-Total-Count": "9", "X-Page": "1",
                            "X-Page-Size": "50", "Vary": "Accept", "X-Frame-Options": "DENY"}
        for mode in ("bos", "shadow"):
            with self.start(f"--initial_mode={mode}") as switch:
                status, headers, got = switch.get()
                self.assertEqual(status, 200)
                self.assertEqual(got, body)
                for name, value in self.bos.headers.items():
                    self.assertEqual(headers[name], value)
                self.assertEqual(switch.stop(), 0)

    def test_a_thousand_requests_while_the_compared_side_hangs(self):
        self.daybook.hang()
        with self.start("--initial_mode=shadow", "--compare_in_flight_max=32", "--compare_timeout=60s") as switch:
            took = self.ask_a_thousand(switch, "bos", b'["bos"]')
            self.assertLess(took[-1], 20, "no answer has waited for the side that hangs")
            self.assertEqual(switch.comparisons()["dropped"], 1000 - 32)
            self.daybook.close()
            switch.wait_for(lambda: sum(switch.comparisons().values()) == 1000, "a verdict for each")
            self.assertEqual(switch.comparisons()["unanswered"], 32)

    def test_a_thousand_requests_while_the_chosen_side_hangs(self):
        self.daybook.hang()
        with self.start("--initial_mode=daybook", "--daybook_timeout=2s", "--suspend_after=3",
                        "--suspend_for=60s") as switch:
            took = self.ask_a_thousand(switch, "bos", b'["bos"]')
            self.assertLess(took[500], 1, "most did not wait for the time-out")
            fallbacks = switch.wait_for(
                lambda: (f := switch.evidence()["totals"]["fallbacks_from"]["daybook"])
                and sum(f.values()) == 1000 and f, "the counts, which come behind the answers")
            self.assertGreater(fallbacks["suspended"], 900)
            metrics = switch.request("GET", "/metrics", edge="admin")[2].decode()
            self.assertIn(f'switch_fallbacks_total{{from="daybook",reason="timeout"}} {fallbacks["timeout"]}', metrics)

    def ask_a_thousand(self, switch, answered_by, body):
        """From 8 clients at once; the times sorted."""
        took, wrong = [], []

        def ask():
            for _ in range(125):
                began = time.monotonic()
                status, headers, got = switch.get()
                took.append(time.monotonic() - began)
                if (status, headers.get("X-Answered-By"), got) != (200, answered_by, body):
                    wrong.append((status, headers, got))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(len(took), 1000)
        return sorted(took)

    def test_a_failing_side_is_told_in_a_header_and_a_metric(self):
        self.daybook.status = 503
        with self.start("--initial_mode=daybook", "--suspend_after=100") as switch:
            status, headers, body = switch.get()
            self.assertEqual((status, body), (200, b'["bos"]'))
            self.assertEqual(headers["X-Answered-By"], "bos")
            self.assertEqual(headers["X-Switch-Fallback"], "daybook; status")
            self.daybook.close()
            self.assertEqual(switch.get()[1]["X-Switch-Fallback"], "daybook; error")
            fallbacks = switch.wait_for(
                lambda: (f := switch.evidence()["totals"]["fallbacks_from"]["daybook"])["error"] and f, "the count")
            self.assertEqual((fallbacks["status"], fallbacks["error"]), (1, 1))

    # --- its end ------------------------------------------------------------------------------------------------------

    def test_sigterm_lets_what_is_in_flight_finish(self):
        self.bos.hang()
        with self.start() as switch:
            answers = []
            thread = threading.Thread(target=lambda: answers.append(switch.get()))
            thread.start()
            switch.wait_for(lambda: self.bos.asked, "the request")
            switch.process.send_signal(signal.SIGTERM)
            threading.Event().wait(0.2)
            self.assertIsNone(switch.process.poll())
            self.bos.resume()
            thread.join()
            self.assertEqual(answers[0][0], 200)
            self.assertEqual(answers[0][2], b'["bos"]')
            self.assertEqual(switch.process.wait(20), 0)


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
