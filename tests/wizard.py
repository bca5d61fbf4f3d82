"""An import as an editor takes it through the wizard, step by step, without a browser: same tables and processes."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from registry.importers.reading import headings
from registry.importers.reading.list_file import FileAnswer
from registry.importers.wizard import import_store, job, steps
from registry.importers.wizard.import_store import Import
from registry.settings import Settings
from registry.staff import import_answers
from registry.storage.database import Database
from tests.running import PATIENCE

job.GRACE = PATIENCE  # its process is this one, which does not end with a step that goes on after it was cancelled
Judge = Callable[[dict[str, Any]], bool | None]


class Wizard:
    """One register's imports in the hands of one editor; processes run inside this one."""

    def __init__(self, database: Database, folder: Path, by: str = "editor.a") -> None:
        self.database, self.by = database, by
        self.settings = Settings(data_dir=folder, database_url=database.url.render_as_string(hide_password=False))

    def upload(
        self, file: Path | bytes, kind: import_store.Kind = "list", name: str = "list.csv", **said: Any
    ) -> Import:
        """Keep a file; nothing is done with it yet."""
        body = file if isinstance(file, bytes) else file.read_bytes()
        told = {"as_of": "2025-06-30", "title": "示例名单", "scope": "national", "origin": "", **said}
        with self.database.writing() as connection:
            return import_store.create_import(connection, self.by, kind, io.BytesIO(body), name=name, options=told)

    def of(self, one: Import) -> Import:
        """The import as it stands now."""
        with self.database.reading() as connection:
            return import_store.get_import(connection, one.id, self.by)

    def begin(self, one: Import, state: import_store.State | None = None, **values: Any) -> str:
        """Hand it to a process that has not started yet; its name."""
        with self.database.writing() as connection:
            return import_store.start_run(connection, one, state or one.state, **values)

    def work(self, one: Import, state: import_store.State | None = None, **values: Any) -> Import:
        """Hand it to a process and wait for its end."""
        job.run_import(self.settings, self.database, one.id, self.begin(one, state, **values))
        return self.of(one)

    def upload_and_compare(self, file: Path | bytes, **said: Any) -> Import:
        """Upload, accept the columns as they were recognised, audit and compare."""
        one = self.upload(file, **said)
        if one.kind != "list":
            return self.work(one)
        return self.map_columns(self.work(one))

    def map_columns(self, one: Import, **uses: str) -> Import:
        """Name columns by their title where told, accept the others; then audit and compare."""
        assert one.state == "mapping", (one.state, one.found)
        there = [msgspec.convert(layout, headings.Layout) for layout in one.found["layouts"]]
        named = [
            headings.name_columns(
                layout, [uses.get(title, use) for title, use in zip(layout.titles, layout.uses, strict=True)]
            )
            for layout in there
        ]
        said = {**one.said, "layouts": msgspec.to_builtins(named), "rows": one.found["rows"]}
        return self.work(one, "comparing", said=said)

    def lines(self, one: Import, section: str) -> list[dict[str, Any]]:
        """Every line of a section."""
        with self.database.reading() as connection:
            return list(import_store.read_lines(connection, one.id, section))

    def decide(self, one: Import, judge: Judge) -> Import:
        """FileAnswer the pairs that are open: True the same, False two, None left open."""
        made = one.decisions
        for line in self.lines(one, "pairs"):
            answer = judge(line) if line["key"] in steps.list_open_pairs(one.found["pairs"], made) else None
            if answer is not None:
                made = steps.add_decision(made, line, answer, self.by, import_store.get_time_ms())
        with self.database.writing() as connection:
            import_store.save_import(connection, one, decisions=made)
        return self.of(one)

    def keep_spelling(self, one: Import, section: str = "pairs") -> Import:
        """Keep the register's spelling in every line of a section; then compare again."""
        decisions = one.decisions
        for line in self.lines(one, section):
            pair = line if "rule" in line else as_pair(line)
            decisions = steps.add_decision(decisions, pair, True, self.by, import_store.get_time_ms(), spelling=True)
        return self.work(one, "comparing", decisions=decisions)

    def take(self, one: Import, reason: str) -> Import:
        """Take the list in every conflict with a decision, for one reason."""
        reasons = {line["key"]: reason for line in self.lines(one, "conflicts")}
        with self.database.writing() as connection:
            import_store.save_import(connection, one, said={**one.said, "reasons": reasons})
        return self.of(one)

    def answer(self, one: Import, answers: dict[str, FileAnswer]) -> Import:
        """FileAnswer questions of the audit by their keys; then read the file again."""
        given = {**one.said.get("answers", {}), **msgspec.to_builtins(answers)}
        return self.work(one, "comparing", said={**one.said, "answers": given})

    def open(self, one: Import) -> list[str]:
        """The keys of the pairs nobody decided."""
        return steps.list_open_pairs(one.found["pairs"], one.decisions)

    def proposed(self, one: Import) -> Import:
        """Compare by what was decided, then propose."""
        one = self.work(one, "comparing")
        assert self.open(one) == []
        return self.work(one, "proposing")


def as_pair(line: dict[str, Any]) -> dict[str, Any]:
    """A line of the difference as a pair, as the page of a decision makes it."""
    return import_answers.make_pair(line)


def names(line: dict[str, Any]) -> tuple[str, str]:
    """(name in the register, name in the list) of a pair."""
    return line["before"]["name"], line["after"]["name"]
