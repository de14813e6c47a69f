#!/usr/bin/env python3
"""Lets a property-based client loose on the real service: no 5xx, and no answer that openapi.json does not document.

    run.py BINARY VENV_DIR [--seed N] [--seconds 120]

VENV_DIR gets a virtual environment with requirements.txt, once; it is made again when that file changes.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "process"))
from service import Service, verify  # noqa: E402

CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance,unsupported_method,allow_header_conformance")


def prepare(venv):
    """Installs what requirements.txt pins, unless it is there."""
    requirements = os.path.join(HERE, "requirements.txt")
    with open(requirements, "rb") as file:
        wanted = hashlib.sha256(file.read()).hexdigest()
    stamp = os.path.join(venv, "requirements.sha256")
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == wanted:
                return
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    subprocess.run([os.path.join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r",
                    requirements], check=True)
    with open(stamp, "w") as file:
        file.write(wanted)


def an_account(service):
    """A beneficiary that has a bank account, and that account."""
    for number in range(1, 100):
        _, _, body = service.request("GET", f"/v1/clients/EBPCLI{number:06}/beneficiaries")
        for item in json.loads(body)["items"]:
            if item["bank_accounts"]:
                return item["id"], item["bank_accounts"][0]["id"]
    raise AssertionError("the sample has no bank account")


def explore(arguments, service, directory, seconds):
    """One run; the settings it finds in `directory` count."""
    command = [os.path.join(arguments.venv, "bin", "st"), "run",
               f"http://127.0.0.1:{service.ports['rest']}/openapi.json", "--checks", CHECKS, "--seed",
               str(arguments.seed), "--max-time", str(seconds), "--max-examples", "40", "--request-timeout", "20",
               "--no-color", "--suppress-health-check", "all", "--workers", "1", "--warnings", "off",
               "--continue-on-failure"]
    code = subprocess.run(command, cwd=directory).returncode
    assert service.process.poll() is None, "the service has ended"
    status, _, _ = service.request("GET", "/readyz", edge="admin")
    assert status == 200, "the service is not ready any more"
    return code


def run(arguments):
    prepare(arguments.venv)
    data_dir = tempfile.mkdtemp(prefix="daybook-schemathesis-")
    settings = tempfile.mkdtemp(prefix="daybook-schemathesis-settings-")
    sample = os.path.join(HERE, "..", "fixtures", "sample", "records.ndjson.gz")
    with Service(arguments.binary, data_dir, f"--bos_records={sample}", "--bos_instance=uk") as service:
        # Ids of its own making are never there; so once with those of something that is.
        code = explore(arguments, service, data_dir, arguments.seconds // 2)
        beneficiary, account = an_account(service)
        with open(os.path.join(settings, "schemathesis.toml"), "w") as file:
            file.write(f'[parameters]\n"path.id" = "{beneficiary}"\n"path.account_id" = "{account}"\n'
                       '"path.client_id" = "EBPCLI000042"\n"header.If-Match" = "*"\n')
        code = explore(arguments, service, settings, arguments.seconds // 2) or code
        assert service.stop() == 0
    sound, text = verify(arguments.binary, data_dir)
    print(text.strip())
    assert sound == 0, "the data directory is not sound"
    shutil.rmtree(data_dir)
    shutil.rmtree(settings)
    return code


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("venv")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--seconds", type=int, default=120)
    arguments = parser.parse_args()
    arguments.binary = os.path.abspath(arguments.binary)
    arguments.venv = os.path.abspath(arguments.venv)
    print(f"seed {arguments.seed}", flush=True)
    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
