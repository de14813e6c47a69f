"""Starts the real switch for tests: free ports, a directory of its own, its log."""

import http.client
import json
import signal
import subprocess
import threading
import time


class SwitchProcess:
    """with SwitchProcess(binary, data_dir, bos.address, daybook.address, "--initial_mode=shadow") as switch: …"""

    def __init__(self, binary, data_dir, bos, daybook, *flags):
        self.process = subprocess.Popen(
            [binary, f"--data_dir={data_dir}", "--http_address=127.0.0.1:0", "--admin_address=127.0.0.1:0",
             f"--bos_address={bos}", f"--daybook_address={daybook}", *flags],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.ports = {}
        self.lines = []
        self.serving = threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.serving.wait(60) or not self.ports:
            self.kill()
            raise RuntimeError("the switch did not start:\n" + "".join(self.lines[-20:]))

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            if '"message":"serving"' in line:
                fields = json.loads(line)
                self.ports = {edge: int(fields[edge].rsplit(":", 1)[1]) for edge in ("rest", "admin")}
                self.serving.set()
        self.serving.set()

    def request(self, method, target, headers=None, body=None, edge="rest", timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[edge], timeout=timeout)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def get(self, client="EBPCLI000042", **more):
        return self.request("GET", f"/client/beneficiaries?client_id={client}", **more)

    def admin(self, method, target, body=None, headers=None):
        """(status, document); None for an empty answer."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        data = None if body is None else json.dumps(body)
        status, _, text = self.request(method, target, headers=sent, body=data, edge="admin")
        return status, json.loads(text) if text else None

    def flip(self, mode, client=None):
        status, document = self.admin("PUT", f"/api/modes/clients/{client}" if client else "/api/modes/all",
                                      {"mode": mode, "by": "a test"})
        assert status == 200, document
        return document

    def evidence(self, course="fine"):
        return self.admin("GET", f"/api/evidence?course={course}")[1]

    def comparisons(self):
        return self.evidence()["totals"]["comparisons"]

    def settling(self):
        """How many differences are being watched."""
        return self.admin("GET", "/api/status")[1]["comparer"]["settling"]

    def wait_for(self, condition, what, seconds=30):
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"{what} did not happen in {seconds} s: {self.comparisons()}")
            threading.Event().wait(0.02)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._close()

    def stop(self, seconds=30):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self._close()
        return code

    def _close(self):
        self.reader.join()
        if not self.process.stderr.closed:
            self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        else:
            self._close()
