"""Who can be asked: `base` is the contract, every other module is one provider."""

from __future__ import annotations

from identity.registries.base import Registry
from identity.registries.demo import DemoRegistry
from identity.registries.local import LocalRegistry

_ALL: tuple[type[Registry], ...] = (LocalRegistry, DemoRegistry)
# Each kind under the name that settings call it by.
KINDS: dict[str, type[Registry]] = {kind.KIND: kind for kind in _ALL}
