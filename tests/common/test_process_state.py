"""What a process remembers is registered where it is kept, and a reset makes it forget."""

from __future__ import annotations

import ast

from common import hints, process_state
from identity import configuration
from sms import routing
from sms.reports import polling
from tests.support.paths import ROOT

PACKAGES = ("common", "tamin_portal", "sms", "identity", "mail", "accounts", "registration", "openid")
NEEDS_NO_RESET = {
    "accounts/home/catalogue.py": "what starts services, as apps register at their start",
    "accounts/profile/menu.py": "pages of the profile, as apps register at their start",
    "accounts/recovery/session.py": "who may know a person's city, as apps register at their start",
    "accounts/sessions/listeners.py": "who hears of ends, as apps register at their start",
    "accounts/sign_in/destinations.py": "whose names a sign-in may show, as apps register at their start",
    "common/connecting.py": "a question leaves when it is answered",
    "common/process_state.py": "the register itself",
    "common/purging.py": "the steps that modules register as they are imported",
    "sms/sending/calls.py": "leaves with the gateway, which routing forgets",
}
EMPTY = ("{}", "[]", "set()", "dict()", "list()", "WeakKeyDictionary()")


def keeps_state(module: ast.Module) -> bool:
    """Whether a function of it rebinds a name of the module, or the module begins with something empty to be filled."""
    filled = [node.value for node in module.body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]
    rebinds = any(isinstance(node, ast.Global) for node in ast.walk(module))
    return rebinds or any(ast.unparse(value) in EMPTY for value in filled)


def registers(module: ast.Module) -> bool:
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    return any("register_reset" in map(ast.unparse, each.decorator_list) for each in functions)


def test_every_module_that_keeps_state_registers_its_reset():
    forgotten = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            module = ast.parse(path.read_text(encoding="utf-8"))
            if keeps_state(module) and not registers(module):
                forgotten.add(str(path.relative_to(ROOT)))
    assert forgotten == NEEDS_NO_RESET.keys()


def test_a_dead_redis_is_tried_again():
    hints._skip_until = float("inf")
    process_state.reset_all()
    assert hints._skip_until == 0.0


def test_a_gateway_is_built_anew(settings):
    [name] = settings.SMS_GATEWAYS
    one = routing.by_name(name)
    assert routing.by_name(name) is one
    process_state.reset_all()
    assert routing.by_name(name) is not one


def test_a_registry_is_built_anew_without_its_token():
    one = configuration.build("demo")
    assert configuration.build("demo") is one
    process_state.reset_all()
    assert configuration.build("demo") is not one


def test_an_answer_to_a_poll_that_is_still_to_come_is_used_by_nobody():
    before = polling._answers
    polling._asking.add("box")
    process_state.reset_all()
    before.put(("box", ()))
    assert polling._asking == set()
    assert polling._answers.empty()
