"""The leads of one register, for its doors: taking reports in, telling their state, erasing what is due."""

from __future__ import annotations

import logging
import time
from typing import IO

import sqlalchemy as sa

from registry.accounts import audit_log, get_now_ms
from registry.accounts.vault import Vault
from registry.domain.identifiers import format_lead_number, parse_lead_number
from registry.errors import CannotRecord, Conflict, SecretsKeyMissing, TooManyRequests
from registry.log import replication
from registry.log.clock import from_milliseconds
from registry.measures.leads import contents, intake, rules, store
from registry.measures.leads.deadlines import WorkingCalendar, load_calendar
from registry.measures.leads.intake import LeadReport
from registry.measures.leads.model import UPKEEP, Lead, LeadStep, PublicLead, StepFacts
from registry.settings import Settings
from registry.storage.database import Database
from registry.storage.lead_tables import leads
from registry.storage.locks import LockWait
from registry.storage.request_counts import Counts, to_network, to_whole_seconds
from registry.texts import Message

HOUR, DAY_MS = 3_600, 86_400_000
#: Reports of all addresses together, in an hour, as a multiple of the limit of one.
TOTAL = 30
#: How long somebody who reports waits for the lock of all writers.
_WAIT = LockWait(seconds=5.0, queue_limit=5)
#: Tables with columns that an erasure empties.
_SEALED = ("leads", "lead_notes", "lead_pictures", "lead_files")
_log = logging.getLogger("registry")


class Leads:
    """Takes in reports and tells their state; all methods may be called from any thread."""

    def __init__(self, database: Database, settings: Settings, vault: Vault) -> None:
        self.vault = vault
        self._database = database
        self._settings = settings
        has_folder = settings.data_dir.is_dir()
        self._counts = Counts(settings.data_dir / "limits.sqlite" if has_folder else None)
        self._owes_purge = False

    def close(self) -> None:
        """Close the file of counts."""
        self._counts.close()

    @property
    def calendar(self) -> WorkingCalendar:
        """The working days, read anew, since the file may be replaced."""
        return load_calendar(self._settings.data_dir)

    def receive_report(self, report: LeadReport, files: list[IO[bytes]], address: str) -> PublicLead:
        """Store a report, and return what its sender may know; sent again with the same token, the same lead.

        InvalidInput (``details['field']``), TooLarge, TooManyRequests, Busy, CannotRecord (nothing can be sealed);
        Conflict where this register is a copy of another: nothing is stored then.
        """
        try:
            return self._receive_report(report, files, address)
        except SecretsKeyMissing as error:
            _log.warning("a lead could not be sealed: %s", error.code)
            raise CannotRecord(Message("现在无法保存线索，没有保存任何内容，请稍后再试，或走其他途径。")) from error

    def _receive_report(self, report: LeadReport, files: list[IO[bytes]], address: str) -> PublicLead:
        intake.require_report(report)
        token = intake.make_token(self.vault, report, files)
        with self._database.reading() as connection:
            if replication.is_mirror(connection):
                raise Conflict(Message("这是名录的副本，不接收线索，请到原名录提交。"))
            if (number := _find_number(connection, token)) is not None:
                return self._make_public(connection, store.get_by_number(connection, number))
        self._admit(address, counting=False)
        pictures = intake.draw_pictures(files)
        self._admit(address, counting=True)
        with self._database.writing(_WAIT) as connection:
            number = _find_number(connection, token) or intake.insert_lead(
                connection, self.vault, report, pictures, token=token, calendar=self.calendar
            )
            return self._make_public(connection, store.get_by_number(connection, number))

    def find_state(self, text: str) -> PublicLead:
        """Return what whoever has a number is told; InvalidCode for a mistyped one, NotFound for an unknown one."""
        number = parse_lead_number(text)
        with self._database.reading() as connection:
            return self._make_public(connection, store.get_by_number(connection, number))

    def _make_public(self, connection: sa.Connection, lead: Lead) -> PublicLead:
        """Return the public side of a lead; of a merged one the state of the one it went into."""
        shown = store.get_lead(connection, lead.merged_into) if lead.merged_into else lead
        state = rules.PUBLIC_STATES[shown.state]
        steps = store.list_steps(connection, shown.id)
        return PublicLead(
            number=format_lead_number(lead.number),
            state=state,
            received_at=from_milliseconds(lead.received_at),
            since=from_milliseconds(max(lead.received_at, _find_since(steps))),
            outcome=shown.outcome or None if state == "closed" else None,
        )

    def _admit(self, address: str, *, counting: bool) -> None:
        """Raise TooManyRequests where an address, or all together, sent too many; count this one if it is stored."""
        limit, now = self._settings.leads_limit, time.time()
        if not limit:
            return
        for who, most in ((f"l {to_network(address)}", limit), ("l *", limit * TOTAL)):
            if counting or self._counts.count_in_window(who, HOUR, now) >= most:
                room = self._counts.take_one(who, most, HOUR, now)
                if not room.is_admitted:
                    wait = to_whole_seconds(room.wait)
                    raise TooManyRequests(
                        Message("现在收到的线索太多，这一条没有保存，请{minutes}分钟后再试。", minutes=-(-wait // 60)),
                        retry_after=wait,
                    )

    def erase_due(self) -> int:
        """Erase the content of leads that were closed long enough ago; return of how many."""
        erased = 0
        before = get_now_ms() - self._settings.leads_days * DAY_MS
        with self._database.reading() as connection:
            due = _list_due(connection, before)
        for lead in due:
            with self._database.writing() as connection:
                erased += _erase_lead(connection, lead)
        self._owes_purge = self._owes_purge or erased > 0
        if self._owes_purge:
            self._owes_purge = not self._database.purge_deleted_rows(_SEALED)
            if self._owes_purge:
                _log.warning("the bytes of erased leads could not be purged yet; it is tried again")
        return erased


def _find_number(connection: sa.Connection, token: str) -> str | None:
    number: str | None = connection.execute(sa.select(leads.c.number).where(leads.c.token == token)).scalar()
    return number


def _find_since(steps: list[LeadStep]) -> int:
    """Return when the state in public was reached that a lead has after its last step."""
    state, since, reached = "received", steps[0].at, "received"
    for step in steps[1:]:
        target = rules.RULES[step.action].target if step.action in rules.RULES else None
        if target is not None and target != "merged":
            reached = rules.PUBLIC_STATES[target]
        if reached != state:
            state, since = reached, step.at
    return since


def _list_due(connection: sa.Connection, before: int) -> list[int]:
    """List the ids of leads whose content is to be erased: closed before an instant, and those merged into them."""
    old = sa.select(leads.c.id).where(leads.c.state == "closed", leads.c.closed_at < before)
    is_due = sa.or_(leads.c.id.in_(old), leads.c.merged_into.in_(old))
    query = sa.select(leads.c.id).where(is_due, leads.c.content.is_not(None)).order_by(leads.c.id)
    return list(connection.execute(query).scalars())


def _erase_lead(connection: sa.Connection, lead: int) -> bool:
    """Erase the content of a lead; False where it was opened again meanwhile."""
    now = store.get_lead(connection, lead)
    if now.erased or now.state not in ("closed", "merged"):
        return False
    contents.erase_content(connection, lead)
    step = LeadStep(
        lead=lead,
        step=now.steps + 1,
        at=max(get_now_ms(), now.changed_at),
        account=UPKEEP,
        action="erase",
        region=now.region,
        department=now.department,
        facts=StepFacts(),
    )
    store.append_step(connection, step, {})
    audit_log.record_event(connection, UPKEEP, "lead_erase", f"lead:{lead}")
    return True
