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


def context(certificate: Path) -> ssl.SSLContext:
    """What a server shows; another one can be loaded into it while it serves."""
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(certificate)
    return found
