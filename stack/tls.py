"""Certificates for tests and demonstrations: an authority of our own, a server of 127.0.0.1, clients. Made by openssl,
valid for a month, never to be used for anything real."""

import pathlib
import subprocess

from stack.base import HOST, Problem

DAYS = "30"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
SERVER_NAMES = f"subjectAltName=IP:{HOST},DNS:localhost"


def _openssl(*arguments):
    try:
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Problem("openssl is not installed", "Install it: apt-get install openssl") from None
    if done.returncode != 0:
        raise Problem(f"openssl {arguments[0]} failed:\n{done.stderr}")


class Authority:
    """An authority whose key and certificate lie in a directory; makes them if they are not there."""

    def __init__(self, directory, name="Daybook test authority"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate = self.directory / "ca.pem"
        self.key = self.directory / "ca.key"
        if not self.certificate.exists():
            _openssl("req", "-x509", *NEW_KEY, "-days", DAYS, "-subj", f"/CN={name}",
                     "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                     "-keyout", self.key, "-out", self.certificate)

    def issue(self, name, *extensions):
        """NAME.key (PKCS#8) and NAME.pem beside the authority's own; keeps those that are there."""
        key, certificate = self.directory / f"{name}.key", self.directory / f"{name}.pem"
        if not certificate.exists():
            request, extra = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
            extra.write_text("".join(f"{line}\n" for line in ("basicConstraints=CA:FALSE", *extensions)), "ascii")
            _openssl("req", "-new", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
            _openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                     "-days", DAYS, "-extfile", extra, "-out", certificate)
            request.unlink()
            extra.unlink()
        return key, certificate

    def issue_server(self, name="server"):
        return self.issue(name, SERVER_NAMES, "extendedKeyUsage=serverAuth")

    def issue_client(self, name="client"):
        return self.issue(name, "extendedKeyUsage=clientAuth")
