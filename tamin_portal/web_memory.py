"""The memory of the web's processes: what is freed goes back to the system, and what is loaded is not looked through
for garbage again and again (docs/decisions/0063-what-a-web-process-does-once.md).
"""

from __future__ import annotations

import ctypes
import gc
import sys

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_LARGE = 128 * 1024  # bytes: a block of this size on is a mapping of its own
_FREE_AT_END = 256 * 1024  # bytes of free memory that the heap may end with
_NEW_OBJECTS = 10_000  # that a look for garbage waits for; Python's own 700 come twice in a page


def return_what_is_freed() -> None:
    """In the process that forks the others, before there are threads: glibc gives back what was freed.

    By itself it learns from the first Argon2 block (19 MB) that is freed to keep such blocks, for each thread. Other C
    libraries have no such settings, and are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is None:
        return
    for setting, value in ((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _FREE_AT_END), (_M_ARENA_MAX, 1)):
        mallopt(setting, value)


def share_what_is_loaded() -> None:
    """Before the processes are forked: the collector of each would write to all it looks at, and so copy it."""
    gc.collect()
    gc.freeze()


def leave_what_is_loaded() -> None:
    """In each process, once all is loaded: the collector never looks at what is there now, and looks seldom enough for
    most of a page's objects to be gone by then. (No look before: it would be at what is shared, too.)"""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
