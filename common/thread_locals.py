"""Keeps by plain thread what Django keeps by thread or by task of an event loop: language, time zone, connections.

Django uses asgiref's `Local`, which looks at each use for an event loop, or through a context variable and a lock. A
registration uses it 1,300 times, some 2 ms; `threading.local` takes a twentieth. Nothing of ours is asynchronous: in
threads both keep the same.
"""

from __future__ import annotations

import threading
from typing import Any

from django.db import connections
from django.urls import base
from django.utils import timezone
from django.utils.translation import trans_real

# Django's own names, which another version of it may change: then the start fails here, and not silently.
_KEPT: tuple[tuple[Any, str], ...] = (
    (trans_real, "_active"),
    (timezone, "_active"),
    (base, "_prefixes"),
    (base, "_urlconfs"),
    (connections, "_connections"),
)


def keep_by_thread() -> None:
    """For the whole process, before anything is kept: called when the apps are ready.

    Raises AttributeError where Django has no such name.
    """
    for holder, name in _KEPT:
        getattr(holder, name)
        setattr(holder, name, threading.local())
