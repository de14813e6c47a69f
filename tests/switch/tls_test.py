#!/usr/bin/env python3
"""The switch speaks TLS to its sides, and to nobody who is not who he should be.

    tls_test.py SWITCH
"""

import os
import socket
import ssl
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", ".."))
from stack.tls import Authority  # noqa: E402
from switch_process import SwitchProcess  # noqa: E402
from upstream import Upstream  # noqa: E402

SWITCH = ""


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="daybook-switch-tls-")
        cls.addClassCleanup(cls.directory.cleanup)
        cls.ours = Authority(os.path.join(cls.directory.name, "ours"))
        cls.theirs = Authority(os.path.join(cls.directory.name, "theirs"), "Somebody else's authority")

    def upstream(self, key_and_certificate=None, clients_of=None, body=b'["bos"]'):
        key, certificate = key_and_certificate or self.ours.issue_server()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if clients_of:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients_of.certificate)
        upstream = Upstream(body, tls=context)
        self.addCleanup(upstream.close)
        return upstream

    def switch(self, bos, *flags, daybook="127.0.0.1:1"):
        data_dir = tempfile.mkdtemp(dir=self.directory.name)
        switch = SwitchProcess(SWITCH, data_dir, bos, daybook, "--bos_tls", f"--tls_ca_file={self.ours.certificate}",
                               *flags)
        self.addCleanup(switch.__exit__, None, None, None)
        return switch

    def check_refused(self, upstream, *flags):
        switch = self.switch(upstream.address, *flags)
        status, _, body = switch.get()
        self.assertEqual(status, 502, body)
        self.assertEqual(upstream.asked, [], "no byte of a request has gone to a stranger")

    def test_answers_come_over_kept_connections(self):
        body = os.urandom(300_000)
        bos, daybook = self.upstream(body=body), self.upstream(body=body)
        switch = self.switch(bos.address, "--daybook_tls", "--initial_mode=shadow", daybook=daybook.address)
        for _ in range(20):
            self.assertEqual(switch.get()[2], body)
        switch.wait_for(lambda: switch.comparisons()["equal"] == 20, "the comparisons")
        self.assertEqual(bos.connections, 1)

    def test_one_side_may_speak_plain_http(self):
        with Upstream(b'["daybook"]') as daybook:
            switch = self.switch(self.upstream().address, "--initial_mode=daybook", "--daybook_timeout=30s",
                                 daybook=daybook.address)
            self.assertEqual(switch.get()[2], b'["daybook"]')
            switch.flip("bos")
            self.assertEqual(switch.get()[2], b'["bos"]')

    def test_an_unknown_authority_is_refused(self):
        self.check_refused(self.upstream(self.theirs.issue_server()))

    def test_a_certificate_of_another_name_is_refused(self):
        self.check_refused(self.upstream(self.ours.issue("other", "subjectAltName=DNS:other.example,IP:127.0.0.2",
                                                         "extendedKeyUsage=serverAuth")))

    def test_a_certificate_that_is_no_servers_is_refused(self):
        self.check_refused(self.upstream(self.ours.issue("not-a-server", "subjectAltName=IP:127.0.0.1",
                                                         "extendedKeyUsage=clientAuth")))

    def test_a_side_that_demands_a_certificate_gets_ours(self):
        key, certificate = self.ours.issue_client()
        bos = self.upstream(clients_of=self.ours)
        switch = self.switch(bos.address, f"--tls_certificate_file={certificate}", f"--tls_key_file={key}")
        self.assertEqual(switch.get()[2], b'["bos"]')
        without = self.upstream(clients_of=self.ours)
        self.check_refused(without)
        key, certificate = self.theirs.issue_client()
        self.check_refused(self.upstream(clients_of=self.ours), f"--tls_certificate_file={certificate}",
                           f"--tls_key_file={key}")

    def test_a_side_that_speaks_plain_http_instead_is_an_error_not_a_hang(self):
        with Upstream() as plain:
            self.check_refused(plain)

    def test_a_side_that_accepts_and_says_nothing_is_an_error_after_a_while(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            switch = self.switch(f"127.0.0.1:{listener.getsockname()[1]}")
            self.assertEqual(switch.get()[0], 502)

    def test_files_that_cannot_be_read_are_named(self):
        for flag, path in (("tls_ca_file", "/nonexistent/ca.pem"), ("tls_ca_file", os.path.abspath(__file__))):
            with self.assertRaises(RuntimeError) as failed:
                self.switch("127.0.0.1:1", f"--{flag}={path}")
            self.assertIn(path, str(failed.exception))
        with self.assertRaises(RuntimeError) as failed:
            self.switch("127.0.0.1:1", f"--tls_certificate_file={self.ours.certificate}")
        self.assertIn("belong together", str(failed.exception))


if __name__ == "__main__":
    SWITCH = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
