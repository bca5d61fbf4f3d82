"""Long lists through a running server: progress is shown, others are answered, cancelling stops the work."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desk import Staff
from tests.factories import a_list
from tests.running import PATIENCE, Cli, Server, eventually

Arrive = Callable[..., Staff]
LONG = 12_000


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = ({"name": f"鞍山市示例{n}号医院", "address": f"辽宁省鞍山市铁西区示例路{n}号"} for n in range(LONG))
    return a_list(tmp_path_factory.mktemp("long") / "long.csv", rows)


@pytest.fixture
def editor(cli: Cli, start: Callable[..., Server], arrive: Arrive, monkeypatch: pytest.MonkeyPatch) -> Staff:
    """At a server whose processes are new ones: they are found by how they were called."""
    monkeypatch.setattr(Server, "new", True)
    cli.ok("init")
    cli.staff()
    return arrive(start(cli.data_dir, workers=2), "editor").sign_in()


def token(one: Staff) -> str:
    found = re.search(r'name="form_token" value="(\w+)"', one.get("/staff/imports/new"))
    assert found
    return found[1]


def begun(one: Staff, path: Path) -> str:
    """Upload and accept the columns; the address of the import, whose comparison is under way."""
    sent = {"form_token": token(one), "kind": "list", "as_of": "2025-06-30", "scope": "partial", "title": "长名单"}
    with path.open("rb") as file:
        answer = one.client.post("/staff/imports", data=sent, files={"file": (path.name, file)})
    assert answer.status_code == 303, answer.text
    at = answer.headers["location"].partition("?")[0]
    assert eventually(lambda: "/columns" in one.get(at))
    assert one.send(f"{at}/columns", on=at).status_code == 303
    return at


def seen(one: Staff, at: str) -> Iterator[str]:
    """The page of an import over and over, while a process works on it."""
    until = time.monotonic() + 2 * PATIENCE
    while time.monotonic() < until:
        answer = one.client.get(at)
        if "refresh" not in answer.headers:
            yield answer.text
            return
        yield answer.text
        time.sleep(0.05)
    pytest.fail("the import never came to an end")


def question(one: Staff) -> float:
    """Seconds until an ordinary question is answered."""
    before = time.monotonic()
    assert one.client.get("/api/v1/verify", params={"name": "盛京医院"}).status_code == 200
    return time.monotonic() - before


def processes(data_dir: Path) -> list[int]:
    """The processes at work on imports of one register."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command, told = (path / "cmdline").read_bytes(), (path / "environ").read_bytes()
        except OSError:
            continue
        if b"registry.importers.wizard.job" in command and f"REGISTRY_DATA_DIR={data_dir}".encode() in told:
            found.append(int(path.name))
    return found


def test_progress_is_shown_and_others_are_answered_meanwhile(editor: Staff, long: Path, cli: Cli) -> None:
    quiet = max(question(editor) for _ in range(10))
    at = begun(editor, long)
    slowest, counts, told, pages = 0.0, set(), set(), []

    def both() -> Iterator[str]:
        yield from seen(editor, at)
        assert editor.send(f"{at}/propose", on=at).status_code == 303
        yield from seen(editor, at)

    for page in both():
        pages.append(page)
        counts |= set(re.findall(r'<progress value="(\d+)" max="1200\d"', page))
        told.add(re.sub(r"<[^>]+>|\s+", "", page.partition("<main")[2]))
        slowest = max(slowest, question(editor))
    assert counts
    assert len(told) >= 4  # what it says moves on, from step to step and from row to row
    assert all(0 < int(count) <= LONG + 1 for count in counts)
    assert "已提交" in pages[-1]
    assert slowest < max(5.0, 100 * quiet)  # quiet: what it takes here when nothing is compared
    assert eventually(lambda: processes(cli.data_dir) == [])


def test_cancelling_ends_the_process_and_leaves_nothing(editor: Staff, long: Path, cli: Cli) -> None:
    at = begun(editor, long)
    assert eventually(lambda: processes(cli.data_dir) != [])
    assert editor.send(f"{at}/cancel", on=f"{at}?cancel=1").status_code == 303
    assert "已取消" in editor.get(at)
    assert eventually(lambda: processes(cli.data_dir) == [])
    assert list((cli.data_dir / "imports").iterdir()) == []
    assert cli.ok("proposals", "--json").json == []
    assert editor.client.post(f"{at}/cancel", data={"form_token": token(editor)}).status_code == 409


def test_a_killed_process_is_shown_as_interrupted_at_once_and_begins_anew(editor: Staff, long: Path, cli: Cli) -> None:
    at = begun(editor, long)
    assert eventually(lambda: processes(cli.data_dir) != [])
    for one in processes(cli.data_dir):
        os.kill(one, signal.SIGKILL)
    assert eventually(lambda: "重新开始这一步" in editor.get(at))
    assert cli.ok("proposals", "--json").json == []
    assert editor.send(f"{at}/compare", on=at).status_code == 303
    assert "可以提交" in list(seen(editor, at))[-1]
    assert editor.send(f"{at}/propose", on=at).status_code == 303
    assert "已提交" in list(seen(editor, at))[-1]
    assert [one["title"] for one in cli.ok("proposals", "--json").json] == ["长名单"]
