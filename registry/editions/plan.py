"""An edition before it is proposed: what it would list, what that changes, and what a person should look at first."""

import datetime as dt
import unicodedata
from itertools import islice
from typing import Any

import msgspec

from registry.domain import regions
from registry.domain.answers import LogState
from registry.domain.model import Change, Date, Draft, Struct
from registry.editions import store, supervision
from registry.editions.content import EditionInstitution, ListContent, Progress, Totals
from registry.editions.difference import EditionDifference
from registry.editions.edition import NATIONAL, Edition, list_editions, select_predecessor
from registry.errors import Conflict, InvalidInput, NotFound
from registry.log import store as log
from registry.records import asof as times
from registry.records.asof import AsOf
from registry.storage.database import Database
from registry.texts import Message

#: Institutions shown of each part of a difference, of the first rows and of each warning; the files hold all.
SHOWN = 50
#: A scheduled day further away than this is more likely mistyped.
LONGEST_WAIT = dt.timedelta(days=366)
#: Control and format characters, line and paragraph separators.
_INVISIBLE = ("Cc", "Cf", "Zl", "Zp")


class EditionRequest(Struct, frozen=True):
    """An edition somebody wants published.

    ``as_of``: today unless given. ``release``: when it is to be public; null: once a second person approved it.
    """

    title: str
    as_of: Date | None = None
    release: dt.datetime | None = None
    scope: str = NATIONAL


class ListWarning(Struct, frozen=True):
    """Something in the list to look at before it is public.

    ``kind`` is suspended, rectification, preparing, operating, placeless (of no region), or overdue (an approval left
    out because it lapsed); ``names``: SHOWN of ``count``.
    """

    kind: str
    count: int
    names: list[str]


class EditionPlan(Struct, frozen=True):
    """A plan to propose: the draft, and what a person decides by."""

    number: int
    wish: EditionRequest
    as_of: Date
    page: str
    log: LogState
    totals: Totals
    difference: EditionDifference
    rows: list[EditionInstitution]
    warnings: list[ListWarning]
    supervision: int = 0

    @property
    def draft(self) -> Draft:
        """The entry that approval would append."""
        release = self.wish.release
        values: dict[str, Any] = {
            "number": self.number,
            "title": self.wish.title,
            "as_of": self.as_of.isoformat(),
            "scope": self.wish.scope,
            "log_size": self.log.size,
            "root": self.log.root,
            "institutions": self.totals.institutions,
            "techniques": dict(self.totals.techniques),
            "supervision": self.supervision or None,
            "page": self.page,
            "release": release.astimezone(dt.UTC).isoformat(timespec="seconds") if release else None,
        }
        return Draft(
            subject=f"edition:{self.number}",
            change=Change(kind="edition", set={path: value for path, value in values.items() if value is not None}),
            valid_from=self.as_of,
        )

    @property
    def report(self) -> dict[str, Any]:
        """What the approver sees, cut to SHOWN of each list."""
        difference: dict[str, Any] = msgspec.to_builtins(self.difference)
        cut = {name: value[:SHOWN] if isinstance(value, list) else value for name, value in difference.items()}
        counts = {name: len(value) for name, value in difference.items() if isinstance(value, list)}
        totals, warnings = msgspec.to_builtins(self.totals), msgspec.to_builtins(self.warnings)
        return {"difference": cut, "counts": counts, "totals": totals, "warnings": warnings}


