"""An edition that nobody approved yet, as whoever decides on it sees it: rows, files, and all that it changes."""

import datetime as dt
from itertools import islice
from pathlib import Path
from typing import Any

from registry.domain.answers import LogState
from registry.domain.model import Date, Draft, Struct
from registry.editions import manifest, store
from registry.editions.content import EditionInstitution, ListContent
from registry.editions.difference import EditionDifference
from registry.editions.edition import Edition, list_editions, select_predecessor
from registry.errors import NotFound
from registry.records import asof
from registry.storage.database import Database
from registry.texts import Message


class EditionReview(Struct, frozen=True):
    """What an edition would publish: ``rows`` of ``total`` from number ``first`` on, and all that it changes."""

    edition: Edition
    difference: EditionDifference
    rows: list[EditionInstitution]
    first: int
    total: int


def make_edition(database: Database, draft: Draft, proposal: int) -> Edition:
    """Make the edition that a draft states; NotFound for one that only withdraws an edition."""
    values: dict[str, Any] = draft.change.set
    if "log_size" not in values:
        raise NotFound(Message("这份提案不公布名录。"))
    with database.reading() as connection:
        now = asof.find_now(connection)
    release = dt.datetime.fromisoformat(values["release"]).astimezone(dt.UTC) if values.get("release") else now
    return Edition(
        id=draft.subject.partition(":")[2],
        number=values["number"],
        title=values["title"],
        as_of=Date.fromisoformat(values["as_of"]),
        scope=values["scope"],
        institutions=values["institutions"],
        techniques=dict(sorted((values.get("techniques") or {}).items())),
        log=LogState(size=values["log_size"], root=values["root"]),
        published=max(release, now),
        withdrawn=None,
        page=values.get("page") or "",
        entry=values["log_size"] + 1,
        proposal=proposal,
    )


def read_review(database: Database, edition: Edition, *, first: int, most: int) -> EditionReview:
    """Read what an edition would publish, with ``most`` of its rows from number ``first`` (counted from 1) on."""
    with database.reading() as connection:
        editions = list_editions(connection)
    with ListContent(database, edition.asof, edition.scope) as content:
        before = select_predecessor(editions, edition.scope, edition.published, edition.entry)
        return EditionReview(
            edition=edition,
            difference=store.compare_with_predecessor(database, content, before),
            rows=list(islice(content.read_list(), first - 1, first - 1 + most)),
            first=first,
            total=content.totals.institutions,
        )


def write_file(database: Database, edition: Edition, name: str, folder: Path) -> Path:
    """Write one file of an edition, as it will be published but for the entry and the instant; NotFound."""
    if name not in manifest.LISTS:
        raise NotFound(Message("没有这份文件。"))
    with ListContent(database, edition.asof, edition.scope) as content:
        store.write_list(folder / name, edition, content)
    return folder / name
