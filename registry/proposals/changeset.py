"""Drafts on their way into a proposal: encoded, and checked alone, against each other and against the register."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain import schema
from registry.domain.identifiers import parse_code
from registry.domain.model import Date, Draft
from registry.domain.normalise import normalise_width, simplify_script
from registry.errors import InvalidInput, NotFound
from registry.log import codec, erasure
from registry.log.four_eyes import ContentHash
from registry.records.subject_names import describe_subject
from registry.storage.tables import entries, versions
from registry.texts import Message

CHUNK = 2000
#: The kind of proposals that rest on a dated list and may therefore state something of any day.
LIST = "import"
_BETWEEN_CHARACTERS = re.compile(r"[\s·•・.]+")
_json = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Draft)


def encode_value(value: Any) -> bytes:
    """Encode a draft or a report as it is stored."""
    return _json.encode(value)


def decode_draft(body: bytes) -> Draft:
    """Decode the stored bytes of a draft."""
    return _decoder.decode(body)


def list_personal_values(draft: Draft) -> list[Any]:
    """Return the personal values a draft states."""
    paths = schema.PERSONAL.get(draft.change.kind, frozenset())
    return [value for path, value in draft.change.set.items() if path in paths and value is not None]


def resolve_subject(connection: sa.Connection, name: str, kinds: Iterable[str]) -> str:
    """Find the subject called ``kind:code``, or by a public code alone, of one of ``kinds``.

    InvalidInput if the kind is not among them or the code alone is ambiguous; NotFound if the register has none.
    """
    kind, separator, identifier = name.rpartition(":")
    allowed = list(kinds)
    if separator and kind not in allowed:
        choices = " / ".join(allowed)
        raise InvalidInput(Message("类别“{kind}”在此不适用，可用：{choices}。", kind=kind, choices=choices))
    code = identifier if kind == "source" else parse_code(identifier)
    candidates = [f"{candidate}:{code}" for candidate in ([kind] if separator else allowed)]
    query = sa.select(entries.c.subject).where(entries.c.subject.in_(candidates)).distinct()
    subjects: list[str] = sorted(connection.execute(query).scalars())
    if not subjects:
        raise NotFound(Message("名录中没有“{name}”，请核对编码。", name=name))
    if len(subjects) > 1:
        choices = " / ".join(subjects)
        raise InvalidInput(Message("编码“{name}”对应多个主体，请写明：{choices}", name=name, choices=choices))
    return subjects[0]


class Changeset:
    """The drafts of one proposal, checked and encoded, with their hash and their references into the register.

    InvalidInput names the first wrong draft.
    """

    def __init__(self, drafts: Iterable[Draft], progress: Callable[[int], None] | None = None) -> None:
        self.bodies: list[bytes] = []
        self.subjects: list[str] = []
        self.personal: list[str | None] = []  # for each draft its subject if it states personal values, else None
        self._stated: set[str] = set()
        self._needed: set[str] = set()
        self._unexplained: dict[str, Date] = {}
        self._about_people: dict[str, list[Draft]] = {}
        content = ContentHash()
        for draft in drafts:
            schema.check_draft(draft)
            codec.check_draft(draft)
            body = encode_value(draft)
            content.add(body)
            self.bodies.append(body)
            self.subjects.append(draft.subject)
            self.personal.append(draft.subject if list_personal_values(draft) else None)
            self._note_references(draft)
            if progress and len(self.bodies) % CHUNK == 0:
                progress(len(self.bodies))
        if not self.bodies:
            raise InvalidInput(Message("没有任何变更，无需提交。"))
        self.hash = content.hex

    def _note_references(self, draft: Draft) -> None:
        subject, change = draft.subject, draft.change
        if change.set:
            self._stated.add(subject)
        if institution := change.set.get("institution"):
            self._needed.add(institution)
        if change.erases:
            self._needed.add(subject)
        if change.kind in schema.PERSONAL:
            self._about_people.setdefault(subject, []).append(draft)
        if not (change.reason or "").strip():
            self._unexplained[subject] = min(draft.valid_from, self._unexplained.get(subject, draft.valid_from))

    def check_against_register(self, connection: sa.Connection, kind: str, title: str, report: Any) -> None:
        """InvalidInput unless the register knows what the drafts refer to, every correction of the past has a
        reason, and no personal value stands where it could not be erased."""
        self._refuse_unknown_subjects(connection)
        if kind != LIST:
            self._refuse_unexplained_corrections(connection)
        self._refuse_personal_text(connection, title, report)

    def _refuse_unknown_subjects(self, connection: sa.Connection) -> None:
        """Require that a person, certificate or sanction belongs to an institution of the register or of the same
        proposal."""
        needed = sorted(self._needed - self._stated)
        query = sa.select(entries.c.subject).where(entries.c.subject.in_(needed)).distinct()
        missing = set(needed) - set(connection.execute(query).scalars())
        if missing:
            subject = min(missing)
            name = describe_subject(connection, subject)
            raise InvalidInput(Message("所指的 {subject} 不在名录中。", subject=name), subject=subject)

    def _refuse_unexplained_corrections(self, connection: sa.Connection) -> None:
        for subject, latest in _read_latest_days(connection, sorted(self._unexplained)):
            day = self._unexplained[subject]
            if day.isoformat() < latest:
                message = Message(
                    "{subject}：{day} 早于已记载的 {latest}，属于更正，请加上理由，说明为何更正。",
                    subject=describe_subject(connection, subject),
                    day=day,
                    latest=latest,
                )
                raise InvalidInput(message, subject=subject)

    def _refuse_personal_text(self, connection: sa.Connection, title: str, report: Any) -> None:
        if not self._about_people:
            return
        recorded = erasure.read_held_values(connection, self._about_people)
        all_names: set[str] = set()
        for subject, drafts in self._about_people.items():
            names = _select_names(
                [*recorded.get(subject, ()), *(value for draft in drafts for value in list_personal_values(draft))]
            )
            refuse_names_in(names, (text for draft in drafts for text in _collect_public_texts(draft)), subject)
            all_names |= names
        refuse_names_in(all_names, [title, *_collect_texts(report)], title)


def refuse_personal_data(connection: sa.Connection, drafts: Iterable[Draft], text: str) -> None:
    """InvalidInput if a text that is stored for ever holds a personal value which the drafts, or the register, state
    about their subjects."""
    drafts_about_people = [draft for draft in drafts if draft.change.kind in schema.PERSONAL]
    recorded = erasure.read_held_values(connection, {draft.subject for draft in drafts_about_people})
    values = [
        *(value for draft in drafts_about_people for value in list_personal_values(draft)),
        *(value for subject_values in recorded.values() for value in subject_values),
    ]
    refuse_names_in(_select_names(values), [text], drafts_about_people[0].subject if drafts_about_people else "")


def refuse_names_in(names: set[str], texts: Iterable[str], where: str) -> None:
    """InvalidInput if one of the names stands in a text; the message does not repeat it."""
    folded_names = {_fold_spelling(name) for name in names}
    for text in texts:
        folded_text = _fold_spelling(text) if folded_names else ""
        if any(name in folded_text for name in folded_names):
            raise InvalidInput(
                Message("{where}：标题、理由或公开字段中写有个人信息（如姓名），以后将无法删除，请改写。", where=where)
            )


def _select_names(values: Iterable[Any]) -> set[str]:
    """Select the values that identify somebody by themselves: two characters or more, with a letter among them."""
    texts = {value.strip() for value in values if isinstance(value, str)}
    return {text for text in texts if len(text) > 1 and any(character.isalpha() for character in text)}


def _fold_spelling(text: str) -> str:
    """Fold width, script, case, and spaces and dots inside a name."""
    return _BETWEEN_CHARACTERS.sub("", simplify_script(normalise_width(text))).casefold()


def _collect_public_texts(draft: Draft) -> Iterator[str]:
    """Yield every text of a draft that stands in the log in clear."""
    personal = schema.PERSONAL.get(draft.change.kind, frozenset())
    yield draft.change.reason or ""
    yield from _collect_texts({path: value for path, value in draft.change.set.items() if path not in personal})


def _collect_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _collect_texts(key)
            yield from _collect_texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _collect_texts(item)


def _read_latest_days(connection: sa.Connection, subjects: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (subject, latest day of which something is recorded about it) for those the register knows."""
    for start in range(0, len(subjects), CHUNK):
        known = versions.c.subject.in_(subjects[start : start + CHUNK])
        query = sa.select(versions.c.subject, sa.func.max(versions.c.valid_from)).where(known)
        yield from ((subject, day) for subject, day in connection.execute(query.group_by(versions.c.subject)))
