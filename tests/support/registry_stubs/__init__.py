"""Registries over real sockets that know made-up people, log every inquiry and misbehave as they are told.

In a test: `with serving(RegistryStub("jibit")) as stub: stub.behave(person="code-identity_info.not_found")`. As a
process of its own: `python -m tests.support.registry_stubs --kind uid --port 9801 --owner hang`. Who is known and what
the registries say about them is in `people`; each inquiry is a line: at, question, national_id, behaviour.
"""

from tests.support.registry_stubs.server import BEHAVIOURS, RegistryStub

__all__ = ["BEHAVIOURS", "RegistryStub"]