def make_plan(
    database: Database, wish: EditionRequest, public_url: str, progress: Progress | None = None, rows: int = 20
) -> EditionPlan:
    """Make the plan of an edition as of the log as it stands. InvalidInput for what cannot be published."""
    with database.reading() as connection:
        size = log.read_head(connection).size
        now = times.find_now(connection)
        editions = list_editions(connection, size)
    today = times.to_day(now)
    as_of = wish.as_of or today
    _check_request(wish, as_of, today, now)
    number = max((edition.number for edition in editions), default=0) + 1
    with ListContent(database, AsOf(valid_on=as_of, size=size), wish.scope, progress) as content:
        if not content.totals.institutions:
            raise InvalidInput(
                Message("截至{as_of}，名录在此范围内没有任何机构，无可公布。", as_of=as_of), field="as_of"
            )
        state = LogState(size=size, root=store.compute_root(database, size))
        # Compared with what it would be compared with once it is approved, so far as that is known now.
        before = select_predecessor(editions, wish.scope, wish.release or now, entry=size + 1)
        return EditionPlan(
            number=number,
            wish=wish,
            as_of=as_of,
            page=f"{public_url.rstrip('/')}/editions/{number}",
            log=state,
            totals=content.totals,
            difference=store.compare_with_predecessor(database, content, before),
            rows=list(islice(content.read_list(), rows)),
            warnings=_collect_warnings(content),
            supervision=len(supervision.list_records(database, AsOf(valid_on=as_of, size=size), content)),
        )


def _check_request(wish: EditionRequest, as_of: Date, today: Date, now: dt.datetime) -> None:
    if not 2 <= len(wish.title.strip()) <= 120:
        raise InvalidInput(Message("请填写标题（2至120字）。"), field="title")
    if any(unicodedata.category(c) in _INVISIBLE for c in wish.title):
        raise InvalidInput(Message("标题中有换行、制表符或看不见的字符，请删去。"), field="title")
    if as_of > today:
        raise InvalidInput(Message("截止日 {as_of} 还没有到；名录只能写明已经过去的日子。", as_of=as_of), field="as_of")
    if wish.scope != NATIONAL and regions.find_region(wish.scope) is None:
        raise InvalidInput(
            Message("没有行政区划代码“{scope}”；全国请写 national。", scope=wish.scope[:20]), field="scope"
        )
    if wish.release is None:
        return
    if not now - dt.timedelta(minutes=1) <= wish.release <= now + LONGEST_WAIT:
        raise InvalidInput(Message("公布时间须在现在之后、一年之内。"), field="release")


def _collect_warnings(content: ListContent) -> list[ListWarning]:
    kinds = ("overdue", "placeless", "suspended", "rectification", "preparing", "operating")
    names: dict[str, list[str]] = {kind: [] for kind in kinds}
    counts = dict.fromkeys(names, 0)
    names["overdue"], counts["overdue"] = content.left_out[:SHOWN], len(content.left_out)
    for institution in content.read_institutions():
        stages = {"overdue" if approval.stage == "lapsed" else approval.stage for approval in institution.approvals}
        for kind in (stages | ({"placeless"} if not institution.region.province else set())) & names.keys():
            counts[kind] += 1
            if len(names[kind]) < SHOWN:
                names[kind].append(institution.name)
    return [ListWarning(kind=kind, count=counts[kind], names=of_kind) for kind, of_kind in names.items() if of_kind]


def make_withdrawal(database: Database, identifier: str, reason: str) -> tuple[Edition, Draft]:
    """Return the edition of an id and the entry that would withdraw it; NotFound, Conflict, InvalidInput."""
    with database.reading() as connection:
        edition = next((one for one in list_editions(connection) if one.id == identifier), None)
        today = times.find_today(connection)
    if edition is None:
        raise NotFound(Message("没有第{identifier}期名录。", identifier=identifier[:20]))
    if edition.withdrawn is not None:
        raise Conflict(Message("第{identifier}期名录已经撤回。", identifier=identifier))
    if not 2 <= len(reason.strip()) <= 500:
        raise InvalidInput(Message("请写明撤回的理由（2至500字），公众会看到。"), field="reason")
    change = Change(kind="edition", set={"withdrawn": True, "withdrawal": reason.strip()}, reason=reason.strip())
    return edition, Draft(subject=f"edition:{edition.id}", change=change, valid_from=max(edition.as_of, today))
