#!/usr/bin/env python3
"""Tests of what ./dev bench live computes, on made-up moments: no stack."""

import html.parser
import json
import pathlib
import random
import sys
import unittest

sys.path[:0] = [str(pathlib.Path(__file__).parent)]
import figures  # noqa: E402
import load  # noqa: E402
import page  # noqa: E402
import report  # noqa: E402

BEGIN = 1_700_000_000_000_000
MACHINE = {"cpu": "<x>", "cores": 2, "memory_bytes": 1, "kernel": "6", "time": "t"}


def probe_lines(token="live-0123456789ab", transaction="77:9000", base=BEGIN, rows=2, **left_out):
    """What live_probe writes of a transaction: rows at 3 and 4 ms, END at 5, command at 9, events at 12, seen at 14."""
    decided = "2023-11-14T22:13:20.010000Z"  # 10 ms
    lines = [f"record\t{base + (3 + n) * 1000}\tbos.public.core_bank\t0\t{token}\t{transaction}\t{base - 500}\t"
             f"{base + 1000}\t" for n in range(rows)]
    if "end" not in left_out:
        lines.append(f"record\t{base + 5000}\tbos.transaction\t0\t\t{transaction}\t0\t0\t")
    lines += [f"record\t{base + 9000}\tx.commands.v1\t0\t{token}\t\t0\t0\t",
              f"record\t{base + 11000}\tx.events.v1\t0\t{token}\t\t0\t0\t{decided}",
              f"record\t{base + 12000}\tx.events.v1\t0\t{token}\t\t0\t0\t{decided}",
              f"visible\t{base + 14000}\t{token}\t28"]
    return lines


def noted(token="live-0123456789ab", transaction="77", rows=2, kind="together"):
    return {"token": token, "kind": kind, "rows": rows, "transaction": transaction, "committed_us": BEGIN}


class SampleTest(unittest.TestCase):
    def test_each_stage_ends_with_the_last_of_what_belongs_to_it_and_all_add_up_to_the_whole(self):
        (sample,) = figures.samples([noted()], probe_lines())
        self.assertEqual([sample.ms((begin, end)) for _, begin, end in figures.STAGES], [5, 4, 1, 2, 2])
        self.assertEqual(sample.ms(figures.WHOLE), 14)
        self.assertEqual(sample.ms(figures.DAYBOOK), 9)
        self.assertEqual(sample.ms(("source", "committed")), 0.5)

    def test_what_was_not_seen_is_an_error_that_names_it(self):
        with self.assertRaisesRegex(figures.Unseen, "its END"):
            figures.samples([noted()], probe_lines(end=False))
        with self.assertRaisesRegex(figures.Unseen, "its rows' records"):
            figures.samples([noted(rows=3)], probe_lines())
        with self.assertRaisesRegex(figures.Unseen, "its text in the API"):
            figures.samples([noted()], [line.replace(f"visible\t{BEGIN + 14000}", "visible\t0")
                                        for line in probe_lines()])


class QuantileTest(unittest.TestCase):
    def test_quantiles_are_values_that_occurred(self):
        values = list(range(1, 101))
        self.assertEqual([figures.quantile(values, share) for share in (0.5, 0.99, 1)], [50, 99, 100])
        self.assertEqual(figures.quantile([7], 0.99), 7)

    def test_the_interval_of_a_rare_quantile_is_as_wide_as_few_samples_make_it(self):
        self.assertEqual(figures.interval(list(range(100)), 0.99), (97, 99))
        low, high = figures.interval(list(range(10_000)), 0.99)
        self.assertTrue(9870 < low < 9890 < 9910 < high < 9930, (low, high))


