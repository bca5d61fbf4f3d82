"""No test depends on the speed of the machine, or on which tests ran before it in the same process.

It counts work or time of the processor, or allows for what is slow. Where time is the subject, what a machine takes is
measured in the same run, and the limit is computed from it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
#: Data, and the installed libraries of other programs' environments.
ELSEWHERE = {"data", ".venv", "node_modules", ".build"}
SOURCES = sorted(path for path in TESTS.rglob("*.py") if not ELSEWHERE & set(path.relative_to(TESTS).parts))
#: What a test runs as a program of its own.
PROGRAMS = sorted((TESTS.parent / "bench" / "soak").glob("*.py"))
#: Seconds below which a limit says something about the machine; whatever takes longer hangs. Up to a second it is a
#: look at what is asked again.
HANGS, LOOK = 30, 1
CLOCKS = {"time.monotonic", "time.perf_counter", "time.time"}


def find_name(node: ast.AST) -> str:
    """The dotted name of what is called; where a call is called, what follows it."""
    if isinstance(node, ast.Attribute):
        return f"{find_name(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def reads_clock(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Call) and find_name(one.func) in CLOCKS for one in ast.walk(node))


def is_elapsed(node: ast.AST, names: set[str]) -> bool:
    """Whether an expression holds a difference of two readings of a clock, or a name of one."""
    for one in ast.walk(node):
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub) and reads_clock(one):
            return True
        if isinstance(one, ast.Name) and one.id in names:
            return True
    return False


def list_stores(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Names with what is assigned to them, appended to them, or returned by the function of that name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=True))
                yield from ((name.id, value) for name, value in pairs if isinstance(name, ast.Name))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
            if isinstance(node.func.value, ast.Name):
                yield from ((node.func.value.id, argument) for argument in node.args)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"):
            yield from ((node.name, one.value) for one in ast.walk(node) if isinstance(one, ast.Return) and one.value)


def find_elapsed_names(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    stores = list(list_stores(tree))
    while more := {name for name, value in stores if is_elapsed(value, names)} - names:
        names |= more
    return names


def is_short(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and node.value < HANGS


def find_limits(text: str) -> list[int]:
    """The lines of a test that require something within so few seconds."""
    tree, found = ast.parse(text), set()
    pauses = {one for loop in ast.walk(tree) if isinstance(loop, ast.While) for one in ast.walk(loop.test)}
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for scope in scopes:
        names = find_elapsed_names(scope) if any(clock in text for clock in CLOCKS) else set()
        for node in ast.walk(scope):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
                    low, high = (left, right) if isinstance(operator, ast.Lt | ast.LtE) else (right, left)
                    if is_short(high) and is_elapsed(low, names):
                        found.add(node.lineno)
            elif isinstance(node, ast.Call) and node not in pauses and any(map(is_short, list_waits(node))):
                found.add(node.lineno)
    return sorted(found)


def list_waits(call: ast.Call) -> list[ast.expr]:
    """How long a call waits for somebody else at most."""
    name = find_name(call.func)
    if name.endswith("eventually"):
        return [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "seconds")]
    waits = [word.value for word in call.keywords if word.arg == "timeout"]
    if re.fullmatch(r"httpx\.([a-z]+|Client)", name) and not waits:
        return [ast.Constant(5.0)]  # the library's own
    waits += call.args[:1] if name.endswith((".wait", ".settimeout")) else []
    return [wait for wait in waits if not (isinstance(wait, ast.Constant) and wait.value <= LOOK)]


def test_no_test_fails_on_a_slow_machine() -> None:
    paths = [*SOURCES, *PROGRAMS]
    limits = {path.relative_to(TESTS.parent).as_posix(): find_limits(path.read_text("utf-8")) for path in paths}
    assert {path: found for path, found in limits.items() if found} == {}


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("assert time.monotonic() - began < 10", True),
        ("assert 10 > time.perf_counter() - began", True),
        ("taken = time.time() - began; waits.append(taken); assert max(waits) < 1.0", True),
        ("slowest = max(slowest, (time.perf_counter() - began, '')); assert slowest[0] < 2.0", True),
        ("assert eventually(check, 2)", True),
        ("process.wait(timeout=20)", True),
        ("assert begun.wait(10)", True),
        ("httpx.get(url, timeout=5)", True),
        ("httpx.get(url)", True),
        ("assert time.monotonic() - began > 4", False),
        ("assert time.monotonic() - began < 30", False),
        ("assert time.process_time() - began < 5", False),
        ("taken = time.monotonic() - began; assert taken < max(5.0, 30 * quiet)", False),
        ("assert eventually(check, 30)", False),
        ("process.wait(timeout=30); httpx.get(url, timeout=patience)", False),
        ("over.wait(0.01)", False),
        ("while not over.wait(2): look()", False),
    ],
)
def test_the_rule_finds_such_limits_and_nothing_else(line: str, is_found: bool) -> None:
    assert bool(find_limits(f"def test_it():\n    {line}")) == is_found


def test_no_test_runs_an_event_loop_in_the_thread_of_the_tests() -> None:
    """There a browser of an earlier test keeps one running, and asyncio refuses a second."""
    texts = {path: path.read_text("utf-8") for path in SOURCES if path.name.startswith("test_")}
    found = [
        f"{path.name}:{node.lineno}"
        for path, text in texts.items()
        if "io.run" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and find_name(node.func) in {"asyncio.run", "anyio.run"}
    ]
    assert found == []


def test_a_unit_test_opens_no_register() -> None:
    """What needs one, or reads the whole list, lies in tests/registers: unit tests are run after every change."""
    opens = re.compile(r"\b(a_database|a_register|a_view|the_real_lists|Database\()")
    units = sorted((TESTS / "unit").glob("*.py"))
    assert units and [path.name for path in units if opens.search(path.read_text("utf-8"))] == []
