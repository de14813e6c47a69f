#!/usr/bin/env python3
"""Rubbish over REST, the gRPC port and the records file: named errors with the place, the service goes on, memory stays
bounded. (gRPC requests with bad contents are in tests/api/grpc_test.cc.)

    rubbish_test.py BINARY
"""

import glob
import gzip
import json
import os
import random
import socket
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "process"))
from service import Service, verify  # noqa: E402

BINARY = ""
COLLECTION = "/v1/clients/EBPCLI000042/beneficiaries"
GROWTH_BYTES_MAX = 200 * 1024 * 1024


def problem(reply):
    """The problem document of an answer, whose form is checked."""
    status, headers, body = reply
    assert headers["Content-Type"] == "application/problem+json", (status, headers, body)
    document = json.loads(body)
    assert document["status"] == status, document
    return document


class RubbishTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="daybook-rubbish-")
        self.keys = 0

    def tearDown(self):
        self.directory.cleanup()

    def start(self, *flags):
        return Service(BINARY, self.directory.name, *flags)

    def post(self, service, body, target=COLLECTION):
        self.keys += 1
        return service.request("POST", target, {"Idempotency-Key": f"k{self.keys}", "Prefer": "wait=10",
                                                "Content-Type": "application/json"}, body)

    def check_alive(self, service):
        status, _, body = self.post(service, json.dumps({"name": "Still here", "type": "business"}))
        self.assertEqual(status, 201, body)

    def test_bodies_that_cannot_be_read_are_400_with_their_places(self):
        with self.start() as service:
            for body in ("{", "[1,2", "nul", '{"name":"a"}}', "\x00", '{"name":"\\ud800"}', b'{"name":"\xff\xfe"}',
                         "[" * 100000, '{"a":' * 50000, "", "7", "null", '"text"', "[]"):
                document = problem(self.post(service, body))
                self.assertEqual(document["status"], 400, body[:50])
                self.assertEqual(document["errors"][0]["pointer"], "", body[:50])
            document = problem(self.post(service, json.dumps(
                {"name": [], "type": 1, "x": {}, "bank_accounts": [{"iban": {}, "bank": "b"}, None], "address": True})))
            self.assertEqual({error["pointer"] for error in document["errors"]},
                             {"/name", "/type", "/x", "/bank_accounts/0/iban", "/bank_accounts/0/bank",
                              "/bank_accounts/1", "/address"})
            self.check_alive(service)

    def test_bad_account_numbers_are_422_with_their_places(self):
        account = {"account_holder": "A", "currency": "EUR", "bank": {"country_code": "ES"}}
        with self.start() as service:
            for iban in ("ES9121000418450200051333", "ES91", "XX00", "DE89370400440532013000", "é", " ", "E" * 10000):
                status, _, body = self.post(service, json.dumps(
                    {"name": "A", "type": "business", "bank_accounts": [{**account, "iban": iban}]}))
                self.assertEqual(status, 422, iban)
                self.assertIn("/bank_accounts/0/iban", body.decode(), iban)
            self.check_alive(service)

    def test_large_bodies_are_refused_and_memory_stays_bounded(self):
        with self.start() as service:
            self.check_alive(service)
            before = service.resident_bytes()
            large = b'{"name":"' + b"x" * (10 * 1024 * 1024) + b'"}'
            for _ in range(20):
                try:
                    status, _, _ = self.post(service, large)
                    self.assertEqual(status, 413)
                except (ConnectionError, BrokenPipeError):
                    pass  # refused and closed while the rest was still being sent
            self.assertLess(service.resident_bytes() - before, GROWTH_BYTES_MAX)
            self.check_alive(service)

    def raw(self, service, data, edge="rest"):
        with socket.create_connection(("127.0.0.1", service.ports[edge]), timeout=20) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            reply = b""
            try:
                while chunk := connection.recv(65536):
                    reply += chunk
            except ConnectionError:
                pass
            return reply

    def test_requests_that_are_none_are_answered_or_dropped(self):
        rng = random.Random(7)
        with self.start() as service:
            for data in (b"GET / HT", b"\r\n\r\n", b"GET /\r\n\r\n",
                         b"POST /v1/x HTTP/1.1\r\nContent-Length: 99\r\n\r\nabc",
                         b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
                         b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
                         b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                         b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
                         b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
                reply = self.raw(service, data)
                self.assertNotIn(b" 200 ", reply.split(b"\r\n")[0], data[:40])
                self.assertNotIn(b" 500 ", reply.split(b"\r\n")[0], data[:40])
            for edge in ("rest", "grpc", "admin"):
                for _ in range(50):
                    self.raw(service, rng.randbytes(rng.randrange(1, 5000)), edge)
            self.check_alive(service)

    def test_a_thousand_idle_connections_do_not_keep_others_out(self):
        with self.start() as service:
            self.check_alive(service)
            before = service.resident_bytes()
            idle = []
            for number in range(1000):
                connection = socket.create_connection(("127.0.0.1", service.ports["rest"]), timeout=20)
                if number % 2:
                    connection.sendall(b"POST /v1/clients/EBPCLI000042/beneficiaries HTTP/1.1\r\nHost: x\r\nConte")
                idle.append(connection)
            for _ in range(20):
                self.check_alive(service)
            self.assertLess(service.resident_bytes() - before, GROWTH_BYTES_MAX)
            for connection in idle:
                connection.close()
            self.check_alive(service)
            self.assertEqual(service.stop(), 0)

    def test_odd_queries_and_headers_are_named(self):
        with self.start() as service:
            for query in ("limit=1e9", "limit=99999999999999999999", "cursor=%00", "q=%ff", "cursor=" + "A" * 4000,
                          "%zz=1", "nope=1"):
                self.assertEqual(problem(service.request("GET", f"{COLLECTION}?{query}"))["status"], 400, query)
            for headers in ({"Consistency-Token": "\x7f"}, {"Consistency-Token": "A" * 5000}):
                self.assertEqual(service.request("GET", COLLECTION, headers)[0], 400)
            for headers in ({"Prefer": "wait=-1"}, {"Prefer": "wait=99999999999999999999"}, {"If-Match": "7"}):
                reply = service.request("POST", COLLECTION, {"Idempotency-Key": "k", **headers}, "{}")
                self.assertEqual(problem(reply)["status"], 400, headers)
            # BOS's endpoint has its own way with odd queries, and none of them is an error of the service.
            for query in ("client_id=%ff", "client_id=%zz&page=1", "client_id=" + "x" * 5000, "&&&=&client_id=a",
                          "client_id=a&page=99999999999999999999999"):
                self.assertIn(service.request("GET", f"/client/beneficiaries?{query}")[0], (400, 404), query)
            self.check_alive(service)

    def records(self, name, lines):
        path = os.path.join(self.directory.name, name)
        with open(path, "wb") as file:
            for line in lines:
                file.write(line + b"\n")
        return path

    def test_bad_records_become_dead_letters_and_the_good_ones_count(self):
        rng = random.Random(11)
        with gzip.open(os.path.join(HERE, "..", "fixtures", "sample", "records.ndjson.gz")) as file:
            good = file.read().splitlines()
        bad = [b"", b"{", b"nonsense", b'{"topic":1}', b"\xff\xfe\x00", b"[]", b'{"topic":"bos.public.core_bank"}',
               b'{"topic":"bos.public.core_bank","partition":0,"offset":1000000,"timestamp":0,"key":"x","value":"{",'
               b'"headers":[]}',
               b'{"topic":"bos.public.core_bank","partition":0,"offset":1000001,"timestamp":0,"key":"{\\"id\\":1}",'
               b'"value":"{\\"op\\":\\"u\\",\\"after\\":{\\"id\\":\\"zzz\\"},\\"source\\":{}}","headers":[]}',
               rng.randbytes(1000).replace(b"\n", b""), b"[" * 20000]
        path = self.records("records.ndjson", good + bad)
        with self.start(f"--bos_records={path}", "--bos_instance=uk") as service:
            done = service.wait_line("ingested recorded changes")
            self.assertGreaterEqual(done["dead_letters"], len(bad) - 1)
            found = 0
            for number in range(1, 100):
                _, _, body = service.request("GET", f"/v1/clients/EBPCLI{number:06}/beneficiaries?limit=200")
                found += len(json.loads(body)["items"])
            self.assertGreater(found, 50)
            self.check_alive(service)
            self.assertEqual(service.stop(), 0)
        letters = glob.glob(os.path.join(self.directory.name, "dead-letters", "*"))
        self.assertTrue(letters)
        with open(letters[0], "rb") as file:
            self.assertIn(b"records.ndjson", file.read())
        code, text = verify(BINARY, self.directory.name)
        self.assertEqual(code, 0, text)

    def test_a_file_that_is_damaged_is_an_error_and_the_service_goes_on(self):
        with open(os.path.join(HERE, "..", "fixtures", "sample", "records.ndjson.gz"), "rb") as file:
            whole = file.read()
        path = os.path.join(self.directory.name, "cut.ndjson.gz")
        with open(path, "wb") as file:
            file.write(whole[: len(whole) // 2])
        # Never ready, since not all was read; but alive, and it says why.
        with Service(BINARY, self.directory.name, f"--bos_records={path}", "--bos_instance=uk",
                     until=Service.SERVING) as service:
            service.wait_unready("cut.ndjson.gz")
            self.check_alive(service)
            self.assertEqual(service.stop(), 0)


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
