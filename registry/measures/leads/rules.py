"""The rules of dealing with a lead: which step may follow which state, who takes it, and what it leads to."""

from __future__ import annotations

from typing import NamedTuple

from registry.accounts import Role
from registry.domain import regions
from registry.errors import Conflict, InvalidInput
from registry.measures.department_table import get_department
from registry.measures.leads.model import Action, Lead, LeadStep, PublicState, State, StepFacts
from registry.texts import Message, PageText


class StepRule(NamedTuple):
    """One step: whose it is, the states it may follow, the state it leads to (None: it changes none), and the facts
    it must state. ``needs_note``: it also needs a reason in words."""

    roles: tuple[Role, ...]
    sources: tuple[State, ...]
    target: State | None
    required: tuple[str, ...] = ()
    needs_note: bool = False


_EDITOR: tuple[Role, ...] = ("editor",)
_APPROVER: tuple[Role, ...] = ("approver",)
_BOTH: tuple[Role, ...] = ("editor", "approver")
#: States in which somebody works on a lead.
OPEN: tuple[State, ...] = (
    *("received", "checking", "assigned", "handed_over", "disputed", "acting", "referred", "answered", "closing"),
)
_EVERY: tuple[State, ...] = (*OPEN, "closed", "merged")
_OWNER = ("department", "region", "due")
#: Every step that people take. A dispute goes its way: act first, then agree, or be designated by the common superior.
RULES: dict[Action, StepRule] = {
    "triage": StepRule(_EDITOR, ("received", "checking", "answered"), "checking", ("kind", "urgency")),
    "merge": StepRule(_EDITOR, ("received", "checking"), "merged", ("into",)),
    "separate": StepRule(_EDITOR, ("merged",), "checking"),
    "assign": StepRule(_EDITOR, ("checking", "answered"), "assigned", _OWNER),
    "hand_over": StepRule(_EDITOR, ("assigned",), "handed_over", ("sha256",)),
    "answer": StepRule(_EDITOR, ("assigned", "handed_over"), "answered", ("result", "on")),
    "dispute": StepRule(
        _EDITOR, ("assigned", "handed_over", "answered"), "disputed", ("other_department", "other_region", "on"), True
    ),
    "act_first": StepRule(_EDITOR, ("disputed",), "acting", ("on",), True),
    "agree": StepRule(_EDITOR, ("acting",), "assigned", (*_OWNER, "on")),
    "refer": StepRule(_EDITOR, ("acting",), "referred", ("superior", "on")),
    "designate": StepRule(_APPROVER, ("referred",), "assigned", (*_OWNER, "on"), True),
    "request_closing": StepRule(_EDITOR, ("checking", "answered"), "closing", ("outcome",), True),
    "refuse_closing": StepRule(_APPROVER, ("closing",), "checking", (), True),
    "close": StepRule(_APPROVER, ("closing",), "closed"),
    "reopen": StepRule(_APPROVER, ("closed",), "checking", (), True),
    "supervise": StepRule(_APPROVER, OPEN, None, ("on", "until"), True),
    "lift": StepRule(_APPROVER, (*OPEN, "closed"), None, ("on",), True),
    "comment": StepRule(_BOTH, _EVERY, None, (), True),
    "show_contact": StepRule(_BOTH, _EVERY, None),
}
#: Steps by which somebody has a hand in a lead: whoever took one of them does not close it.
HANDLING: tuple[Action, ...] = (
    *("triage", "merge", "separate", "assign", "hand_over", "dispute", "act_first", "agree", "refer", "answer"),
    "request_closing",
)
#: The state in public of each state; a merged lead has that of the one it was merged into.
PUBLIC_STATES: dict[State, PublicState] = {
    **dict.fromkeys(OPEN, "checking"),
    "received": "received",
    "handed_over": "with_department",
    "disputed": "with_department",
    "acting": "with_department",
    "referred": "with_department",
    "closed": "closed",
}


def list_next_actions(lead: Lead, roles: frozenset[str]) -> list[Action]:
    """List the steps that somebody with these roles may take now."""
    return [action for action, rule in RULES.items() if roles & set(rule.roles) and may_follow(lead, action)]


def may_follow(lead: Lead, action: Action) -> bool:
    """Whether a step may follow what a lead has come to."""
    if lead.state not in RULES[action].sources:
        return False
    if action == "supervise":
        return not lead.supervised_until
    if action == "lift":
        return bool(lead.supervised_until)
    if action in ("show_contact", "reopen", "separate"):
        return not lead.erased
    return True


def require_order(lead: Lead, action: Action, seen: int) -> None:
    """Raise Conflict where a step may not follow, or somebody took one since whoever takes this one looked."""
    if seen != lead.steps:
        raise Conflict(Message("这条线索刚刚有了新的办理记录，请重新查看后再办。"))
    if not may_follow(lead, action):
        raise Conflict(
            Message(
                "线索现为“{state}”，不能{action}。",
                state=PageText(f"lead.state.{lead.state}"),
                action=PageText(f"lead.action.{action}"),
            )
        )


def require_facts(lead: Lead, action: Action, facts: StepFacts, note: str, history: list[LeadStep]) -> None:
    """Raise InvalidInput, naming the field, for a step that lacks something or states what cannot be."""
    rule = RULES[action]
    for name in rule.required:
        if getattr(facts, name) in (None, ""):
            raise InvalidInput(Message("请填写{field}。", field=PageText(f"lead.field.{name}")), field=name)
    if rule.needs_note and not note.strip():
        raise InvalidInput(Message("请写明理由或经过。"), field="note")
    for name in ("department", "other_department"):
        if code := getattr(facts, name):
            get_department(code)
    for name in ("region", "other_region"):
        if (code := getattr(facts, name)) and regions.find_region(code) is None:
            raise InvalidInput(Message("没有行政区划代码“{code}”。", code=code[:20]), field=name)
    if action == "dispute" and (facts.other_department, facts.other_region) == (lead.department, lead.region):
        raise InvalidInput(Message("争议的另一方须是别的部门或别的地方。"), field="other_department")
    _require_days_in_order(facts, history)


def _require_days_in_order(facts: StepFacts, history: list[LeadStep]) -> None:
    """Raise InvalidInput for a day before that of an earlier step of the same dispute, answer or supervision."""
    if facts.until and facts.on and facts.until < facts.on:
        raise InvalidInput(Message("期限不能早于开始的日期。"), field="until")
    earlier = max((step.facts.on for step in history if step.facts.on), default="")
    if facts.on and facts.on < earlier:
        raise InvalidInput(Message("日期不能早于前一步的 {day}。", day=earlier), field="on")


def find_superior(region: str, other: str) -> str:
    """Return the region of the common superior: the smallest that contains both, "" for the whole country.

    Of two departments of one place it is that place itself, whose joint mechanism designates.

    >>> find_superior("210302", "210303"), find_superior("210300", "210100"), find_superior("210300", "110000")
    ('210300', '210000', '')
    >>> find_superior("210300", "210300")
    '210300'
    """
    if region == other:
        return region
    for digits in (4, 2):
        if region[:digits] == other[:digits] and len(region) == 6:
            return region[:digits].ljust(6, "0")
    return ""
