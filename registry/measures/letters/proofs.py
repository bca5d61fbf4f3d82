"""What a letter rests on: the entries, their inclusion proofs, and the cosigned checkpoint, if there is one."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import sqlalchemy as sa

from registry.domain.answers import Answer
from registry.domain.identifiers import parse_code
from registry.domain.model import Struct
from registry.errors import CannotSign, InvalidInput, LogDamaged, NotFound
from registry.log import merkle, note, store
from registry.log.folder import CHECKPOINT, VKEY
from registry.log.publish import PublishedLog
from registry.measures.letters.letter_text import Cosignature, EntryEvidence, list_entry_numbers
from registry.records.lookup import to_subject
from registry.texts import Message

#: Entries about one institution that a letter proves at most: the newest.
MOST_ENTRIES = 200


class LetterEvidence(Struct, frozen=True):
    """Entries with their proofs, the signed checkpoint these lead to, and who cosigned it."""

    entries: list[EntryEvidence]
    checkpoint: str
    vkeys: list[str]
    cosignatures: list[Cosignature]


class _CosignedNote(Struct, frozen=True):
    text: note.Note
    checkpoint: note.Checkpoint
    witnesses: list[note.Verifier]


def make_evidence(
    connection: sa.Connection, log: PublishedLog, answers: list[Answer], witnesses: Path
) -> LetterEvidence:
    """Prove every entry that the answers rest on; CannotSign where no checkpoint covers them yet."""
    numbers = sorted(_list_entries(connection, answers))
    signed, cosignatures = _choose_checkpoint(log, witnesses, numbers[-1] if numbers else 0)
    size = note.parse_signed_checkpoint(signed.encode()).checkpoint.size
    tree = log.folder.make_tree(size)
    entries = [
        EntryEvidence(
            number=number,
            body=store.get_body(connection, number).decode(),
            proof=[base64.b64encode(sibling).decode() for sibling in merkle.prove_inclusion(tree, number - 1, size)],
        )
        for number in numbers
    ]
    return LetterEvidence(entries=entries, checkpoint=signed, vkeys=log.read_vkeys(), cosignatures=cosignatures)


def _list_entries(connection: sa.Connection, answers: list[Answer]) -> set[int]:
    """List the entries the answers name, those about the institution they are about, and those of their documents."""
    found: set[int] = set()
    for answer in answers:
        found |= list_entry_numbers(msgspec.to_builtins(answer))
        if answer.match is not None:
            subject = to_subject(parse_code(answer.match.code))
            about = store.read_subject_entries(connection, subject, answer.log.size)
            found |= {entry.number for entry in about[-MOST_ENTRIES:]}
    size = max(answer.log.size for answer in answers)
    sources = {entry.source for entry in store.read_numbered(connection, found).values() if entry.source}
    for source in sources:
        found |= {entry.number for entry in store.read_subject_entries(connection, f"source:{source}", size)[-1:]}
    return found


def _choose_checkpoint(log: PublishedLog, witnesses: Path, least: int) -> tuple[str, list[Cosignature]]:
    """Choose the longest checkpoint that witnesses cosigned and that covers ``least`` entries; else the last one."""
    latest = log.get_checkpoint()
    if latest.checkpoint.size < least:
        raise CannotSign(Message("刚刚有新记录，日志尚未签发，暂时不能出具证明函；请稍后再试。"))
    cosigned = [one for one in _read_cosigned(log, witnesses) if least <= one.checkpoint.size]
    if not cosigned:
        return latest.note.decode(), []
    size = max(one.checkpoint.size for one in cosigned)
    chosen = [one for one in cosigned if one.checkpoint.size == size]
    lines = dict.fromkeys(signature.line for one in chosen for signature in one.text.signatures)
    text = f"{chosen[0].text.text}\n{''.join(lines)}"
    signatures = note.parse_note(text.encode()).signatures
    names = {(key.name, key.id): key for one in chosen for key in one.witnesses}
    cosignatures = [
        Cosignature(name=key.name, vkey=key.text, at=dt.datetime.fromtimestamp(signature.timestamp or 0, dt.UTC))
        for signature in signatures
        if (key := names.get((signature.name, signature.id)))
    ]
    return text, cosignatures


def _read_cosigned(log: PublishedLog, witnesses: Path) -> Iterator[_CosignedNote]:
    """Read the checkpoints of this log that witnesses cosigned; what does not fit this log is no evidence of it."""
    latest = log.get_checkpoint().checkpoint
    own = [note.parse_verifier(line) for line in log.read_vkeys()] + log.list_verifiers(retired=True)
    for folder in _list_folders(witnesses):
        try:
            raw = (folder / CHECKPOINT).read_bytes()
            keys = [note.parse_verifier(line) for line in (folder / VKEY).read_text("utf-8").split()]
            keys = [key for key in keys if key.kind == note.COSIGNATURE]
            checkpoint = note.parse_signed_checkpoint(raw).checkpoint
            text, signers = note.verify_note(raw, keys)
            note.verify_note(raw, own)
            if checkpoint.origin != latest.origin or not 0 < checkpoint.size <= latest.size:
                continue
            root = merkle.compute_root(log.folder.make_tree(checkpoint.size), checkpoint.size)
        except (OSError, UnicodeDecodeError, InvalidInput, NotFound, LogDamaged):
            continue
        if root == checkpoint.root:
            known = [*own, *signers]
            lines = [s for s in text.signatures if any((key.name, key.id) == (s.name, s.id) for key in known)]
            yield _CosignedNote(
                text=note.Note(text=text.text, signatures=lines), checkpoint=checkpoint, witnesses=signers
            )


def _list_folders(parent: Path) -> Iterable[Path]:
    try:
        return sorted(path for path in parent.iterdir() if path.is_dir())
    except OSError:
        return []
