"""A real Redis with TLS alone and a user of the portal's own (ACL), with certificates made for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.live import free_port
from tests.support.peer_programs import Program, listens, need, running
from tests.support.registry_stubs import certificates

USER, WORD = "portal", "w%rd:with@signs"
# What docs/runbook-servers.md says: the portal's own keys, and no command that is dangerous to others.
ACL = f"user default off\nuser {USER} on >{WORD} ~tamin:* &* +@all -@admin -@dangerous\n"


@dataclass(frozen=True)
class Server:
    port: int
    ca: Path  # of the authority that signed its certificate

    def url(self, *, scheme: str = "rediss", word: str = "w%25rd%3Awith%40signs", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{USER}:{word}@{host}:{self.port}/0"


@contextmanager
def redis_tls(folder: Path, *, place: str = "IP:127.0.0.1") -> Iterator[Server]:
    """Serving, with a certificate for `place`."""
    program, port = need("redis-server"), free_port()
    need("openssl")
    authority = certificates.make(folder, "authority")
    pem = certificates.issue(folder, authority, "redis", place)
    (folder / "users.acl").write_text(ACL)
    settings = {
        "port": 0,
        "bind": "127.0.0.1",
        "tls-port": port,
        "tls-cert-file": pem,
        "tls-key-file": pem,
        "tls-ca-cert-file": authority,
        "tls-auth-clients": "no",
        "aclfile": folder / "users.acl",
        "dir": folder,
        "save": '""',
    }
    conf = folder / "redis.conf"
    conf.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    with running(Program(folder, "redis", [program, str(conf)]), lambda: listens(port)):
        yield Server(port, authority)
