"""The fields of each kind of subject and their types: what a draft may state. Strict, because the log is for ever."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

import msgspec

from registry.domain import regions
from registry.domain.fields import FIELDS
from registry.domain.identifiers import parse_code
from registry.domain.model import (
    Date,
    Draft,
    InspectionKind,
    Kind,
    ListChange,
    SanctionKind,
    SanctionParty,
    Scope,
    SupervisionKind,
    SupervisionResult,
)
from registry.domain.techniques import BY_CODE, Stage, TechniqueCode
from registry.errors import InvalidInput
from registry.texts import Message

LONGEST_SUBJECT = 80
#: Which paths of which kinds are personal data: they are sealed in the log and can be erased.
PERSONAL: dict[Kind, frozenset[str]] = {
    "practitioner": frozenset({"name", "certificate_masked"}),
    "sanction": frozenset({"person", "accounts"}),  # an account may be somebody's own
}
#: Assisted reproduction began after the first of these; the last leaves "no end" to mean no end.
EARLIEST, LATEST = Date(1949, 10, 1), Date(2999, 12, 31)


class ApprovalFacts(msgspec.Struct, forbid_unknown_fields=True):
    """One approval as an entry states it."""

    stage: Stage
    valid_from: Date | None = None
    verification_due: Date | None = None
    document_no: str | None = None
    authority: str | None = None
    note: str | None = None


#: Fields of an institution, from their table; approvals and extra columns have paths of their own.
InstitutionFacts: Any = msgspec.defstruct(
    "InstitutionFacts", [(f.name, f.value_type | None, None) for f in FIELDS], forbid_unknown_fields=True
)


class PractitionerFacts(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of an authorised person; ``institution`` is that institution's subject."""

    institution: str | None = None
    name: str | None = None
    role: str | None = None
    techniques: list[TechniqueCode] | None = None
    valid_from: Date | None = None
    valid_to: Date | None = None
    certificate_kind: str | None = None
    certificate_masked: str | None = None


