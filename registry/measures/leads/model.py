"""The words of leads: what is reported, what is recorded of it, and the steps of dealing with it."""

from __future__ import annotations

import datetime as dt
from typing import Literal, get_args

import msgspec

from registry.domain.model import Struct

#: What whoever reports may choose, and what triage may make of it.
ReportKind = Literal["illegal_offer", "wrong_entry"]
LeadKind = Literal[
    "illegal_offer",
    "wrong_entry",
    "unlicensed",
    "advertisement",
    "surrogacy",
    "gamete_trade",
    "sex_selection",
    "certificate",
    "supplies",
    "other",
]
Urgency = Literal["normal", "urgent", "immediate"]
State = Literal[
    "received",
    "checking",
    "assigned",
    "handed_over",
    "disputed",
    "acting",
    "referred",
    "answered",
    "closing",
    "closed",
    "merged",
]
#: What the public is told of a lead.
PublicState = Literal["received", "checking", "with_department", "closed"]
#: What a department answers, and with what a lead is closed.
Result = Literal["confirmed", "unconfirmed", "case_opened", "to_judiciary", "not_ours"]
Outcome = Literal["confirmed", "unconfirmed", "corrected", "penalised", "to_judiciary", "insufficient", "not_ours"]
Action = Literal[
    "receive",
    "triage",
    "merge",
    "separate",
    "assign",
    "hand_over",
    "dispute",
    "act_first",
    "agree",
    "refer",
    "designate",
    "answer",
    "request_closing",
    "refuse_closing",
    "close",
    "reopen",
    "supervise",
    "lift",
    "comment",
    "show_contact",
    "erase",
]
REPORT_KINDS: tuple[ReportKind, ...] = get_args(ReportKind)
KINDS: tuple[LeadKind, ...] = get_args(LeadKind)
URGENCIES: tuple[Urgency, ...] = get_args(Urgency)
STATES: tuple[State, ...] = get_args(State)
RESULTS: tuple[Result, ...] = get_args(Result)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
#: Nobody signed in: whoever reports. And the register by itself.
PUBLIC, UPKEEP = "-", "system.upkeep"
#: Characters of each field of a report; pictures of one, and bytes of each as sent.
LONGEST = {"what": 4_000, "who": 200, "where": 200, "link": 1_000, "contact": 200, "about": 500}
LONGEST_NOTE = 2_000
MOST_PICTURES, PICTURE_BYTES = 4, 8 * 1024 * 1024


class LeadContent(Struct, frozen=True):
    """What whoever reported it wrote; sealed where it lies, and erased some time after closing.

    ``who``: the name of the institution, agency or person as it appears; ``link``: a website or an account; ``about``:
    the page of this register from which it was reported.
    """

    what: str
    who: str = ""
    where: str = ""
    link: str = ""
    contact: str = ""
    about: str = ""


class Picture(Struct, frozen=True):
    """A picture as it is stored: drawn anew, so that nothing of the sent file but what one sees is left."""

    sha256: str
    size: int
    width: int
    height: int


class Lead(Struct, frozen=True):
    """What is recorded of a lead beside its content; times in milliseconds since 1970, days as YYYY-MM-DD or "".

    ``steps`` is the number of its last step: whoever does the next says which one was seen. ``erased``: its content is
    gone.
    """

    id: int
    number: str
    kind: LeadKind
    urgency: Urgency
    state: State
    region: str
    department: str
    institution: str
    received_at: int
    changed_at: int
    due: str
    closed_at: int | None
    outcome: Outcome | Literal[""]
    merged_into: int | None
    supervised_until: str
    steps: int
    erased: bool


class StepFacts(Struct, frozen=True, omit_defaults=True):
    """What a step states, in words of lists, codes, days and hashes; a free text is in the note beside it.

    ``on``: the day of what the step records, where that is not the day it was entered. ``other_department`` and
    ``other_region``: whose a disputed lead is held to be; ``superior``: the region of their common superior.
    """

    kind: LeadKind | None = None
    urgency: Urgency | None = None
    region: str | None = None
    department: str | None = None
    institution: str | None = None
    due: str | None = None
    on: str | None = None
    other_department: str | None = None
    other_region: str | None = None
    superior: str | None = None
    result: Result | None = None
    outcome: Outcome | None = None
    into: int | None = None
    until: str | None = None
    sha256: str | None = None
    receipt: str | None = None
    pictures: int | None = None


class LeadStep(Struct, frozen=True):
    """One line of a lead's history; ``region`` and ``department`` are the lead's after it."""

    lead: int
    step: int
    at: int
    account: str
    action: Action
    region: str
    department: str
    facts: StepFacts
    note: str = ""


class PublicLead(Struct, frozen=True):
    """What whoever has its number is told of a lead; ``since``: when that state was reached. Instants in UTC."""

    number: str
    state: PublicState
    received_at: dt.datetime
    since: dt.datetime
    outcome: Outcome | None = None


_facts = msgspec.json.Decoder(StepFacts)


def encode_facts(facts: StepFacts) -> bytes:
    """Encode what a step states as a column holds it."""
    return msgspec.json.encode(facts)


def decode_facts(body: bytes) -> StepFacts:
    """Decode a column of a step."""
    return _facts.decode(body)
