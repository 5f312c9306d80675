"""Measures the structure: rooms, floors, arrows and cycles of each app, and the length of files and functions.

    python tools/rooms.py [APP ...]     a line for each app (without APP for all), then sizes
    python tools/rooms.py --arrows APP  that app's rooms from the top floor down, and what each imports

A room is what lies directly in an app: a module or a package. An arrow is one room that imports another, however often.
A room's floor is one above the highest room that it imports. Migrations are left out, and so are tests.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
Arrows = dict[str, set[str]]  # each room, and the rooms that it imports


def apps() -> list[str]:
    """The packages at the top that Django loads."""
    return sorted(path.parent.name for path in ROOT.glob("*/apps.py"))


def graph_of(names: Iterable[str]) -> grimp.ImportGraph:
    sys.path.insert(0, str(ROOT))
    return grimp.build_graph(*names, cache_dir=None)


def rooms_of(graph: grimp.ImportGraph, app: str) -> Arrows:
    """The rooms of `app`, and which of them each imports."""
    arrows: Arrows = {}
    for module in graph.modules:
        room = _room(module, app)
        if room:
            found = (_room(other, app) for other in graph.find_modules_directly_imported_by(module))
            arrows.setdefault(room, set()).update(other for other in found if other and other != room)
    return arrows


def floors_of(arrows: Arrows) -> dict[str, int]:
    """Each room's floor, the lowest is 1. Raises CycleError."""
    floors: dict[str, int] = {}
    for room in TopologicalSorter(arrows).static_order():
        floors[room] = 1 + max((floors[other] for other in arrows[room]), default=0)
    return floors


def cycle_of(arrows: Arrows) -> list[str]:
    """One circle of rooms; empty, if there is none."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def sizes() -> Iterator[tuple[str, int]]:
    """Every function of the apps as "path:line name", and its length in lines."""
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1


def sources() -> list[Path]:
    """The Python files of all apps."""
    found = (path for app in apps() for path in (ROOT / app).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def _room(module: str, app: str) -> str:
    """The room of `app` that `module` belongs to; "" for other apps' and for migrations."""
    head, *rest = module.split(".")
    return rest[0] if head == app and rest and rest[0] != "migrations" else ""


def _line(app: str, arrows: Arrows) -> str:
    circle = cycle_of(arrows)
    floors = "-" if circle else max(floors_of(arrows).values())
    count = sum(map(len, arrows.values()))
    return f"{app:14}{len(arrows):4} rooms{floors:>4} floors{count:5} arrows   {' -> '.join(circle) or 'no cycle'}"


def _show_arrows(arrows: Arrows) -> None:
    floors = floors_of(arrows)
    for room in sorted(arrows, key=lambda name: (-floors[name], name)):
        print(f"{floors[room]:3}  {room:24}{' '.join(sorted(arrows[room]))}")


def main() -> None:
    parser = argparse.ArgumentParser(description="How the house is built.")
    parser.add_argument("apps", nargs="*", metavar="APP")
    parser.add_argument("--arrows", action="store_true")
    given = parser.parse_args()
    graph = graph_of(apps())
    for app in given.apps or apps():
        print(_line(app, rooms_of(graph, app)))
        if given.arrows:
            _show_arrows(rooms_of(graph, app))
    longest = sorted(((len(path.read_text().splitlines()), path) for path in sources()), reverse=True)[0]
    functions = sorted(length for _name, length in sizes())
    print(f"longest file {longest[0]} lines ({longest[1].relative_to(ROOT)})")
    print(f"functions: {len(functions)}, p95 {functions[len(functions) * 95 // 100]} lines, longest {functions[-1]}")


if __name__ == "__main__":
    main()
