#!/usr/bin/env python3
"""BOS itself: it answers byte for byte what was recorded, its other ways to the same page agree, its seeds repeat, and
what was rolled back was never there."""

import hashlib
import http.client
import json
import pathlib
import sys
import tempfile
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(pathlib.Path(__file__).parent)]
import definitive  # noqa: E402
import recorded  # noqa: E402
from load import Load  # noqa: E402
from stack.base import HOST, wait_until  # noqa: E402
from stack.bos import Bos  # noqa: E402
from stack.postgres import Postgres  # noqa: E402


class BosTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        (ROOT / "build").mkdir(exist_ok=True)
        cls.scratch = tempfile.TemporaryDirectory(prefix="bos-test-", dir=ROOT / "build")
        pathlib.Path(cls.scratch.name).chmod(0o711)  # PostgreSQL may run as another user
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.postgres = Postgres(pathlib.Path(cls.scratch.name, "postgres"))
        cls.addClassCleanup(cls.postgres.remove)
        cls.postgres.start()
        cls.bos = Bos(pathlib.Path(cls.scratch.name, "bos"), cls.postgres)
        cls.addClassCleanup(cls.bos.stop)
        cls.bos.start()

    def setUp(self):
        self.connection = http.client.HTTPConnection(HOST, self.bos.port, timeout=60)
        self.addCleanup(self.connection.close)

    def ask(self, path, method="GET", body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None,
                                {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def empty(self):
        self.postgres.sql(f"TRUNCATE {', '.join(recorded.TABLES)} RESTART IDENTITY", self.bos.database)

    def test_it_answers_the_recorded_sets_byte_for_byte(self):
        for name in ("sample", "bos-a", "bos-b"):
            recorded.load(self.postgres, self.bos.database, name)
            pages = 0
            for page in recorded.lines(name, "compat"):
                path = f"/client/beneficiaries?client_id={page['client_id']}&page={page['page']}&page_size=50"
                status, headers, body = self.ask(path)
                self.assertEqual((status, headers["X-Total-Count"]), (page["status"], str(page["total"])), (name, path))
                self.assertEqual(hashlib.sha256(body).hexdigest(), page["sha256"], (name, path))
                pages += 1
            self.assertGreater(pages, 10)

    def test_it_answers_the_recorded_odd_requests(self):
        recorded.load(self.postgres, self.bos.database, "bos-a")
        for edge in recorded.lines("bos-a", "compat-edge"):
            status, headers, body = self.ask(edge["request"])
            self.assertEqual(status, edge["status"], edge["request"])
            self.assertEqual(headers["Content-Type"], edge["content_type"])
            told = [headers.get(h) for h in ("X-Total-Count", "X-Page", "X-Page-Size")]
            self.assertEqual(told, [edge["total"], edge["page"], edge["page_size"]], edge["request"])
            self.assertEqual(hashlib.sha256(body).hexdigest(), edge["sha256"], edge["request"])

    def test_the_definitive_form_by_sql_is_the_recorded_one(self):
        for name in ("sample", "bos-a", "bos-b"):
            recorded.load(self.postgres, self.bos.database, name)
            instance = (recorded.FIXTURES / name / "instance").read_text("utf-8").strip()
            computed = definitive.beneficiaries(self.postgres, self.bos.database, instance)
            wanted = {line["id"]: definitive.comparable(line) for line in recorded.lines(name, "definitive")}
            self.assertEqual(set(computed), set(wanted), name)
            for number in wanted:
                self.assertEqual(computed[number], wanted[number], name)

    def test_what_python_would_take_for_a_number_is_not_one(self):
        recorded.load(self.postgres, self.bos.database, "sample")
        for text, status in (("1_0", 400), ("٣", 400), ("1.0", 400), ("+1", 200), (" 2 ", 200), ("9" * 30, 200)):
            path = f"/client/beneficiaries?client_id=EBPCLI000001&page={urllib.parse.quote(text)}"
            self.assertEqual(self.ask(path)[0], status, text)
        self.assertEqual(self.ask("/client/beneficiaries?client_id=%00")[0], 404)

    def test_the_measured_variants_give_the_same_bytes(self):
        shown = ("Content-Type", "X-Total-Count", "X-Page", "X-Page-Size")
        recorded.load(self.postgres, self.bos.database, "bos-a")
        for number in range(1, 20):
            for page in (1, 2, 9):
                query = f"?client_id=EBPCLI{number:06}&page={page}&page_size=7"
                _, wanted, written = self.ask(f"/client/beneficiaries{query}")
                for variant in ("prefetched", "sql"):
                    _, headers, body = self.ask(f"/client/beneficiaries-{variant}{query}")
                    self.assertEqual(body, written, (variant, query))
                    self.assertEqual([headers[h] for h in shown], [wanted[h] for h in shown], (variant, query))

    def contents(self):
        """All rows without the times at which they were written."""
        columns = "to_jsonb(t) - 'created' - 'modified'"
        return {table: self.postgres.sql(f"SELECT {columns} FROM {table} t ORDER BY 1", self.bos.database)
                for table in recorded.TABLES}

    def test_a_seed_makes_the_same_history_again(self):
        seen = []
        for _ in range(2):
            self.empty()
            self.bos.seed(8, 60, seed=7)
            before = self.contents()
            told = self.bos.change(150, seed=7, rolled_back=0.2)
            self.assertEqual(told["committed"] + told["rolled_back"] + told["refused"], 150)
            self.assertGreater(told["rolled_back"], 10)
            seen.append((before, self.contents()))
        self.assertEqual(seen[0], seen[1])
        for table in recorded.TABLES:
            self.assertNotEqual(seen[0][0][table], seen[0][1][table], f"nothing changed in {table}")

    def test_what_is_rolled_back_was_never_there(self):
        self.empty()
        self.bos.seed(8, 60)
        before = self.contents()
        self.assertEqual(self.bos.change(60, rolled_back=1)["rolled_back"], 60)
        self.assertEqual(self.contents(), before)
        self.bos.change(40, only="half_is_taken_back")
        self.assertNotIn("never", "".join(self.contents().values()))

    def test_a_generator_that_is_asked_to_end_ends_between_two_transactions(self):
        self.empty()
        self.bos.seed(5, 30)
        before = self.contents()
        load = Load(self.bos, pathlib.Path(self.scratch.name), seed=3)
        load.begin(1_000_000, rate=50)
        self.assertTrue(wait_until(lambda: load.made() >= 5, 60))
        load.pause()
        made = load.totals["transactions"]
        self.assertGreaterEqual(made, 5)
        self.assertEqual(made, sum(load.totals[how] for how in ("committed", "rolled_back", "refused")))
        self.assertNotEqual(self.contents(), before)
        open_ones = ("SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() "
                     "AND backend_type = 'client backend'")
        self.assertEqual(self.postgres.sql(open_ones, self.bos.database).strip(), "0")
        load.resume()
        self.assertTrue(wait_until(lambda: load.made() > made, 60))
        load.kill()

    def test_writers_at_the_same_time_do_not_stop_each_other(self):
        self.empty()
        self.bos.seed(5, 30)
        told = self.bos.change(300, writers=4)
        self.assertGreater(told["committed"], 150, told)  # some find nothing to do, and who does depends on the others
        self.assertLess(told["refused"], 30, told)

    def test_every_operation_can_be_done(self):
        self.empty()
        self.bos.seed(8, 100)
        argv = ("change", "--count=1500", "--rolled-back=0", "--each", "--nasty=0.3")
        each = [json.loads(line) for line in self.bos.manage(*argv).splitlines()]
        refused = [line for line in each[:-1] if line["outcome"] == "refused"]
        self.assertLess(len(refused), 15, refused)
        self.assertEqual({line["operation"] for line in each[:-1] if line["outcome"] == "committed"}, operations())

    def test_users_can_write(self):
        self.empty()
        self.bos.seed(2, 4)
        bank = int(self.postgres.sql("SELECT min(id) FROM core_bank", self.bos.database))
        status, _, body = self.ask("/beneficiaries", "POST", {
            "client_id": "EBPCLI000001", "name": "Acme Iberia SL", "address": {"city": "Madrid", "country_code": "ES"},
            "aliases": ["acme-es"], "emails": ["ap@acme.es"],
            "accounts": [{"bank_id": bank, "currency": "EUR", "iban": "ES9121000418450200051332"}]})
        self.assertEqual(status, 201, body)
        made = json.loads(body)
        where = f"/beneficiaries/{made['beneficiary_id']}"
        self.assertEqual(json.loads(self.ask(where, "PATCH", {"name": "Acme"})[2])["name"], "Acme")
        query = "/client/beneficiaries?client_id=EBPCLI000001&iban=es91+2100+0418+4502+0005+1332"
        self.assertEqual([b["name"] for b in json.loads(self.ask(query)[2])], ["Acme"])
        self.assertEqual(self.ask(where, "DELETE")[0], 204)
        self.assertEqual(self.ask(where)[0], 404)
        self.assertEqual(json.loads(self.ask(query)[2]), [])
        for wrong in ({}, {"client_id": "EBPCLI000001"}, {"client_id": "EBPCLI999999", "name": "x"},
                      {"client_id": "EBPCLI000001", "name": "x", "nope": 1},
                      {"client_id": "EBPCLI000001", "name": "x", "accounts": [{"currency": "EUR"}]}):
            self.assertEqual(self.ask("/beneficiaries", "POST", wrong)[0], 400, wrong)


def operations():
    text = (ROOT / "examples/beneficiary/bos/beneficiaries/history.py").read_text("utf-8")
    decorated = [part.partition("def ")[2].partition("(")[0] for part in text.split("\n@operation(")[1:]]
    assert len(decorated) > 20
    return set(decorated)


if __name__ == "__main__":
    unittest.main(verbosity=2)