class AdCertificateFacts(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of a medical advertisement review certificate; ``institution`` is that institution's subject."""

    institution: str | None = None
    number: str | None = None
    valid_from: Date | None = None
    valid_to: Date | None = None


#: Yuan, with two decimals at most: entries hold no fractions, so it is text.
Money = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?$")]


class SanctionFacts(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of a published penalty decision or a record of the blacklist; ``party`` says whom it is about.

    ``region`` (GB/T 2260) is where an unlisted organisation or a person is: an institution has its own. ``revokes`` and
    ``suspends``: the techniques whose approval the decision takes away; the approvals say so themselves. ``starts_on``
    to ``ends_on``: how long it is on the blacklist. It is public to ``public_until``, or until it was ``removed_on``,
    for the reason ``removal``. ``accounts``: "platform:name".
    """

    institution: str | None = None
    organisation: str | None = None
    person: str | None = None
    kind: SanctionKind | None = None
    authority: str | None = None
    document_no: str | None = None
    decided_on: Date | None = None
    summary: str | None = None
    region: str | None = None
    party: SanctionParty | None = None
    violation: str | None = None
    facts: str | None = None
    legal_basis: str | None = None
    measure: str | None = None
    fine: Money | None = None
    confiscated: Money | None = None
    revokes: list[TechniqueCode] | None = None
    suspends: list[TechniqueCode] | None = None
    starts_on: Date | None = None
    ends_on: Date | None = None
    published_on: Date | None = None
    public_until: Date | None = None
    removed_on: Date | None = None
    removal: str | None = None
    uscc: str | None = None
    domains: list[str] | None = None
    accounts: list[str] | None = None


class SupervisionFacts(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of a self-inspection or an inspection; ``institution`` is that institution's subject.

    ``held_on``: the day of the inspection, or that on which the self-inspection of ``period_from`` to ``period_to`` was
    finished. ``rectify_by``: the day set by an order to rectify; ``rectified_on``: the day it was done. Public as a
    sanction is.
    """

    institution: str | None = None
    kind: SupervisionKind | None = None
    held_on: Date | None = None
    period_from: Date | None = None
    period_to: Date | None = None
    inspection_kind: InspectionKind | None = None
    result: SupervisionResult | None = None
    summary: str | None = None
    rectify_by: Date | None = None
    rectified_on: Date | None = None
    authority: str | None = None
    document_no: str | None = None
    public_until: Date | None = None
    removed_on: Date | None = None
    removal: str | None = None


class SourceFacts(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of a source document; ``changes`` of a list are what was imported otherwise than the file has it."""

    title: str | None = None
    as_of: Date | None = None
    published: Date | None = None
    scope: Scope | None = None
    origin: str | None = None
    secondary: bool | None = None
    covers: list[TechniqueCode] | None = None
    rows: int | None = None
    sha256: str | None = None
    changes: list[ListChange] | None = None


#: A title that is printed: one line.
Title = Annotated[str, msgspec.Meta(min_length=2, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]


class EditionFacts(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of a published edition: the list as of a day, at one log size (``root``: hex); when it is to be public.

    ``supervision``: how many records of supervision lie beside the list. ``page`` is its address; ``withdrawal`` says
    to the public why it was ``withdrawn``.
    """

    number: Annotated[int, msgspec.Meta(ge=1)] | None = None
    title: Title | None = None
    as_of: Date | None = None
    scope: Scope | None = None
    log_size: Annotated[int, msgspec.Meta(ge=1)] | None = None
    root: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None
    institutions: Annotated[int, msgspec.Meta(ge=0)] | None = None
    techniques: dict[TechniqueCode, int] | None = None
    supervision: Annotated[int, msgspec.Meta(ge=1)] | None = None
    page: str | None = None
    release: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    withdrawn: bool | None = None
    withdrawal: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None


class CredentialFacts(msgspec.Struct, forbid_unknown_fields=True):
    """Fields of a credential: what a QR code says, signed, of an institution, whose subject is ``institution``.

    ``index`` is its place in the status lists, one less than its number; ``name``, ``address`` and ``techniques`` are
    printed as known at ``log_size``; it ends after the day ``expires``, or once ``withdrawn``, for a published reason.
    """

    institution: Annotated[str, msgspec.Meta(pattern="^institution:[0-9A-Z]{8}$")] | None = None
    index: Annotated[int, msgspec.Meta(ge=0)] | None = None
    log_size: Annotated[int, msgspec.Meta(ge=1)] | None = None
    name: str | None = None
    address: str | None = None
    techniques: Annotated[list[TechniqueCode], msgspec.Meta(min_length=1)] | None = None
    expires: Date | None = None
    withdrawn: bool | None = None
    withdrawal: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None


_FIELDS: dict[Kind, Any] = {
    "institution": InstitutionFacts,
    "practitioner": PractitionerFacts,
    "ad_certificate": AdCertificateFacts,
    "sanction": SanctionFacts,
    "supervision": SupervisionFacts,
    "source": SourceFacts,
    "edition": EditionFacts,
    "credential": CredentialFacts,
}
#: Identifiers of the kinds of subject that have no public code.
_NUMBER = re.compile("[1-9][0-9]{0,8}")
_NAMED = {"source": re.compile(".+", re.DOTALL), "edition": _NUMBER, "credential": _NUMBER}


def check_draft(draft: Draft) -> None:
    """Raise InvalidInput unless the draft states only fields of its kind of subject, in the right types."""
    kind, _, identifier = draft.subject.partition(":")
    if kind != draft.change.kind or kind not in _FIELDS or not identifier:
        raise _make_draft_error(draft, Message("主体“{subject}”与类别不符", subject=draft.subject))
    if kind in _NAMED:
        if not _NAMED[kind].fullmatch(identifier):
            raise _make_draft_error(draft, Message("标识须为编号，如 edition:1"))
    elif parse_code(identifier) != identifier:
        raise _make_draft_error(draft, Message("编码须为8位大写、不带横线"))
    if len(draft.subject) > LONGEST_SUBJECT:
        raise _make_draft_error(
            draft, Message("标识过长，最多{longest_subject}个字符", longest_subject=LONGEST_SUBJECT)
        )
    if not EARLIEST <= draft.valid_from <= LATEST:
        raise _make_draft_error(draft, Message("生效日期 {valid_from} 不合理", valid_from=draft.valid_from))
    if not draft.change.set and not draft.change.erases:
        raise _make_draft_error(draft, Message("没有说明任何内容"))
    _check_erasures(draft)
    plain = _select_plain_fields(draft)
    _check_type(draft, kind, plain, _FIELDS[draft.change.kind])
    _check_scope(draft, plain)
    if draft.change.kind == "edition" and plain.get("number") not in (None, int(identifier)):
        raise _make_draft_error(draft, Message("编号与标识不符"))
    if draft.change.kind == "credential" and plain.get("index") not in (None, int(identifier) - 1):
        raise _make_draft_error(draft, Message("编号与标识不符"))
    for field in FIELDS if kind == "institution" else ():
        if field.check and (text := plain.get(field.name)) is not None and (message := field.check(text)):
            raise _make_draft_error(draft, message)
    region = plain.get("region")
    if region is not None and regions.find_region(region) is None:
        raise _make_draft_error(draft, Message("未知的行政区划代码 {region}", region=region))


def _select_plain_fields(draft: Draft) -> dict[str, Any]:
    """The fields stated under their own names; approvals and extra columns are checked here and left out."""
    plain: dict[str, Any] = {}
    for path, value in draft.change.set.items():
        head, _, rest = path.partition(".")
        if head == "approvals" and draft.change.kind == "institution":
            if rest not in BY_CODE:
                raise _make_draft_error(draft, Message("未知的技术代码“{rest}”", rest=rest))
            _check_type(draft, path, value, ApprovalFacts | None)
        elif head == "extra" and rest:
            _check_type(draft, path, value, str | None)
        else:
            plain[path] = value
    return plain


def _check_scope(draft: Draft, values: dict[str, Any]) -> None:
    """A source may be complete nowhere; an edition is of the whole country or of a region."""
    scope = values.get("scope")
    words = ("national", "partial") if draft.change.kind == "source" else ("national",)
    if scope is not None and scope not in words and regions.find_region(scope) is None:
        raise _make_draft_error(draft, Message("未知的范围“{scope}”", scope=scope))


def _check_erasures(draft: Draft) -> None:
    """Allow only personal paths, sorted, each once, none that the draft also states, and never without a reason."""
    erases = draft.change.erases
    if not erases:
        return
    if unknown := sorted(set(erases) - PERSONAL.get(draft.change.kind, frozenset())):
        raise _make_draft_error(draft, Message("{unknown} 不是可删除的个人信息", unknown=unknown[0]))
    if erases != sorted(set(erases)):
        raise _make_draft_error(draft, Message("要删除的字段须按字母排序且不重复"))
    if contradicted := sorted(set(erases) & draft.change.set.keys()):
        field = contradicted[0]
        raise _make_draft_error(draft, Message("不能既填写又删除 {field}", field=field))
    if not (draft.change.reason or "").strip():
        raise _make_draft_error(draft, Message("删除个人信息须说明理由"))


def _check_type(draft: Draft, path: str, value: Any, expected: Any) -> None:
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        raise _make_draft_error(draft, Message("字段 {path} 有误：{error}", path=path, error=error)) from error


def _make_draft_error(draft: Draft, message: Message) -> InvalidInput:
    return InvalidInput(
        Message("{subject}：{message}。", subject=draft.subject, message=message), subject=draft.subject
    )
