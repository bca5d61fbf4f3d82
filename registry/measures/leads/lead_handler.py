"""Taking a step with a lead: checked against the rules, appended to its history, and a line in the audit log."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from registry.accounts import Account, audit_log, get_now_ms
from registry.accounts.region_scope import contains_place
from registry.accounts.vault import Vault
from registry.domain.identifiers import parse_code
from registry.errors import Conflict, FourEyesViolation, InvalidInput, NotAllowed
from registry.measures.leads import contents, rules, store
from registry.measures.leads.deadlines import ANSWER_DAYS, TRIAGE_DAYS, WorkingCalendar
from registry.measures.leads.model import LONGEST_NOTE, Action, Lead, LeadStep, StepFacts
from registry.records.asof import parse_day, read_today
from registry.texts import Message

#: What is recorded of another step's day cannot lie ahead; deadlines and ends of periods do.
_DAYS = ("on", "due", "until")
#: Steps after which somebody has to look at the lead anew.
_BEGIN_AGAIN: tuple[Action, ...] = ("triage", "separate", "answer", "refuse_closing", "reopen")


class LeadHandler:
    """Takes steps with leads in the name of one account, in the caller's transaction."""

    def __init__(self, connection: sa.Connection, vault: Vault, account: Account, calendar: WorkingCalendar) -> None:
        self._connection, self._vault, self._account, self._calendar = connection, vault, account, calendar

    def take_step(self, lead: int, action: Action, facts: StepFacts, *, seen: int, note: str = "") -> Lead:
        """Take a step, and return the lead after it.

        ``seen``: the number of the last step that whoever takes this one saw. NotFound for a lead outside the region
        of the account, NotAllowed for another role, FourEyesViolation for closing one's own, Conflict out of order,
        InvalidInput for what is missing or cannot be.
        """
        now = store.get_for_account(self._connection, lead, self._account)
        rule = rules.RULES[action]
        if not self._account.roles & set(rule.roles):
            raise NotAllowed(Message("您的角色不能办理这一步。"), why="role")
        rules.require_order(now, action, seen)
        history = store.list_steps(self._connection, lead)
        facts = self._complete_facts(now, action, facts, history)
        note = note.strip()
        if len(note) > LONGEST_NOTE:
            raise InvalidInput(Message("文字最多{limit}个字符。", limit=LONGEST_NOTE), field="note")
        rules.require_facts(now, action, facts, note, history)
        self._require_allowed(now, action, facts, history)
        at = max(get_now_ms(), now.changed_at)
        changes = {**store.fold_facts(action, facts, at), **({"state": rule.target} if rule.target else {})}
        step = LeadStep(
            lead=lead,
            step=now.steps + 1,
            at=at,
            account=self._account.name,
            action=action,
            region=changes.get("region", now.region),
            department=changes.get("department", now.department),
            facts=facts,
        )
        store.append_step(self._connection, step, changes)
        if note:
            contents.insert_note(self._connection, self._vault, (lead, step.step), note)
        audit_log.record_event(self._connection, self._account.name, f"lead_{action}", f"lead:{lead}")
        return store.get_lead(self._connection, lead)

    def _complete_facts(self, lead: Lead, action: Action, facts: StepFacts, history: list[LeadStep]) -> StepFacts:
        """Add what follows from the rest: days where none was given, and the common superior of a dispute."""
        today = read_today()
        changes: dict[str, str] = {}
        required = rules.RULES[action].required
        if "on" in required and not facts.on:
            changes["on"] = today.isoformat()
        if "due" in required and not facts.due:
            changes["due"] = self._calendar.add_days(today, ANSWER_DAYS[lead.urgency]).isoformat()
        if action in _BEGIN_AGAIN and not facts.due:
            changes["due"] = self._calendar.add_days(today, TRIAGE_DAYS).isoformat()
        if action == "refer":
            dispute = next(step for step in reversed(history) if step.action == "dispute")
            changes["superior"] = rules.find_superior(lead.region, dispute.facts.other_region or "") or "000000"
        facts = msgspec.structs.replace(facts, **changes)
        for name in _DAYS:
            if text := getattr(facts, name):
                try:
                    day = parse_day(text, name)
                except InvalidInput as error:
                    raise InvalidInput(error.message, field=name) from error
                if name == "on" and day > today:
                    raise InvalidInput(Message("日期不能晚于今天。"), field=name)
        if facts.institution:
            facts = msgspec.structs.replace(facts, institution=parse_code(facts.institution))
        return facts

    def _require_allowed(self, lead: Lead, action: Action, facts: StepFacts, history: list[LeadStep]) -> None:
        """Check what depends on other leads, on places, and on who took the earlier steps."""
        if action == "close" and any(
            step.account == self._account.name and step.action in rules.HANDLING for step in history
        ):
            raise FourEyesViolation(Message("办理过这条线索的人不能办结它，请另一位审批人员办结。"))
        if action == "merge":
            self._require_mergeable(lead, facts.into or 0)
        if action == "triage" and facts.region and not contains_place(self._account, facts.region):
            raise InvalidInput(Message("只能分到您账号的行政区划以内；移交其他地方请用“分派”。"), field="region")

    def _require_mergeable(self, lead: Lead, into: int) -> None:
        target = store.get_for_account(self._connection, into, self._account)
        if target.id == lead.id or target.state == "merged":
            raise Conflict(Message("不能并入这条线索：它就是本条，或已并入别的线索。"), field="into")
        if store.list_merged(self._connection, lead.id):
            raise Conflict(Message("已有线索并入本条，请先把那些线索分开，或把那条并入本条。"), field="into")
