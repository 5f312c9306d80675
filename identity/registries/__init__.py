"""The adapters of registries: `base` is the contract, every other module is one provider or a part of one."""

from __future__ import annotations

from identity.registries.base import Registry
from identity.registries.demo import DemoRegistry
from identity.registries.jibit import JibitRegistry
from identity.registries.local import LocalRegistry
from identity.registries.uid import UidRegistry

_ALL: tuple[type[Registry], ...] = (LocalRegistry, UidRegistry, JibitRegistry, DemoRegistry)
# The adapters by the names that settings use for them.
KINDS: dict[str, type[Registry]] = {kind.KIND: kind for kind in _ALL}
