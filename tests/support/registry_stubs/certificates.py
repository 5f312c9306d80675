"""Self-signed certificates for the loopback, made when they are needed and gone with their folder."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def make(folder: Path, name: str) -> Path:
    """A file with a new certificate and its key. Needs the program openssl."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *subject, *files], check=True, capture_output=True, timeout=60)
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


def issue(folder: Path, authority: Path, name: str, place: str) -> Path:
    """A file with a certificate for `place` (like DNS:localhost or IP:127.0.0.1) and its key, signed by `authority`,
    which `make` made."""
    key, request, certificate = folder / f"{name}.key", folder / f"{name}.csr", folder / f"{name}.pem"
    names = folder / f"{name}.ext"
    names.write_text(f"subjectAltName={place}\n")
    ask = [
        "openssl",
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        f"/CN={name}",
    ]
    sign = ["openssl", "x509", "-req", "-CA", str(authority), "-CAkey", str(authority), "-CAcreateserial", "-days", "2"]
    for command in (
        [*ask, "-keyout", str(key), "-out", str(request)],
        [*sign, "-in", str(request), "-out", str(certificate), "-extfile", str(names)],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    certificate.write_text(certificate.read_text() + key.read_text())
    return certificate


def context(certificate: Path) -> ssl.SSLContext:
    """What a server shows; another one can be loaded into it while it serves."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(certificate)
    return found
