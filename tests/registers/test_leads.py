"""Leads: no step out of order, nothing lost, the row is its history folded, figures are a naive recount."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from registry import accounts
from registry.accounts import Account
from registry.accounts.vault import Vault
from registry.domain.identifiers import parse_lead_number
from registry.errors import (
    CannotRecord,
    Conflict,
    FourEyesViolation,
    InvalidCode,
    InvalidInput,
    NotAllowed,
    NotFound,
    TooManyRequests,
    UnreadableFile,
)
from registry.measures import department_table
from registry.measures.leads import contents, duplicates, figures, intake, lead_filter, rules, store
from registry.measures.leads.deadlines import WorkingCalendar, load_calendar
from registry.measures.leads.figures import LeadPeriod
from registry.measures.leads.intake import LeadReport
from registry.measures.leads.lead_filter import LeadFilter
from registry.measures.leads.lead_handler import LeadHandler
from registry.measures.leads.model import UPKEEP, Action, StepFacts
from registry.measures.leads.service import DAY_MS, Leads
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.lead_tables import lead_notes, lead_pictures, lead_steps, leads
from tests.factories import a_database

CANARY = "示例路88号的金丝雀诊所说能做代孕"
REPORT = LeadReport(what=CANARY, who="示例金丝雀诊所", where="辽宁省鞍山市铁西区", contact="canary-contact@example.org")
FACTS: dict[Action, StepFacts] = {
    "triage": StepFacts(kind="surrogacy", urgency="urgent", region="210303"),
    "assign": StepFacts(department="market", region="210303"),
    "hand_over": StepFacts(sha256="0" * 64),
    "dispute": StepFacts(other_department="police", other_region="210302"),
    "agree": StepFacts(department="police", region="210302"),
    "designate": StepFacts(department="market", region="210303"),
    "answer": StepFacts(result="confirmed"),
    "request_closing": StepFacts(outcome="penalised"),
    "supervise": StepFacts(until="2999-01-01"),
}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def service(database: Database, tmp_path: Path) -> Iterator[Leads]:
    with a_service(database, tmp_path) as service:
        yield service


@contextmanager
def a_service(database: Database, folder: Path, **more: int) -> Iterator[Leads]:
    vault = Vault(folder / "secrets.key")
    vault.create_file()
    service = Leads(database, Settings(data_dir=folder, **{"leads_limit": 0, **more}), vault)
    yield service
    service.close()


def an_account(*roles: accounts.Role, name: str = "", region: str = "") -> Account:
    return Account(name=name or f"one.{roles[0]}", roles=frozenset(roles), disabled=False, region=region)


EDITOR, APPROVER = an_account("editor"), an_account("approver")


def a_picture(**more: object) -> io.BytesIO:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "canary-in-exif"
    exif.get_ifd(0x8825)[2] = (41.0, 7.0, 12.0)  # where it was taken
    Image.new("RGB", (64, 48), "teal").save(file, "JPEG", exif=exif, comment=b"canary-comment", **more)
    return file


def take(service: Leads, lead: int, action: Action, by: Account | None = None, **more: object) -> None:
    """Take a step in the name of somebody whose step it is, with what it needs."""
    rule = rules.RULES[action]
    account = by or (EDITOR if "editor" in rule.roles else APPROVER)
    facts = more.pop("facts", None) or FACTS.get(action, StepFacts())
    with service._database.writing() as connection:
        seen = more.pop("seen", store.get_lead(connection, lead).steps)
        handler = LeadHandler(connection, service.vault, account, WorkingCalendar([]))
        handler.take_step(lead, action, facts, seen=seen, note="如上" if rule.needs_note else "", **more)


def receive(service: Leads, **changes: str) -> int:
    """Report something and return the id of the lead."""
    report = LeadReport(**{name: getattr(REPORT, name) for name in REPORT.__struct_fields__} | changes)
    number = parse_lead_number(service.receive_report(report, [], "192.0.2.1").number)
    with service._database.reading() as connection:
        return store.get_by_number(connection, number).id


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(set(rules.RULES) - {"merge", "separate"})), max_size=25))
def test_no_step_is_taken_out_of_order_and_none_is_lost(service: Leads, actions: list[Action]) -> None:
    lead, taken = receive(service), ["receive"]
    for action in actions:
        with service._database.reading() as connection:
            before = store.get_lead(connection, lead)
        if rules.may_follow(before, action):
            take(service, lead, action)
            taken.append(action)
        else:
            with pytest.raises(Conflict):
                take(service, lead, action)
        with service._database.reading() as connection:
            after, history = store.get_lead(connection, lead), store.list_steps(connection, lead, service.vault)
        assert [step.action for step in history] == taken
        assert [step.step for step in history] == list(range(1, len(taken) + 1))
        assert after == store.fold_history(after, history, {name: rule.target for name, rule in rules.RULES.items()})
        assert [step.at for step in history] == sorted(step.at for step in history)
        assert (after.state == "closed") == (after.closed_at is not None) == bool(after.state == "closed")
        if not rules.may_follow(before, action):
            assert after == before
        with service._database.reading() as connection:
            assert contents.read_content(connection, service.vault, lead) == REPORT.make_content()


def test_every_state_can_be_reached_and_left_and_every_step_belongs_to_somebody() -> None:
    reached = {"received", *(rule.target for rule in rules.RULES.values() if rule.target)}
    assert reached == {*rules.OPEN, "closed", "merged"}
    left = {source for rule in rules.RULES.values() if rule.target for source in rule.sources}
    assert left == reached
    assert all(rule.roles for rule in rules.RULES.values())


def test_a_dispute_goes_its_way_act_first_then_agree_or_be_designated(service: Leads) -> None:
    lead = receive(service)
    for action in ("triage", "assign", "hand_over", "dispute"):
        take(service, lead, action)
    for early in ("agree", "refer", "designate"):
        with pytest.raises(Conflict):
            take(service, lead, early)
    take(service, lead, "act_first")
    take(service, lead, "refer")
    with pytest.raises(NotAllowed):
        take(service, lead, "designate", EDITOR)
    take(service, lead, "designate")
    with service._database.reading() as connection:
        history = store.list_steps(connection, lead)
        assert next(step.facts.superior for step in history if step.action == "refer") == "210300"
        assert all(step.facts.on for step in history if step.action in ("dispute", "act_first", "refer", "designate"))
        assert store.get_lead(connection, lead).state == "assigned"


def test_days_of_a_dispute_come_one_after_the_other(service: Leads) -> None:
    lead = receive(service)
    take(service, lead, "triage")
    take(service, lead, "assign")
    take(service, lead, "dispute", facts=StepFacts(other_department="police", other_region="210302", on="2026-01-10"))
    for day in ("2026-01-09", "2999-01-01", "1.1.2026"):
        with pytest.raises(InvalidInput) as refused:
            take(service, lead, "act_first", facts=StepFacts(on=day))
        assert refused.value.details["field"] == "on"
    with pytest.raises(InvalidInput):
        take(
            service,
            receive_assigned(service),
            "dispute",
            facts=StepFacts(other_department="market", other_region="210303"),
        )


def receive_assigned(service: Leads) -> int:
    lead = receive(service)
    take(service, lead, "triage")
    take(service, lead, "assign")
    return lead


def test_whoever_had_a_hand_in_a_lead_does_not_close_it_and_nobody_acts_on_what_changed(service: Leads) -> None:
    both = an_account("editor", "approver", name="both")
    lead = receive(service)
    take(service, lead, "triage", both)
    with pytest.raises(Conflict):
        take(service, lead, "assign", seen=1)
    take(service, lead, "request_closing")
    with pytest.raises(FourEyesViolation):
        take(service, lead, "close", both)
    take(service, lead, "close")
    with pytest.raises(Conflict):
        take(service, lead, "comment", seen=2)


def test_an_account_with_a_region_sees_and_handles_only_what_lies_in_it(service: Leads) -> None:
    elsewhere, anshan = receive(service, where="北京市海淀区"), receive(service)
    nowhere = receive(service, where="某处")
    own = an_account("editor", name="editor.anshan", region="210300")
    take(service, anshan, "triage", own)
    for hidden in (elsewhere, nowhere):
        with pytest.raises(NotFound):
            take(service, hidden, "triage", own)
    with pytest.raises(InvalidInput):
        take(service, anshan, "triage", own, facts=StepFacts(kind="other", urgency="normal", region="110000"))


def test_no_lead_is_out_of_everybodys_sight(database: Database, service: Leads) -> None:
    with database.writing() as connection:
        for name, roles, region in (("one.editor", ["editor"], "210300"), ("two.editor", ["editor"], "210000")):
            accounts.create_account(connection, name, roles, "correct horse battery", region=region)
        for one in accounts.list_accounts(connection):
            if "editor" in one.roles and not one.region:
                accounts.set_disabled(connection, one.name, True)
    leads_of = [receive(service, where=place) for place in ("某处", "北京市海淀区", "鞍山市铁西区")]
    with database.reading() as connection:
        assert [store.get_lead(connection, lead).region for lead in leads_of] == ["210000", "210000", "210303"]


def test_what_may_be_the_same_is_found_by_what_it_says_and_only_within_reach(service: Leads) -> None:
    words = "微信 yunma2024 说包成功，见 https://ivf.example/a"
    lead = receive(service, what=words, who="甲公司")
    same = {
        "account": receive(service, what="朋友发来 YUNMA2024 的广告", who="乙公司"),
        "link": receive(service, what="这个网站有问题", link="http://www.ivf.example/b", who="丙公司"),
        "name": receive(service, what="又是这一家在发传单", who="甲公司"),
    }
    receive(service, what="完全无关的另一件事情", who="丁公司")
    elsewhere = receive(service, what=words, who="戊公司", where="北京市海淀区")
    with service._database.reading() as connection:
        one = store.get_lead(connection, lead)
        found = duplicates.find_duplicates(connection, service.vault, one, an_account("editor", region="210300"))
        assert {reason: other.lead.id for other in found for reason in other.reasons} == same
        whole = duplicates.find_duplicates(connection, service.vault, one, EDITOR)
    assert (whole[0].lead.id, set(whole[0].reasons)) == (elsewhere, {"link", "account", "text"})


def test_a_list_is_filtered_and_sorted_by_what_stands_beside_the_words(service: Leads) -> None:
    first, second, third = (receive(service) for _ in range(3))
    take(service, second, "triage")
    take(service, third, "triage")
    take(service, third, "assign")
    take(service, third, "supervise")
    with service._database.reading() as connection:

        def ids(sort: str = "id", *, descending: bool = False, **wanted: str) -> list[int]:
            asked = LeadFilter(**wanted)
            found = lead_filter.list_leads(
                connection, asked, EDITOR, sort=sort, descending=descending, offset=0, limit=10
            )
            assert lead_filter.count_leads(connection, asked, EDITOR) == len(found)
            return [lead.id for lead in found]

        number = store.get_lead(connection, second).number
        assert ids() == [first, second, third]
        assert ids("urgency", descending=True) == [third, second, first]
        assert ids(state="received") == [first]
        assert ids(state="supervised") == ids(department="market") == [third]
        assert ids(state="overdue") == ids(region="110000") == ids(kind="other") == []
        assert ids(number=number.lower()) == ids(number=f"#{second}") == [second]


def test_without_the_key_nothing_is_stored_and_no_path_is_told(service: Leads, tmp_path: Path) -> None:
    (tmp_path / "secrets.key").rename(tmp_path / "elsewhere.key")
    with pytest.raises(CannotRecord) as refused:
        receive(service)
    assert str(tmp_path) not in refused.value.zh
    with service._database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(leads)).scalar() == 0


def test_a_duplicate_follows_the_lead_it_went_into_and_can_be_separated(service: Leads) -> None:
    first, second = receive(service), receive(service, what="另一个人也看到了这个广告")
    take(service, second, "merge", facts=StepFacts(into=first))
    with service._database.reading() as connection:
        number = store.get_lead(connection, second).number
    for wrong in (second, first):
        with pytest.raises(Conflict):
            take(service, first, "merge", facts=StepFacts(into=wrong))
    for action in ("triage", "request_closing", "close"):
        take(service, first, action)
    assert (service.find_state(number).state, service.find_state(number).outcome) == ("closed", "penalised")
    take(service, second, "separate")
    assert service.find_state(number).state == "checking"


def test_the_same_form_sent_twice_is_one_lead_and_another_text_is_another(service: Leads) -> None:
    form = LeadReport(what=CANARY, token="t" * 32)
    first = service.receive_report(form, [a_picture()], "192.0.2.1")
    assert service.receive_report(form, [a_picture()], "192.0.2.9").number == first.number
    assert service.receive_report(form, [], "192.0.2.1").number != first.number
    other = LeadReport(what=CANARY + "。", token="t" * 32)
    assert service.receive_report(other, [], "192.0.2.1").number != first.number
    plain = LeadReport(what=CANARY)
    numbers = {service.receive_report(plain, [], "192.0.2.1").number for _ in range(2)}
    assert len(numbers) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"what": " 代 孕 "}, "what"),
        ({"what": "长" * 4_001}, "what"),
        ({"who": "长" * 201}, "who"),
        ({"kind": "blacklist"}, "kind"),
        ({"region": "999999"}, "region"),
    ],
)
def test_what_cannot_be_taken_in_names_its_field(service: Leads, changes: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        receive(service, **changes)
    assert refused.value.details["field"] == field


def test_a_picture_is_drawn_anew_without_what_lay_in_its_file(service: Leads) -> None:
    number = parse_lead_number(service.receive_report(REPORT, [a_picture()], "192.0.2.1").number)
    with service._database.reading() as connection:
        lead = store.get_by_number(connection, number)
        body = contents.read_picture(connection, service.vault, lead.id, 1)
    drawn = Image.open(io.BytesIO(body))
    assert (drawn.format, drawn.size) == ("JPEG", (64, 48))
    assert not drawn.getexif()
    assert b"canary" not in body
    with pytest.raises(UnreadableFile):
        service.receive_report(REPORT, [io.BytesIO(b"GIF89a no picture")], "192.0.2.1")
    with pytest.raises(InvalidInput):
        service.receive_report(REPORT, [a_picture() for _ in range(5)], "192.0.2.1")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_kind_are_drawn(mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (3_000, 20)).save(file, "TIFF" if mode == "TIFF" else "JPEG" if mode == "CMYK" else "PNG")
    [picture] = intake.draw_pictures([file])
    assert (picture.facts.width, picture.facts.height) == (2_400, 16)


def test_too_many_reports_of_one_address_wait_and_nothing_of_them_is_stored(database: Database, tmp_path: Path) -> None:
    with a_service(database, tmp_path, leads_limit=2) as service:
        for _ in range(2):
            receive(service)
        with pytest.raises(TooManyRequests) as refused:
            receive(service)
        assert 0 < refused.value.details["retry_after"] <= 3_900
        assert service.receive_report(REPORT, [], "198.51.100.7").state == "received"
        with database.reading() as connection:
            assert connection.execute(sa.select(sa.func.count()).select_from(leads)).scalar() == 3


def test_a_number_is_checked_and_leads_to_nothing_else(service: Leads) -> None:
    number = service.receive_report(REPORT, [], "192.0.2.1").number
    assert service.find_state(number.lower().replace("-", " ")).number == number
    wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
    with pytest.raises(InvalidCode):
        service.find_state(wrong)
    with pytest.raises(NotFound):
        service.find_state("7K2M-9QX4-0000-0000"[:-1] + check_of("7K2M9QX40000000"))


def check_of(body: str) -> str:
    for character in "0123456789ABCDEFGHJKMNPQRSTVWXYZ":
        try:
            parse_lead_number(body + character)
        except InvalidCode:
            continue
        return character
    raise AssertionError(body)


def test_what_it_says_is_erased_after_closing_and_its_state_and_history_stay(
    database: Database, service: Leads, tmp_path: Path
) -> None:
    number = service.receive_report(REPORT, [a_picture()], "192.0.2.1").number
    lead = receive(service, what="并入的另一条线索的内容")
    with database.reading() as connection:
        first = store.get_by_number(connection, parse_lead_number(number)).id
    take(service, lead, "merge", facts=StepFacts(into=first))
    for action in ("triage", "request_closing", "close"):
        take(service, first, action)
    assert service.erase_due() == 0
    with database.writing() as connection:
        long_ago = leads.c.closed_at - 181 * DAY_MS
        connection.execute(sa.update(leads).where(leads.c.id == first).values(closed_at=long_ago))
    sealed = read_sealed(database)
    assert len(sealed) == 2 + 1 + 1  # contents, a picture, the reason for closing
    assert service.erase_due() == 2
    assert [path.name for path in tmp_path.glob("register.sqlite*") for one in sealed if one in path.read_bytes()] == []
    assert service.erase_due() == 0
    with database.reading() as connection:
        history = store.list_steps(connection, first, service.vault)
        assert contents.read_content(connection, service.vault, first) is None
        assert contents.list_pictures(connection, first) == []
    assert [step.action for step in history][-2:] == ["close", "erase"]
    assert [step.note for step in history] == [""] * len(history)
    assert history[-1].account == UPKEEP
    assert (service.find_state(number).state, service.find_state(number).outcome) == ("closed", "penalised")
    with pytest.raises(Conflict):
        take(service, first, "reopen")


def read_sealed(database: Database) -> list[bytes]:
    """Everything that lies sealed in the database."""
    columns = (leads.c.content, lead_notes.c.sealed, lead_pictures.c.sealed)
    with database.reading() as connection:
        return [one for column in columns for one in connection.execute(sa.select(column)).scalars() if one]


def test_nothing_that_was_written_lies_readable_in_any_file(database: Database, service: Leads, tmp_path: Path) -> None:
    service.receive_report(REPORT, [a_picture()], "192.0.2.1")
    lead = receive(service)
    take(service, lead, "triage")
    with database.writing() as connection:
        handler = LeadHandler(connection, service.vault, EDITOR, WorkingCalendar([]))
        handler.take_step(lead, "comment", StepFacts(), seen=2, note="金丝雀的批注")
    canaries = [text.encode() for text in (CANARY, "金丝雀", "canary-contact", "示例金丝雀诊所", "canary-in-exif")]
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert [canary.decode() for canary in canaries if canary in data] == [], path.name


def test_the_history_refuses_to_be_changed(database: Database, service: Leads) -> None:
    receive(service)
    for statement in (sa.update(lead_steps).values(account="x"), sa.delete(lead_steps)):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.writing() as connection:
            connection.execute(statement)


def test_figures_are_what_a_naive_recount_of_the_history_gives(database: Database, service: Leads) -> None:
    handed, closed, judicial = receive_assigned(service), receive(service), receive_assigned(service)
    take(service, handed, "hand_over")
    take(service, handed, "answer")
    for action in ("triage", "request_closing", "close"):
        take(service, closed, action)
    take(service, judicial, "dispute")
    take(service, judicial, "act_first")
    take(service, judicial, "agree")
    take(service, judicial, "hand_over")
    today = dt.date.today()
    with database.reading() as connection:
        whole = LeadPeriod(since=today - dt.timedelta(days=1), until=today + dt.timedelta(days=1))
        found = {name: count(connection, whole).leads for name, count in figures.FIGURES.items()}
        police = LeadPeriod(since=whole.since, until=whole.until, department="police")
        assert figures.count_received(connection, police).leads == (judicial,)
        beijing = LeadPeriod(since=whole.since, until=whole.until, region="110000")
        assert figures.count_received(connection, beijing).count == 0
        before = LeadPeriod(since=dt.date(2000, 1, 1), until=whole.since - dt.timedelta(days=1))
        assert all(count(connection, before).count == 0 for count in figures.FIGURES.values())
    assert found == {
        "received": (handed, closed, judicial),
        "checked": (handed, closed),
        "transferred": (handed,),
        "to_judiciary": (judicial,),
        "closed": (closed,),
        "overdue": (),
    }


def test_working_days_leave_out_weekends_and_holidays_and_count_days_worked_instead(tmp_path: Path) -> None:
    calendar = load_calendar(tmp_path)
    assert calendar.add_days(dt.date(2026, 9, 30), 1) == dt.date(2026, 10, 8)
    assert calendar.is_working_day(dt.date(2026, 10, 10))
    (tmp_path / "working_days.toml").write_text('[[year]]\nyear = 2027\noff = ["2027-02-08"]\n')
    own = load_calendar(tmp_path)
    assert own.has_year(2027)
    assert not own.is_working_day(dt.date(2027, 2, 8))
    assert not own.has_year(2026)


def test_the_table_of_departments_has_the_offices_of_both_papers() -> None:
    table = department_table.list_departments()
    assert len(table) == 14
    assert department_table.get_leading_department().code == "health"
    assert [one.code for one in table.values() if one.judicial] == ["court", "procuratorate", "police"]
    with pytest.raises(InvalidInput):
        department_table.get_department("nobody")
