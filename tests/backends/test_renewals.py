"""Renewing many approvals in one proposal: what is offered, what is stated, and what stays as it is."""

from __future__ import annotations

import datetime as dt
import io

import pytest

from registry.domain.model import Draft, Institution
from registry.errors import InvalidInput, NotAllowed
from registry.records import asof, lookup, standing
from registry.records.deadlines import DeadlineFilter
from registry.staff.forms import renewals
from registry.staff.forms.renewals import Renewal, RenewalDocument, RenewalTerms
from registry.storage import attachments
from registry.storage.database import Database
from tests.factories import a_change, a_source, an_institution, approve, code_of, enter

TODAY = asof.read_today()
SOON, OVERDUE, LATER = (TODAY + dt.timedelta(days=days) for days in (20, -40, 400))


def due_on(number: int, day: dt.date, technique: str = "IVF", region: str = "210303") -> Draft:
    approval = {"stage": "formal", "verification_due": day.isoformat(), "document_no": f"示文{number}号"}
    held = {f"approvals.{technique}": approval, "region": region}
    return an_institution(f"示例第{number}医院", f"辽宁省鞍山市铁西区示例路{number}号", **held)


ONE, TWO, THREE, FOUR = due_on(1, SOON), due_on(2, OVERDUE, "AIH"), due_on(3, LATER), due_on(4, SOON, region="210102")


@pytest.fixture
def register(database: Database) -> Database:
    enter(database, a_source(), ONE, TWO, THREE, FOUR)
    return database


def find_due(database: Database, **wanted: str) -> set[tuple[str, str]]:
    until = TODAY + dt.timedelta(days=90)
    with database.reading() as connection:
        found = renewals.list_due_approvals(connection, DeadlineFilter(kind="verification", until=until, **wanted))  # type: ignore[arg-type]
    return {(one.subject, one.path) for one in found}


def renew(database: Database, chosen: set[tuple[str, str]], due: dt.date | None = None, by: str = "editor.a") -> int:
    with database.writing() as connection:
        file = attachments.add_attachment(connection, io.BytesIO(b"%PDF"), name="a.pdf", media_type="x", by=by)
    document = RenewalDocument(title="关于校验的通知", number="示卫〔1〕号", date=TODAY, sha256=file.sha256)
    terms = RenewalTerms(chosen=frozenset(chosen), effective=TODAY, due=due)
    renewal = Renewal(terms=terms, document=document)
    return renewals.propose_renewal(database, renewal, by=by, log=None)


def read(database: Database, draft: Draft) -> Institution:
    with database.reading() as connection:
        return lookup.get_institution(connection, code_of(draft), asof.make_as_of(connection))


def test_what_falls_due_and_what_is_overdue_is_offered_by_region_and_technique(register: Database) -> None:
    ivf, aih, fourth = (ONE.subject, "approvals.IVF"), (TWO.subject, "approvals.AIH"), (FOUR.subject, "approvals.IVF")
    assert find_due(register) == {ivf, aih, fourth}
    assert find_due(register, technique="IVF") == {ivf, fourth}
    assert find_due(register, region="210300") == {ivf, aih}


def test_each_is_renewed_two_years_after_its_own_day_and_keeps_all_else(register: Database) -> None:
    assert [one.standing for one in read(register, TWO).approvals] == ["lapsed"]
    approve(register, renew(register, find_due(register)))
    (ivf,), (aih,) = read(register, ONE).approvals, read(register, TWO).approvals
    assert (ivf.verification_due, ivf.document_no) == (standing.add_years(SOON, 2), "示文1号")
    assert (aih.verification_due, aih.standing) == (standing.add_years(OVERDUE, 2), "in_force")
    source = read(register, ONE).source
    assert source is not None
    assert source.title == "关于校验的通知（示卫〔1〕号）"
    assert find_due(register) == set()


def test_one_day_for_all_has_to_be_later_than_each_present_one(register: Database) -> None:
    with pytest.raises(InvalidInput) as refused:
        renew(register, find_due(register), due=SOON)
    assert "示例第" in refused.value.zh
    approve(register, renew(register, find_due(register), due=LATER))
    assert [one.verification_due for one in read(register, FOUR).approvals] == [LATER]


def test_nothing_chosen_or_what_changed_meanwhile_is_refused(register: Database) -> None:
    chosen = find_due(register)
    with pytest.raises(InvalidInput):
        renew(register, set())
    enter(register, a_change(ONE, TODAY, {"approvals.IVF": None}, reason="示例"))
    with pytest.raises(InvalidInput):
        renew(register, chosen)


def test_only_editors_renew(register: Database) -> None:
    with pytest.raises(NotAllowed):
        renew(register, find_due(register), by="approver.a")
