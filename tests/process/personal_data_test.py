#!/usr/bin/env python3
"""Personal values go through the whole process, well-formed and not, and none of them is on its log.

    personal_data_test.py BINARY

Every value of a person's holds a marked word. Whatever way it takes (rows, rows that cannot be understood, lines that
are none, bodies, paths, parameters, headers), it must not be in what the process writes to standard error.
"""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from service import Service, verify  # noqa: E402

BINARY = ""
SAMPLE = os.path.join(HERE, "..", "fixtures", "sample", "records.ndjson.gz")
MARK = "zquirl"
DIGITS = "7700993311"  # in account numbers: whoever masks letters only is found by it
PERSONAL = {"name", "address_line_1", "street_name", "building_number", "city", "post_code", "reference_information",
            "account_holder", "account_number", "iban", "alias", "email", "inn", "correspondent_account"}
BENEFICIARIES = "bos.public.beneficiaries_beneficiary"


def marked(column, value):
    if column in ("account_number", "iban"):
        return f"{MARK[:4].upper()}{DIGITS}"
    return f"{MARK}@example.org" if column == "email" else f"{MARK} {value}"[:16]


def marked_records(path):
    """The recorded sample, its persons' values replaced; returns a row of BOS's table of beneficiaries."""
    row = None
    with gzip.open(SAMPLE, "rt") as source, open(path, "w") as out:
        for line in source:
            record = json.loads(line)
            value = json.loads(record["value"]) if record["value"] else None
            for image in ("before", "after"):
                if not value or not value.get(image) or record["topic"] == "bos.public.clients_client":
                    continue
                for column, text in value[image].items():
                    if column in PERSONAL and isinstance(text, str) and text:
                        value[image][column] = marked(column, text)
            if value:
                record["value"] = json.dumps(value)
            out.write(json.dumps(record) + "\n")
            if record["topic"] == BENEFICIARIES and value and value.get("op") == "r":
                row = (record, value)
        write_rubbish(out, *row)
    return row


def write_rubbish(out, record, value):
    """Records and lines that cannot be understood, each full of marks."""
    offset = 1_000_000

    def put(text=None, key=None, topic=BENEFICIARIES, **changes):
        nonlocal offset
        offset += 1
        out.write(json.dumps({**record, "topic": topic, "offset": offset, "value": text,
                              "key": key or record["key"], **changes}) + "\n")

    def changed(**parts):
        return json.dumps({**value, **parts})

    put(f"{MARK} is no JSON")
    put(json.dumps(f"{MARK} is no object"))
    put(changed(op=MARK))
    put(changed(op=None, status=MARK, id=MARK), topic="bos.transaction")
    put(json.dumps({"status": MARK, "id": MARK, "event_count": MARK}), topic="bos.transaction")
    for column in value["after"]:
        put(changed(after={**value["after"], column: {MARK: MARK}}))
        put(changed(after={**value["after"], column: f"{MARK} {DIGITS}"}))
    put(changed(op="d", after=None), key=json.dumps({"id": MARK}))
    put(changed(op="d", after=None), key=f"{MARK} {DIGITS}")
    put(changed(source=MARK))
    put(changed(transaction={"id": MARK, "data_collection_order": MARK}))
    put(json.dumps(value), headers=[["__debezium.newkey", MARK]])
    put(json.dumps(value), partition=MARK)
    put(json.dumps(value), headers={MARK: DIGITS})
    out.write(f'{{"topic": "{MARK}", "value": "{DIGITS}\n')
    out.write(f"{MARK} {DIGITS}\n")
    out.write(json.dumps({MARK: DIGITS}) + "\n")


def beneficiary(**changes):
    return {"name": f"{MARK} Lovelace", "type": "personal", "aliases": [f"{MARK}-alias"],
            "email_addresses": [f"{MARK}@example.org"], "reference_information": MARK,
            "address": {"street_name": f"{MARK} Street", "city": MARK.title(), "country_code": "ES"},
            "bank_accounts": [{"account_holder": f"{MARK} Lovelace", "currency": "EUR",
                               "iban": "ES9121000418450200051332", "bank": {"name": MARK, "country_code": "ES"}}],
            **changes}


class PersonalDataTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="daybook-personal-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.data_dir = os.path.join(self.directory, "data")
        self.records = os.path.join(self.directory, "records.ndjson")
        marked_records(self.records)
        self.keys = 0

    def serve(self, *flags):
        return Service(BINARY, self.data_dir, f"--bos_records={self.records}", "--bos_instance=uk", *flags)

    def expect_nothing(self, text, what):
        lower = text.lower()
        for value in (MARK, DIGITS, "es9121000418450200051332", "lovelace"):
            self.assertNotIn(value, lower, what)

    def write(self, service, method, target, body=None, **headers):
        text = body if isinstance(body, (str, type(None))) else json.dumps(body)
        self.keys += 1
        given = {"Content-Type": "application/json", "Prefer": "wait=10", "Idempotency-Key": f"key-{self.keys}",
                 **headers}
        if method == "PATCH":
            given.setdefault("If-Match", "*")
        return service.request(method, target, given, text)

    def talk(self, service):
        """Requests of every kind; returns what was answered."""
        answers = []

        def send(*arguments, **keywords):
            answers.append(self.write(service, *arguments, **keywords))
            return answers[-1]

        clients = "/v1/clients/EBPCLI000042/beneficiaries"
        word = urllib.parse.quote(f"{MARK} Lovelace")
        created = send("POST", clients, beneficiary(), **{"Idempotency-Key": f"{MARK}-1"})
        for body in (beneficiary(iban=MARK), beneficiary(name={MARK: MARK}), beneficiary(type=MARK),
                     beneficiary(**{MARK: MARK}), f'{{"name":"{MARK}', MARK, beneficiary(name=f"{MARK}\u0001\u4e2d")):
            send("POST", clients, body)
        one = created[1].get("Location", "/v1/beneficiaries/x")
        for method, path, body in (("PATCH", "", {"name": f"{MARK} King"}), ("PATCH", "", {"name": None, MARK: 1}),
                                   ("PUT", f"/aliases/{word}", None), ("DELETE", f"/aliases/{word}", None),
                                   ("PUT", f"/aliases/{MARK}%FF", None), ("PATCH", f"/bank-accounts/{MARK}", {}),
                                   ("POST", ":screening-result", {"status": MARK, "checked_at": MARK}),
                                   ("POST", f":{MARK}", None), ("DELETE", "", None), ("POST", ":activate", None)):
            send(method, one + path, body)
        send("PATCH", one, {"name": MARK}, **{"If-Match": f'"{MARK}"'})
        send("PATCH", one, {"name": MARK}, Prefer=f"wait={MARK}")
        send("PATCH", one, {"name": MARK}, Prefer=f'wait=1, models="{MARK}"')
        send("PATCH", one, {"name": MARK}, **{"Idempotency-Key": f"{MARK}\u00e9", "X-Caller-Identity": MARK})
        for target in (f"{clients}?q={word}", f"{clients}?iban=ES9121000418450200051332", f"{clients}?{MARK}={MARK}",
                       f"{clients}?status={MARK}", f"{clients}?cursor={MARK}", f"{clients}?q=%FF{MARK}",
                       f"/v1/beneficiaries/{word}", f"/v1/beneficiaries/{word}/validation", f"/v1/operations/{word}",
                       f"/v1/clients/{word}/beneficiaries", f"/{word}", f"/client/beneficiaries?client_id={word}",
                       f"/client/beneficiaries?client_id=EBPCLI000042&iban={word}&page={MARK}"):
            answers.append(service.request("GET", target, {"Consistency-Token": ""}))
            answers.append(service.request("GET", target, {"Consistency-Token": MARK, "X-Caller-Identity": MARK}))
        for number in range(1, 13):
            answers.append(service.request("GET", f"/client/beneficiaries?client_id=EBPCLI{number:06}"))
        return answers

    def test_no_personal_value_reaches_the_log(self):
        os.environ["GRPC_VERBOSITY"] = "DEBUG"  # the most that an operator switches on in earnest
        self.addCleanup(os.environ.pop, "GRPC_VERBOSITY")
        said = ""
        with self.serve() as service:
            answers = self.talk(service)
            self.assertEqual(service.stop(), 0)
            said += "".join(service.lines)
        # The values went through: they were answered, and set aside where they could not be understood.
        bodies = b"".join(body for _, _, body in answers)
        self.assertGreater(bodies.lower().count(MARK.encode()), 50)
        self.assertIn(DIGITS.encode(), bodies)
        statuses = {status for status, _, _ in answers}
        self.assertLessEqual({200, 201, 400, 404, 409, 422}, statuses)
        self.assertLess(max(statuses), 500)
        letters = ""
        for name in os.listdir(os.path.join(self.data_dir, "dead-letters")):
            with open(os.path.join(self.data_dir, "dead-letters", name)) as file:
                letters += file.read()
        self.assertGreater(letters.count("\n"), 20)
        self.assertIn(MARK, letters)
        self.assertIn("a line of the records file was set aside", said)

        # The same directory again, with limits on callers; and a port that is taken.
        with self.serve("--caller_rate=1", "--caller_burst=2", "--read_clients_header=X-Read-Clients",
                        "--write_clients_header=X-Write-Clients") as service:
            for caller in (MARK, f"{MARK} {MARK}", ""):
                for _ in range(4):
                    service.request("GET", f"/v1/beneficiaries/{MARK}",
                                    {"X-Caller-Identity": caller, "X-Read-Clients": f"{MARK};{DIGITS}"})
            taken = subprocess.run([BINARY, f"--data_dir={self.data_dir}"], capture_output=True, text=True, timeout=60)
            said += taken.stderr
            service.kill()
            said += "".join(service.lines)
        self.assertEqual(verify(BINARY, self.data_dir)[0], 0)
        self.expect_nothing(said, "the log")
        self.expect_nothing(verify(BINARY, self.data_dir)[1], "what --verify says")


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main()