class HistogramTest(unittest.TestCase):
    PAGE = ('# TYPE a histogram\na_bucket{{model="detail.v1",le="0.005"}} {}\n'
            'a_bucket{{model="detail.v1",le="0.01"}} {}\na_bucket{{model="detail.v1",le="+Inf"}} {}\n'
            'a_count{{model="detail.v1"}} 9\nb_total 3\n')

    def test_only_what_was_counted_between_two_pages_counts(self):
        before, after = (figures.histograms(self.PAGE.format(*counts)) for counts in ((1, 2, 2), (2, 12, 12)))
        buckets = figures.counted([(before, after)], "a", {"model": "detail.v1"})
        self.assertEqual(buckets, [(0.005, 1), (0.01, 10), (float("inf"), 10)])
        lower, upper, value = figures.bucket_of(buckets, 0.5)
        self.assertEqual((lower, upper), (0.005, 0.01))
        self.assertTrue(lower < value < upper)
        self.assertIsNone(figures.bucket_of(figures.counted([(after, after)], "a", {"model": "detail.v1"}), 0.5))

    def test_they_agree_where_the_medians_do_and_differ_where_they_do_not(self):
        def page_of(name, labels, bound):
            text = ",".join(f'{key}="{value}"' for key, value in labels.items())
            text += "," if text else ""
            return figures.histograms(f'{name}_bucket{{{text}le="0.0001"}} 0\n{name}_bucket{{{text}le="{bound}"}} 5\n'
                                      f'{name}_bucket{{{text}le="+Inf"}} 5\n')

        made = figures.samples([noted()], probe_lines())
        for bound, agrees in ((0.02, True), (0.001, False)):
            pages = {}
            for service, name, labels, _ in figures.OWN:
                pages.setdefault(service, []).append(({}, page_of(name, labels, bound)))
            self.assertEqual([row["agrees"] for row in figures.agreement(made, pages)], [agrees] * 3)


class LoadTest(unittest.TestCase):
    def test_a_load_has_one_transaction_in_each_interval(self):
        due = load.due_times(200, 3, random.Random(1))
        self.assertEqual([int(at * 200) for at in due], list(range(600)))


class ReportTest(unittest.TestCase):
    def rounds(self):
        lines, committed = [], []
        for number in range(40):
            token = f"live-{number:012x}"
            lines += probe_lines(token, f"{number}:1")
            committed.append(noted(token, str(number), kind=("edit", "together")[number % 2]))
        pages = dict.fromkeys(("beneficiary-gateway", "beneficiary-command", "beneficiary-query"), {})
        return [{"samples": figures.samples(committed, lines), "before": pages, "after": pages, "seconds": 4,
                 "used": ({"kafka": 1.0, "this": 0.5}, 3.0), "rate": 10.0, "late_ms": 1.0}]

    def test_the_table_and_the_file_say_which_target_is_missed(self):
        found = report.make({10: self.rounds()}, MACHINE, 500)
        stages = json.loads(json.dumps(found))["rates"][0]["stages"]
        self.assertFalse(stages["daybook"]["targets"]["p50_ms"]["met"])
        self.assertTrue(stages["whole"]["targets"]["p50_ms"]["met"])
        self.assertAlmostEqual(sum(stages[name]["share"] for name, _, _ in figures.STAGES), 1)
        printed = report.table(found)
        self.assertIn("p50 9.0 ! 5", printed)
        self.assertIn("p99 14.0 <= 60", printed)
        self.assertIn("others 38 %", printed)

    def test_the_page_is_whole_and_needs_nothing_from_elsewhere(self):
        made = page.make(report.make({10: self.rounds()}, MACHINE, 500))
        open_tags = []

        class Reader(html.parser.HTMLParser):
            def handle_starttag(self, tag, _):
                if tag not in ("meta",):
                    open_tags.append(tag)

            def handle_startendtag(self, tag, _):
                pass

            def handle_endtag(self, tag):
                assert open_tags.pop() == tag, tag

        Reader().feed(made)
        self.assertEqual(open_tags, [])
        self.assertNotIn("http", made)
        self.assertNotIn("nan", made.replace("finance", ""))


if __name__ == "__main__":
    unittest.main()
