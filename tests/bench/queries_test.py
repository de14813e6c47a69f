#!/usr/bin/env python3
"""./dev bench queries, without the systems it measures: a difference in a byte is found, its client counts what goes
wrong, and what it prints says what was measured.

    queries_test.py HTTP_LOAD BARE_BEAST
"""

import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import types
import unittest
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from bench.queries import data, measure, report, sides  # noqa: E402
from stack.base import Problem  # noqa: E402

HTTP_LOAD, BARE_BEAST = "", ""


class Pages(http.server.BaseHTTPRequestHandler):
    """Answers like client/beneficiaries; one client's page is wrong."""

    protocol_version = "HTTP/1.1"
    seen = []

    def do_GET(self):
        self.seen.append((self.command, self.path))
        self.send_response(500 if "BROKEN" in self.path else 200)
        body = b"[]" if "EBPCLI000004" not in self.path else b"[ ]"
        for name, value in (("Content-Type", "application/json"), ("X-Total-Count", "0"), ("X-Page", "1"),
                            ("X-Page-Size", "50"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *_):
        pass


class QueriesTest(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.shutdown)
        Pages.seen = []
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def port(self):
        return self.server.server_address[1]

    def load(self, *lines, **flags):
        (self.folder / "requests").write_text("\n".join(lines) + "\n", "ascii")
        argv = [HTTP_LOAD, f"--port={self.port()}", f"--requests={self.folder / 'requests'}",
                *(f"--{name}={value}" for name, value in flags.items())]
        done = subprocess.run(argv, stdout=subprocess.PIPE, check=False, timeout=60)
        return done.returncode, json.loads(done.stdout)

    def test_clients_of_each_size_are_there_in_numbers(self):
        mix = data.Mix()
        counts = list(mix.counts())
        self.assertEqual(sum(counts), 200_000)
        for size in (10, 50, 500):
            refs = mix.refs(size)
            self.assertEqual(len(set(refs)), 200)
            self.assertTrue(all(counts[int(ref[6:]) - 1] == size for ref in refs), size)
        with self.assertRaises(Problem):
            data.Mix(beneficiaries=40).refs(500)

    def test_a_difference_in_one_byte_of_one_page_fails_before_anything_is_timed(self):
        mix = data.Mix(beneficiaries=1120, asked=2)
        bench = types.SimpleNamespace(mix=mix, scratch=lambda name: self.folder / name)
        side = sides.HttpSide(bench, "fake", "a fake", self.port, set)
        good = data.digest_of((200, ["application/json", "0", "1", "50"], b"[]"))
        reference = {ref: good for size in mix.sizes for ref in mix.refs(size)}
        self.assertIn("EBPCLI000004", mix.refs(10))
        with self.assertRaises(Problem) as found:
            measure.compare(side, 10, reference)
        self.assertIn("EBPCLI000004", str(found.exception))
        measure.compare(side, 50, reference)  # its pages are all right
        reference[mix.refs(50)[0]] = [404, *good[1:]]
        with self.assertRaises(Problem):
            measure.compare(side, 50, reference)

    def test_the_client_counts_answers_and_errors(self):
        code, told = self.load("GET /a", "GET /b", connections=4, duration="0.2s")
        self.assertEqual((code, told["errors"]), (0, 0))
        self.assertEqual(told["answered"], len(Pages.seen))
        self.assertEqual(told["body_bytes"], 2 * told["answered"])
        # At a rate, so that both are asked however slow they are.
        code, told = self.load("GET /a", "GET /BROKEN", connections=1, duration="0.1s", rate=100)
        self.assertEqual((code, told["answered"], told["errors"]), (1, 10, 5))

    def test_with_a_rate_it_keeps_to_it_and_goes_on_where_it_is_told(self):
        code, told = self.load(*(f"PUT /{n}" for n in range(100)), connections=2, duration="0.5s", rate=100, first=30)
        self.assertEqual((code, told["answered"]), (0, 50))
        self.assertEqual(sorted(Pages.seen), [("PUT", f"/{n}") for n in range(30, 80)])

    def test_the_bare_server_sends_its_files_in_turn(self):
        for name in ("one", "two"):
            (self.folder / name).write_text(name, "ascii")
        with subprocess.Popen([BARE_BEAST, self.folder / "one", self.folder / "two"], stdout=subprocess.PIPE) as child:
            self.addCleanup(child.terminate)
            asker = data.Asker(int(child.stdout.readline()))
            self.assertEqual([asker.ask("/")[2] for _ in range(3)], [b"one", b"two", b"one"])
            child.terminate()

    def test_the_report_shows_ratios_and_says_what_misses_its_target(self):
        mix = data.Mix(sizes=(50,))
        bench = types.SimpleNamespace(mix=mix, mean_bytes=lambda size: 46_000, figures={}, writes={}, queries={})
        speeds = {"django": 8, "bare": 28_000, "daybook": 15_000, "daybook-written": 14_000}
        for name, speed in speeds.items():
            for connections in (64, 1):
                told = {"per_second": speed, "p50_us": 1e6 / speed, "p99_us": 4e6 / speed, "answered": 10, "errors": 0,
                        "server_cpu_us": 20, "client_cpu_us": 10, "client_cpu_share": 0.3}
                bench.figures[name, 50, connections] = measure.Figure([told, told, told])
        chosen = [types.SimpleNamespace(name=name, label=f"<{name}>") for name in speeds]
        result = {"machine": report.machine(), "mix": {"beneficiaries": 1, "asked": 1, "sizes": [50]}, "rounds": 3,
                  "seconds": 1, "rows": report.figures(bench, chosen), "writes": [],
                  "targets": report.targets(bench, chosen)}
        text = report.text_of(result)
        self.assertRegex(text, r"<daybook> +15,000 \(15,000-15,000\) +1,875 ")
        self.assertRegex(text, r"(?m)^! requests a second, beside bare Beast: 0\.54 .*>= 0\.70$")
        self.assertRegex(text, r"(?m)^! requests a second, beside Django as written: 1,875 .*>= 2,500$")
        self.assertRegex(text, r"(?m)^  p50 at one connection, us: 66\.7 .*<= 100$")
        page = report.page_of(result)
        for svg in page.split("<svg")[1:]:
            xml.etree.ElementTree.fromstring("<svg" + svg.partition("</svg>")[0] + "</svg>")
        self.assertNotRegex(page, r"https?://|src=|<daybook>")
        self.assertIn("at least 2,500, missed", page)


if __name__ == "__main__":
    HTTP_LOAD, BARE_BEAST = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
