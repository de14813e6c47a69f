#!/usr/bin/env python3
"""The operator's page in headless Chromium: it loads without errors, its numbers are those of the API, the flip works,
and it fits a wide and a narrow screen, light and dark.

    page_test.py BINARY [SCREENSHOT_DIRECTORY]
"""

import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import browser as chromium  # noqa: E402
from switch_process import SwitchProcess  # noqa: E402
from upstream import Upstream, once  # noqa: E402

BINARY = ""
SCREENSHOTS = None


def page_of(count, **changes):
    """A page of beneficiaries as both sides send it; changes: b3={"name": "…"}."""
    elements = []
    for i in range(count):
        element = {"beneficiary_id": str(100 + i), "client_id": "EBPCLI000042", "name": "Acme Iberia SL",
                   "aliases": ["acme"], "email_addresses": ["ap@acme.es"], "active": True, "country_code": "ES",
                   "bank_accounts": [{"account_id": str(i), "iban": "ES9121000418450200051332"}]}
        element.update(changes.get(f"b{i}", {}))
        elements.append(element)
    return json.dumps(elements, separators=(",", ":")).encode()


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = chromium.Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="daybook-page-")
        self.addCleanup(self.directory.cleanup)
        self.bos = self.enterContext_(Upstream(page_of(5)))
        self.daybook = self.enterContext_(Upstream(page_of(5)))
        self.switch = self.enterContext_(SwitchProcess(BINARY, self.directory.name, self.bos.address,
                                                       self.daybook.address, "--settling_time=2s",
                                                       "--daybook_timeout=30s"))
        self.browser.new_page()
        self.browser.viewport(1280, 900)

    def enterContext_(self, manager):  # unittest has its own from Python 3.11 on
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def open(self):
        self.browser.open(f"http://127.0.0.1:{self.switch.ports['admin']}/")
        self.refreshed()

    def refreshes(self):
        return int(self.browser.evaluate("document.documentElement.dataset.refreshes ?? 0"))

    def refreshed(self):
        """Lets the page ask, and show the answer, twice without waiting for its time: one may have been on its way."""
        seen = self.refreshes()
        self.browser.evaluate("refresh().then(refresh)")
        self.assertGreaterEqual(self.refreshes(), seen + 2)

    def traffic(self):
        """Agreement, a lag, differences, a fallback: some of everything."""
        self.switch.flip("shadow")
        for _ in range(40):
            self.switch.get()
        self.switch.wait_for(lambda: self.switch.comparisons()["equal"] == 40, "the first agreement")
        self.bos.body = page_of(5, b1={"name": "Acme Lda"})
        self.daybook.body = once(page_of(5), self.bos.body)
        self.switch.get()
        self.switch.wait_for(lambda: self.switch.comparisons()["lag"] == 1, "the lag")
        self.daybook.body = page_of(4, b1={"name": "ACME LDA"},
                                    b2={"aliases": ["acme", "<img src=x onerror=alert(1)>"]})
        self.switch.get()
        self.switch.get("EBPCLI000043")
        self.switch.wait_for(lambda: self.switch.comparisons()["different"] == 2, "the differences")
        self.daybook.body = self.bos.body
        self.daybook.status = 503
        self.switch.flip("daybook")
        self.switch.get()
        self.daybook.status = 200
        self.switch.flip("daybook-shadowed")
        for _ in range(10):
            self.switch.get()
        self.switch.wait_for(lambda: self.switch.comparisons()["equal"] == 50, "the agreement")
        self.switch.wait_for(self.latencies_are_counted, "the latencies")

    def latencies_are_counted(self):
        """They are counted behind the comparisons: 43 asked of both sides in shadow, 1 fallback, 10 of both again."""
        latency = self.switch.evidence()["course"]["latency"]
        return (latency["bos"]["count"], latency["daybook"]["count"]) == (54, 54)

    def shown(self, name):
        value = self.browser.evaluate(f"document.querySelector('[data-number={json.dumps(name)}]')?.dataset.value")
        self.assertIsNotNone(value, f"the page does not show {name}")
        return float(value)

    def screenshot(self, name):
        if SCREENSHOTS:
            os.makedirs(SCREENSHOTS, exist_ok=True)
            self.browser.screenshot(os.path.join(SCREENSHOTS, f"{name}.png"))

    def check_fits(self):
        width = self.browser.evaluate("innerWidth")
        self.assertEqual(self.browser.evaluate("document.documentElement.scrollWidth"), width)
        wider = self.browser.evaluate("""[...document.querySelectorAll("main *")].filter((e) => {
            const box = e.getBoundingClientRect();
            return box.width && box.right > innerWidth + 1 && !e.closest(".scroll, .samples, svg");
        }).map((e) => e.outerHTML.slice(0, 80))""")
        self.assertEqual(wider, [])

    def test_an_empty_page_says_so_without_errors(self):
        self.open()
        text = self.browser.evaluate("document.body.innerText")
        self.assertIn("Nothing has been compared yet", text)
        self.assertIn("No differences", text)
        self.screenshot("empty")
        seen = self.refreshes()
        self.browser.wait_for(f"Number(document.documentElement.dataset.refreshes) > {seen}")  # by itself
        self.assertEqual(self.browser.errors, [])

    def test_its_numbers_are_those_of_the_api(self):
        self.open()
        self.traffic()
        self.refreshed()
        for course, button in (("fine", None), ("coarse", "[data-course=coarse]")):
            if button:
                self.browser.click(button)
                self.refreshed()
            evidence = self.switch.evidence(course)
            totals = evidence["totals"]
            for verdict, count in totals["comparisons"].items():
                self.assertEqual(self.shown(f"totals.comparisons.{verdict}"), count)
            judged = sum(totals["comparisons"][verdict] for verdict in ("equal", "lag", "different"))
            self.assertAlmostEqual(self.shown("agreement"), (judged - totals["comparisons"]["different"]) / judged)
            self.assertEqual(self.shown("fallbacks"), 1)
            for side in ("bos", "daybook"):
                self.assertEqual(self.shown(f"answered.{side}"),
                                 sum(of_mode[side] for of_mode in totals["answered"].values()))
                self.assertEqual(self.shown(f"fallbacks.{side}"), sum(totals["fallbacks_from"][side].values()))
                for field in ("count", "p50_ms", "p90_ms", "p99_ms", "max_ms"):
                    self.assertEqual(self.shown(f"course.latency.{side}.{field}"),
                                     evidence["course"]["latency"][side][field])
            for place in evidence["places"]:
                self.assertEqual(self.shown(f"places.{place['place']}"), place["differences"])
            self.assertGreater(len(evidence["places"]), 2)
            self.assertEqual(self.browser.evaluate("document.querySelectorAll('.sample').length"),
                             len(evidence["differences"]))
            for chart in ("course", "curve", "speed"):
                self.assertGreater(self.browser.evaluate(f"document.querySelectorAll('#{chart} svg *').length"), 5)
        self.assertEqual(self.browser.errors, [])

    def test_differences_are_side_by_side_and_masked(self):
        self.open()
        self.traffic()
        self.refreshed()
        text = self.browser.evaluate("document.getElementById('samples').innerText")
        self.assertIn("/1/name", text)
        self.assertIn('"Xxxx Xxx #', text)
        self.assertIn('"XXXX XXX #', text)
        self.assertIn("only upper and lower case", text)
        everything = self.browser.evaluate("document.documentElement.outerHTML")
        for personal in ("Acme", "ACME", "ap@acme", "ES9121", "onerror"):
            self.assertNotIn(personal, everything)
        boxes = self.browser.evaluate("""[...document.querySelector(".sides").children].map(
            (e) => [e.getBoundingClientRect().left, e.getBoundingClientRect().top])""")
        self.assertLess(boxes[0][0], boxes[1][0])
        self.assertEqual(boxes[0][1], boxes[1][1])
        self.browser.click("[data-samples=lags]")
        self.browser.wait_for("document.getElementById('samples').dataset.count === '1'")
        self.assertEqual(self.browser.errors, [])

    def test_the_mode_is_flipped_after_a_confirmation_and_for_one_client(self):
        self.open()
        self.assertTrue(self.browser.evaluate("document.getElementById('flip').disabled"))
        self.browser.evaluate("document.getElementById('by').value = 'Ana';"
                              "document.getElementById('reason').value = 'go'")
        self.browser.click("[data-mode=shadow]")
        self.browser.click("#flip")
        self.assertEqual(self.switch.admin("GET", "/api/modes")[1]["for_all"], "bos")
        self.browser.click("#confirm-no")
        self.browser.click("#flip")
        self.browser.click("#confirm-yes")
        self.browser.wait_for("document.documentElement.dataset.mode === 'shadow'")
        modes = self.switch.admin("GET", "/api/modes")[1]
        self.assertEqual(modes["for_all"], "shadow")
        self.assertEqual([(c["to"], c["by"], c["reason"]) for c in modes["changes"]], [("shadow", "Ana", "go")])
        self.assertEqual(self.switch.get()[1]["X-Switch-Mode"], "shadow")

        self.browser.evaluate("document.getElementById('clients-box').open = true;"
                              "document.getElementById('add-client').value = 'EBPCLI000007';"
                              "document.getElementById('add-mode').value = 'daybook'")
        self.browser.click("#add button")
        self.browser.wait_for("document.getElementById('own-count').dataset.value === '1'")
        self.assertEqual(self.switch.get("EBPCLI000007")[1]["X-Answered-By"], "daybook")
        self.browser.click("#own button")
        self.browser.wait_for("document.getElementById('own-count').dataset.value === '0'")
        self.assertEqual(self.switch.get("EBPCLI000007")[1]["X-Answered-By"], "bos")
        self.assertEqual(self.browser.errors, [])

    def test_a_flip_by_somebody_else_in_between_is_not_overrun(self):
        self.open()
        self.browser.click("[data-mode=daybook]")
        known = self.browser.evaluate("state.status.modes.change_count")
        self.switch.flip("shadow")
        # As if the page's next look were still to come.
        self.browser.evaluate(f"state.status.modes.change_count = {known};"
                              "change('PUT', '/api/modes/all', {mode: 'daybook'})")
        self.assertIn("somebody else", self.browser.evaluate("document.getElementById('message').textContent"))
        self.assertEqual(self.switch.admin("GET", "/api/modes")[1]["for_all"], "shadow")

    def test_it_fits_wide_and_narrow_light_and_dark(self):
        self.traffic()
        for width, scheme in ((1280, "light"), (1280, "dark"), (400, "light"), (400, "dark"), (320, "light")):
            self.browser.viewport(width, 900, scheme)
            self.open()
            self.check_fits()
            self.screenshot(f"{width}-{scheme}")
        self.assertEqual(self.browser.errors, [])

    def test_a_switch_that_has_gone_is_told(self):
        self.open()
        self.switch.kill()
        self.browser.wait_for("!document.getElementById('banner').hidden")
        self.assertIn("cannot be reached", self.browser.evaluate("document.getElementById('banner').textContent"))


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv[1])
    if len(sys.argv) > 2 and not sys.argv[2].startswith("-"):
        SCREENSHOTS = os.path.abspath(sys.argv.pop(2))
    del sys.argv[1]
    if chromium.find() is None:
        sys.exit("chromium is not installed: cmake/packages.txt lists it")
    unittest.main(verbosity=2)
