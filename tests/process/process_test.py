#!/usr/bin/env python3
"""The process itself: settings, readiness, the operator's pages, one owner of a directory, its end.

    process_test.py BINARY
"""

import http.client
import json
import os
import ssl
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", ".."))
from service import Service, verify  # noqa: E402
from stack.tls import Authority  # noqa: E402

BINARY = ""
SAMPLE = os.path.join(HERE, "..", "fixtures", "sample", "records.ndjson.gz")


def run(*flags, env=None):
    return subprocess.run([BINARY, *flags], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {})})


class ProcessTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="daybook-process-")
        self.data_dir = os.path.join(self.directory.name, "data")

    def tearDown(self):
        self.directory.cleanup()

    def test_help_names_every_setting(self):
        done = run("--help")
        self.assertEqual(done.returncode, 0)
        for name in ("data_dir", "http_address", "grpc_address", "admin_address", "bos_records", "bos_instance",
                     "compat_instance", "dry_run", "verify", "outcome_retention", "identity_header", "drain_timeout"):
            self.assertIn(name, done.stdout)

    def test_bad_settings_exit_with_2_and_are_named(self):
        config = os.path.join(self.directory.name, "bad.conf")
        with open(config, "w") as file:
            file.write("data_dir = x\nnope = 1\n")
        for flags, env, told in ((["--nope"], {}, "nope"), (["--outcome_retention=soon"], {}, "outcome_retention"),
                                 (["--bos_records=x"], {}, "--bos_instance"),
                                 (["--tls_key_file=x"], {}, "--tls_certificate_file"),
                                 (["--read_clients_header=X-Read"], {}, "write_clients_header"),
                                 (["--caller_rate=-1"], {}, "limit"), (["--callers_max=0"], {}, "--callers_max"),
                                 (["--dry_run"], {}, "--bos_records"),
                                 (["left over"], {}, "left over"), (["--outcome_retention=-1s"], {}, "retention"),
                                 ([], {"BENEFICIARY_NOPE": "1"}, "BENEFICIARY_NOPE"),
                                 ([f"--config={config}"], {}, "bad.conf:2")):
            done = run(f"--data_dir={self.data_dir}", *flags, env=env)
            self.assertEqual(done.returncode, 2, (flags, done.stderr))
            self.assertIn(told, done.stderr)
            self.assertFalse(os.path.exists(self.data_dir))

    def test_what_cannot_be_opened_exits_with_1_and_is_named(self):
        for flags, told in ((["--bos_records=/nonexistent/file", "--bos_instance=uk"], "/nonexistent/file"),
                            (["--http_address=256.1.1.1:1"], "256.1.1.1"),
                            ([f"--bos_records={SAMPLE}", "--bos_instance=U K"], "instance")):
            done = run(f"--data_dir={self.data_dir}", "--http_address=127.0.0.1:0", "--grpc_address=127.0.0.1:0",
                       "--admin_address=127.0.0.1:0", *flags)
            self.assertEqual(done.returncode, 1, (flags, done.stderr))
            self.assertIn(told, done.stderr)

    def test_a_second_process_on_the_directory_exits_at_once_and_says_why(self):
        with Service(BINARY, self.data_dir) as first:
            done = run(f"--data_dir={self.data_dir}", "--http_address=127.0.0.1:0")
            self.assertEqual(done.returncode, 1)
            self.assertIn("another process", done.stderr)
            self.assertIn(self.data_dir, done.stderr)
            self.assertEqual(verify(BINARY, self.data_dir)[0], 1)
            self.assertEqual(first.request("GET", "/livez", edge="admin")[0], 200)
            self.assertEqual(first.stop(), 0)
        with Service(BINARY, self.data_dir) as again:
            self.assertEqual(again.stop(), 0)

    def test_settings_come_from_the_environment_and_a_file_too(self):
        config = os.path.join(self.directory.name, "ok.conf")
        with open(config, "w") as file:
            file.write(f"# of this test\ndata_dir = {self.data_dir}\nbos_instance = uk\n")
        done = run("--dry_run", f"--config={config}", env={"BENEFICIARY_BOS_RECORDS": SAMPLE})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('"command_id"', done.stdout)

    def test_with_a_certificate_rest_is_spoken_through_tls_only_and_to_known_clients(self):
        certificates = tempfile.TemporaryDirectory(prefix="daybook-tls-")
        self.addCleanup(certificates.cleanup)
        authority = Authority(certificates.name)
        key, certificate = authority.issue_server()
        flags = [f"--tls_certificate_file={certificate}", f"--tls_key_file={key}"]
        with Service(BINARY, self.data_dir, *flags, f"--tls_client_ca_file={authority.certificate}") as service:
            context = ssl.create_default_context(cafile=authority.certificate)
            target = f"https://127.0.0.1:{service.ports['rest']}/v1/beneficiaries/x"
            with self.assertRaises((OSError, http.client.HTTPException)):
                urllib.request.urlopen(target, context=context, timeout=30)
            client_key, client_certificate = authority.issue_client()
            context.load_cert_chain(client_certificate, client_key)
            with self.assertRaises(urllib.error.HTTPError) as answered:
                urllib.request.urlopen(target, context=context, timeout=30)
            self.assertEqual(answered.exception.code, 404)
            self.assertIn("application/problem+json", answered.exception.headers["Content-Type"])
            answered.exception.close()
            with self.assertRaises((OSError, http.client.HTTPException)):
                service.request("GET", "/v1/beneficiaries/x")
            self.assertEqual(service.stop(), 0)

    def test_callers_are_restricted_and_limited_as_configured_and_refusals_counted(self):
        flags = ("--identity_header=X-Who", "--read_clients_header=X-Reads", "--write_clients_header=X-Writes",
                 "--caller_rate=0.001", "--caller_burst=3", f"--bos_records={SAMPLE}", "--bos_instance=uk")
        with Service(BINARY, self.data_dir, *flags) as service:
            def get(target, **headers):
                status, answered, body = service.request(
                    "GET", target, {name.replace("_", "-"): value for name, value in headers.items()})
                return status, answered, body.decode()

            mine, compat = "/v1/clients/EBPCLI000001/beneficiaries", "/client/beneficiaries?client_id=EBPCLI000001"
            self.assertEqual(get(mine)[0], 401)
            self.assertEqual(get(mine, X_Who="ebo", X_Reads="EBPCLI000001")[0], 200)
            self.assertEqual(get(mine, X_Who="ebo", X_Reads="EBPCLI000002")[0], 403)
            self.assertEqual(get(compat, X_Who="ebo", X_Reads="")[::2],
                             (403, '{"detail":"You do not have permission to perform this action."}'))
            status, answered, _ = get(mine, X_Who="ebo", X_Reads="EBPCLI000001")
            self.assertEqual(status, 429)
            self.assertGreater(int(answered["Retry-After"]), 900)
            self.assertEqual(get(compat, X_Who="other", X_Reads="*")[0], 200)
            metrics = service.request("GET", "/metrics", edge="admin")[2].decode()
            self.assertIn('requests_refused_total{edge="rest",reason="IDENTITY_REQUIRED"} 1', metrics)
            self.assertIn('requests_refused_total{edge="rest",reason="RATE_LIMITED"} 1', metrics)
            self.assertEqual(service.stop(), 0)

    def test_a_dry_run_prints_commands_and_keeps_nothing(self):
        done = run(f"--data_dir={self.data_dir}", "--dry_run", f"--bos_records={SAMPLE}", "--bos_instance=uk")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertGreater(len(lines), 80)
        self.assertEqual({line["stream"].split("/")[0] for line in lines}, {"beneficiary", "client"})
        self.assertFalse(os.path.exists(self.data_dir))

    def test_it_is_ready_when_all_is_visible_and_ingesting_again_changes_nothing(self):
        flags = (f"--bos_records={SAMPLE}", "--bos_instance=uk")
        with Service(BINARY, self.data_dir, *flags) as service:
            report = service.wait_line("ingested recorded changes")
            self.assertEqual(report["records"], 746)
            self.assertGreater(report["commands"], 80)
            for page, told in (("/readyz?verbose", "[+]gateway ok"), ("/livez", "ok"), ("/version", '"beneficiary"'),
                               ("/metrics", "projection_lag_events"), ("/metrics", "gateway_records 746"),
                               ("/metrics", 'commands{result="committed"}')):
                status, _, body = service.request("GET", page, edge="admin")
                self.assertEqual(status, 200)
                self.assertIn(told, body.decode())
            first = service.request("GET", "/client/beneficiaries?client_id=EBPCLI000001")
            self.assertEqual(first[0], 200)
            self.assertEqual(service.stop(), 0)
        with Service(BINARY, self.data_dir, *flags) as service:
            report = service.wait_line("ingested recorded changes")
            self.assertEqual(report["commands"], 0)
            self.assertEqual(report["skipped"], 746)
            self.assertEqual(service.request("GET", "/client/beneficiaries?client_id=EBPCLI000001")[2], first[2])
            self.assertEqual(service.stop(), 0)
        code, text = verify(BINARY, self.data_dir)
        self.assertEqual(code, 0, text)
        self.assertIn("sound", text)

    def test_a_row_that_a_snapshot_lacks_is_named_and_counted(self):
        records = os.path.join(self.directory.name, "records.ndjson")
        with open(records, "w") as file:
            for offset, (row, lsn, phase) in enumerate(((7, 10, "first"), (8, 10, "true"), (9, 10, "last"),
                                                        (7, 20, "first"), (9, 20, "last"))):
                at = "2026-01-02T03:04:05Z"
                value = {"op": "r", "before": None,
                         "after": {"id": row, "client_ref": f"EBPCLI00000{row}", "name": "Ann", "status": "active",
                                   "created": at, "modified": at},
                         "source": {"ts_ms": 1700000000000, "snapshot": phase, "schema": "public",
                                    "table": "clients_client", "txId": 1, "lsn": lsn}}
                record = {"topic": "bos.public.clients_client", "partition": 0, "offset": offset,
                          "key": json.dumps({"id": row}), "value": json.dumps(value)}
                file.write(json.dumps(record) + "\n")
        with Service(BINARY, self.data_dir, f"--bos_records={records}", "--bos_instance=uk") as service:
            line = service.wait_line("the snapshot lacks rows")
            self.assertEqual((line["level"], line["missing"], line["first"]),
                             ("warning", 1, "public.clients_client 8"))
            metrics = service.request("GET", "/metrics", edge="admin")[2].decode()
            self.assertIn("gateway_rows_missing_from_snapshot 1\n", metrics)
            self.assertIn("gateway_commands 3\n", metrics)
            self.assertEqual(service.stop(), 0)

    def test_records_of_another_bos_are_other_beneficiaries(self):
        told = []
        for instance in ("uk", "eu"):  # the same topics, offsets and keys
            with Service(BINARY, self.data_dir, f"--bos_records={SAMPLE}", f"--bos_instance={instance}") as service:
                report = service.wait_line("ingested recorded changes")
                _, _, body = service.request("GET", "/v1/clients/EBPCLI000001/beneficiaries?limit=200")
                told.append((report["commands"], report["skipped"], json.loads(body)["items"]))
                self.assertEqual(service.stop(), 0)
        self.assertEqual(told[0][:2], told[1][:2])
        self.assertGreater(told[0][0], 80)
        self.assertGreater(len(told[0][2]), 0)
        self.assertEqual(len({item["id"] for item in told[1][2]}), 2 * len(told[0][2]))

    def test_verify_of_nothing_says_so(self):
        code, text = verify(BINARY, self.data_dir)
        self.assertEqual(code, 1)
        self.assertIn("holds no events", text)


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
