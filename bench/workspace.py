"""The pages of the workspace over a large made-up register: milliseconds of each, asked one after another."""

from __future__ import annotations

import datetime as dt
import random
import statistics
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import httpx
import sqlalchemy as sa

from bench import registers, running
from registry import accounts, proposals
from registry.accounts import audit_log, sessions
from registry.domain.identifiers import make_code
from registry.domain.model import Change, Draft, Kind
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.tables import trail, versions

#: For each hundred institutions: people, certificates, sanctions.
_PEOPLE, _CERTIFICATES, _SANCTIONS = 60, 20, 3
_SMALL_PROPOSALS, _EVENTS, _PART = 300, 100_000, 20_000
_AGENT, _ADDRESS = "bench", "127.0.0.1"
_DAY, _FIRST = dt.date(2026, 7, 1), dt.date(2026, 7, 2)
#: Every list with a filter of each kind, a far page, and another order; {name}: of an institution, {place}: a province.
PAGES = (
    "/staff",
    "/staff/records",
    "/staff/records?page=1500",
    "/staff/records?sort=recorded",
    "/staff/records?region=210000&technique=IVF&state=approved",
    "/staff/records?q={name}",
    "/staff/records?q=大连",
    "/staff/records?account=editor",
    "/staff/records?since=2025-01-01",
    "/staff/records?kind=practitioner",
    "/staff/records?kind=practitioner&page=1000&sort=end",
    "/staff/records?kind=practitioner&q=示例员777&region=210000",
    "/staff/records?kind=ad_certificate&state=over",
    "/staff/records?kind=sanction&sort=institution",
    "/staff/search?q=示例员777",
    "/staff/search?q={name}",
    "/staff/proposals",
    "/staff/proposals?state=approved&sort=items&account=editor",
    "/staff/due",
    "/staff/due?within=366&kind=authorisation&region=210000",
    "/staff/trail",
    "/staff/trail?q=提案&sort=at",
    "/staff/trail?account=editor&action=signed_in&page=900",
)
BAR, _ROUNDS = 300.0, 5


def run(folder: Path, institutions: int) -> None:
    """A line for each page: median milliseconds, and those of the processor, which hold on a busy machine."""
    data_dir, known = registers.prepare_register(folder, institutions)
    database = Database(Settings(data_dir=data_dir).get_database_url())
    _fill_register(database)
    token = _open_session(database)
    database.close()
    env = running.make_environment(data_dir)
    name = known[0].name
    with running.run_server([str(running.REGISTRY), "serve", "--port", "0"], env) as server:
        cookies, headers = {"staff_session": token}, {"user-agent": _AGENT}
        with httpx.Client(base_url=server.address, cookies=cookies, headers=headers, timeout=60) as client:
            print(f"{'page':70} {'ms':>6} {'of the processor':>17}")
            for page in PAGES:
                before = server.read_cpu_seconds()
                took = statistics.median(_measure_page(client, page.format(name=name)) for _ in range(_ROUNDS))
                spent = (server.read_cpu_seconds() - before) / _ROUNDS * 1000
                mark = "" if spent <= BAR else f"  over {BAR:.0f}"
                print(f"{page:70} {took:6.0f} {spent:17.0f}{mark}", flush=True)


def _measure_page(client: httpx.Client, page: str) -> float:
    start = time.perf_counter()
    answer = client.get(page, follow_redirects=True)
    if answer.status_code != 200:
        raise SystemExit(f"{page}: {answer.status_code}")
    return (time.perf_counter() - start) * 1000


def _open_session(database: Database) -> str:
    """Make somebody with every role, and return the token of a browser in which they are signed in."""
    with database.writing() as connection:
        if accounts.find_account(connection, "bench") is None:
            roles = ["editor", "approver", "auditor", "publisher"]
            accounts.create_account(connection, "bench", roles, running.PASSWORD.strip())
        return sessions.create_session(connection, "bench", "open", _ADDRESS, _AGENT)


def _fill_register(database: Database) -> None:
    """Add what belongs to institutions, some that begin later, small proposals and events; once for a register."""
    with database.reading() as connection:
        if connection.execute(sa.select(versions.c.subject).where(versions.c.kind == "practitioner").limit(1)).first():
            return
        query = sa.select(versions.c.subject).where(versions.c.kind == "institution").order_by(versions.c.subject)
        subjects = list(connection.execute(query).scalars())
    drawn = random.Random(7)
    drafts = chain.from_iterable(_draw_belongings(drawn, subject) for subject in subjects)
    while part := list(islice(drafts, _PART)):
        print(f"  what belongs to institutions: {len(part):,} more", flush=True)
        _append(database, part)
    for subject in drawn.sample(subjects, min(_SMALL_PROPOSALS, len(subjects))):
        day = _DAY + dt.timedelta(days=drawn.randrange(600))
        stated = {"approvals.IVF": {"stage": "formal", "verification_due": day.isoformat()}}
        _append(database, [_make_draft(subject, "institution", stated)])
    with database.writing() as connection:
        rows = [
            {"at": 1_750_000_000_000 + n, "account": "editor", "action": "signed_in", "about": "", "address": _ADDRESS}
            for n in range(_EVENTS)
        ]
        connection.execute(sa.insert(trail), rows)
        audit_log.record_event(connection, "editor", "signed_in")


def _append(database: Database, drafts: list[Draft]) -> None:
    number = proposals.propose(database, iter(drafts), by="editor", title="示例提案")
    with database.reading() as connection:
        seen = proposals.get_proposal(connection, number).content_hash
    proposals.approve(database, number, by="approver", seen=seen)


def _draw_belongings(drawn: random.Random, subject: str) -> Iterator[Draft]:
    """Draw the people, certificates and sanctions of an institution."""
    for kind, share in (("practitioner", _PEOPLE), ("ad_certificate", _CERTIFICATES), ("sanction", _SANCTIONS)):
        if drawn.randrange(100) < share:
            code = make_code(f"{kind}|{subject}")
            stated = _draw_values(drawn, kind)
            yield _make_draft(f"{kind}:{code}", kind, {"institution": subject, **stated})  # type: ignore[arg-type]


def _draw_values(drawn: random.Random, kind: str) -> dict[str, object]:
    day = _DAY + dt.timedelta(days=drawn.randrange(-300, 60))
    end = day + dt.timedelta(days=364)
    if kind == "practitioner":
        stated = {"name": f"示例员{drawn.randrange(30_000)}", "role": "示例岗位", "techniques": ["IVF"]}
        return {**stated, "valid_from": day.isoformat(), "valid_to": end.isoformat()}
    if kind == "ad_certificate":
        number = f"(辽)医广[{day.year}]第{day:%m-%d}-{drawn.randrange(1000):03}号"
        return {"number": number, "valid_from": day.isoformat(), "valid_to": end.isoformat()}
    stated = {"kind": "penalty", "authority": "示例卫生健康委员会", "summary": "示例违法行为"}
    return {**stated, "decided_on": day.isoformat(), "document_no": f"示卫罚〔2025〕{drawn.randrange(9999)}号"}


def _make_draft(subject: str, kind: Kind, stated: dict[str, object]) -> Draft:
    return Draft(subject=subject, change=Change(kind=kind, set=stated), valid_from=_FIRST)
