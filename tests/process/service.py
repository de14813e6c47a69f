"""Starts the real binary for tests: free ports, a directory of its own, readiness, its log."""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time


class Service:
    """One process of the Beneficiary service on `data_dir`.

    with Service(binary, data_dir) as service:
        status, headers, body = service.request("GET", "/v1/beneficiaries/x")
    """

    SERVING, READY = "serving", "ready"

    def __init__(self, binary, data_dir, *flags, until=READY, ready_seconds=120):
        self.binary = binary
        self.data_dir = data_dir
        self.process = subprocess.Popen(
            [binary, f"--data_dir={data_dir}", "--http_address=127.0.0.1:0", "--grpc_address=127.0.0.1:0",
             "--admin_address=127.0.0.1:0", *flags],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.ports = {}
        self.serving = threading.Event()
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.serving.wait(ready_seconds) or not self.ports:
            self.kill()
            raise RuntimeError("the service did not start:\n" + "".join(self.lines[-20:]))
        try:
            if until == self.READY:
                self.wait_ready(ready_seconds)
        except RuntimeError:
            self.kill()
            raise

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)
            del self.lines[:-2000]
            if '"message":"serving"' in line:
                fields = json.loads(line)
                for edge in ("rest", "grpc", "admin"):
                    self.ports[edge] = int(fields[edge].rsplit(":", 1)[1])
                self.serving.set()
        self.serving.set()

    def wait_ready(self, seconds):
        end = time.monotonic() + seconds
        while True:
            status, _, body = self.request("GET", "/readyz?verbose", edge="admin")
            if status == 200:
                return
            if time.monotonic() > end:
                raise RuntimeError(f"not ready after {seconds} s: {body.decode()}")
            threading.Event().wait(0.05)

    def wait_unready(self, text, seconds=60):
        """Until it says that it is not ready, with `text` among the reasons."""
        end = time.monotonic() + seconds
        while True:
            status, _, body = self.request("GET", "/readyz?verbose", edge="admin")
            if status == 503 and text in body.decode():
                return
            if time.monotonic() > end:
                raise RuntimeError(f"{text} is no reason not to be ready after {seconds} s: {body.decode()}")
            threading.Event().wait(0.05)

    def wait_line(self, text, seconds=30):
        """The first line of the log that holds `text`, as the object that it is."""
        end = time.monotonic() + seconds
        while True:
            for line in list(self.lines):
                if text in line:
                    return json.loads(line)
            if time.monotonic() > end:
                raise RuntimeError(f"no such line after {seconds} s: {text}")
            threading.Event().wait(0.05)

    def request(self, method, target, headers=None, body=None, edge="rest", timeout=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[edge], timeout=timeout)
        try:
            connection.request(method, target, body=body, headers=headers or {})
            reply = connection.getresponse()
            return reply.status, dict(reply.getheaders()), reply.read()
        finally:
            connection.close()

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024

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
        self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()


def verify(binary, data_dir):
    """Runs --verify; returns (exit code, what it printed)."""
    done = subprocess.run([binary, "--verify", f"--data_dir={data_dir}"], capture_output=True, text=True,
                          timeout=300, env={k: v for k, v in os.environ.items() if not k.startswith("BENEFICIARY_")})
    return done.returncode, done.stdout + done.stderr
