"""Giving evidence letters: a question about a day is answered, proven, signed, recorded, and set on paper."""

from __future__ import annotations

import datetime as dt
import hashlib

import msgspec

from registry.batch.claim_check import check_claim
from registry.domain.answers import Answer, Claim, Person, Provider, read_provider
from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.log.publish import PublishedLog
from registry.measures.letters import letter_store, letter_text
from registry.measures.letters.letter_store import LetterRecord
from registry.measures.letters.letter_text import Letter
from registry.measures.letters.proofs import LetterEvidence, make_evidence
from registry.receipts import receipt_text
from registry.receipts.issuer import Issuer
from registry.settings import Settings
from registry.storage.database import Database
from registry.texts import Message
from registry.verification.answer import Moment, answer_claim, take_moment
from registry.verification.view import VerificationView

#: The roles that may give letters.
ROLES = ("editor", "approver", "publisher", "auditor")
#: Characters of an authority's name and of its number of a case.
LONGEST_AUTHORITY, LONGEST_REFERENCE = 120, 80


class LetterRequest(Struct, frozen=True):
    """What a letter is to say: of whom (a code, a name, a web address), of which person there, on which day, as known
    when; for which authority, under its number of the case.
    """

    about: str
    on: dt.date
    known_at: dt.datetime | None = None
    person: str | None = None
    authority: str = ""
    reference: str = ""
    lang: str = "zh-CN"


class GivenLetter(Struct, frozen=True):
    """A letter as it is handed over: the PDF, and the file with its receipt."""

    letter: Letter
    answers: list[Answer]
    receipt: str
    pdf: bytes
    file: bytes


class Letters:
    """Gives the evidence letters of one running register. Every method may be called from any thread."""

    def __init__(
        self, database: Database, log: PublishedLog, issuer: Issuer, view: VerificationView, settings: Settings
    ) -> None:
        self._database, self._log, self._issuer, self._view, self._settings = database, log, issuer, view, settings

    def give_letter(self, request: LetterRequest, by: str) -> GivenLetter:
        """Give a letter and record it; InvalidInput, CannotSign, CannotAnswer."""
        at = self._view.find_now().replace(microsecond=0)
        _check_request(request, at)
        claims = make_claims(request)
        answers = self._answer_claims(claims, request.lang, at)
        with self._database.reading() as connection:
            evidence = make_evidence(connection, self._log, answers, self._settings.get_witness_folder())

        def sign(number: str) -> tuple[Letter, str, str]:
            letter = self.make_letter(request, number, at, answers, evidence)
            receipt = self._sign_letter(letter)
            return letter, receipt, hashlib.sha256(receipt.encode()).hexdigest()

        with self._database.writing() as connection:
            letter, receipt = letter_store.record_letter(connection, _make_record(request, answers[0], by, at), sign)
        return self._finish_letter(letter, answers, receipt)

    def make_letter(
        self, request: LetterRequest, number: str, at: dt.datetime, answers: list[Answer], evidence: LetterEvidence
    ) -> Letter:
        """Make the content of a letter; the same each time for the same number, instant and log."""
        issuer, key = self._issuer.get_signer()
        receipts = [
            receipt_text.sign_receipt(claim, answer, issuer, key, at)
            for claim, answer in zip(make_claims(request), answers, strict=True)
        ]
        return Letter(
            iss=issuer,
            iat=int(at.timestamp()),
            number=number,
            lang=request.lang,
            authority=request.authority,
            reference=request.reference,
            receipts=receipts,
            **{name: getattr(evidence, name) for name in evidence.__struct_fields__},
        )

    def list_letters(self, before: int | None = None, limit: int = 50) -> list[LetterRecord]:
        """List the letters that were given, newest first."""
        with self._database.reading() as connection:
            return letter_store.list_letters(connection, before, limit)

    def _answer_claims(self, claims: list[Claim], lang: str, at: dt.datetime) -> list[Answer]:
        moment = take_moment(self._view)
        moment = Moment(now=at, day=moment.day, size=moment.size)
        answers = []
        for claim in claims:
            check_claim(claim)
            answer = answer_claim(self._view, claim, lang, moment)
            self._issuer.require_signer(answer.log)
            answers.append(answer)
        return answers

    def _sign_letter(self, letter: Letter) -> str:
        return letter_text.sign_letter(letter, self._issuer.get_signer()[1])

    def _finish_letter(self, letter: Letter, answers: list[Answer], receipt: str) -> GivenLetter:
        from registry.measures.letters import letter_pdf  # its library takes 5 MiB, and most processes never draw

        keys = self._issuer.list_keys()
        reading = letter_text.read_letter(receipt.encode(), keys, letter.iss)
        drawn = letter_pdf.render_pdf(letter, reading.receipts, receipt, self._settings.public_url)
        pdf, signature = letter_text.sign_pdf(drawn, letter, self._issuer.get_signer()[1])
        file = letter_text.encode_file(receipt, signature, pdf)
        return GivenLetter(letter=letter, answers=answers, receipt=receipt, pdf=pdf, file=file)


def make_claims(request: LetterRequest) -> list[Claim]:
    """Make the claims of a letter: as known at the instant asked about, and, where one was named, as known now."""
    provider = read_provider(request.about, None)
    person = Person(name=request.person) if request.person else None
    claim = Claim(provider=provider, on=request.on, practitioner=person, known_at=request.known_at)
    return [claim] if request.known_at is None else [claim, msgspec.structs.replace(claim, known_at=None)]


def _check_request(request: LetterRequest, at: dt.datetime) -> None:
    """Raise InvalidInput for a request without anybody in it, with words too long, or of what will be known."""
    if request.known_at is not None and request.known_at > at:
        raise InvalidInput(Message("“截至何时所知”不能是将来。"), field="known_at")
    if not any(c.isalnum() for c in request.about):
        raise InvalidInput(Message("请写明机构的编码或名称。"), field="about")
    if len(request.authority) > LONGEST_AUTHORITY or len(request.reference) > LONGEST_REFERENCE:
        raise InvalidInput(
            Message(
                "机关名称最多{authority}字，案号最多{reference}字。",
                authority=LONGEST_AUTHORITY,
                reference=LONGEST_REFERENCE,
            ),
            field="authority",
        )


def _make_record(request: LetterRequest, answer: Answer, by: str, at: dt.datetime) -> LetterRecord:
    provider: Provider = read_provider(request.about, None)
    about = answer.match.code if answer.match else provider.code or provider.name or provider.domain or ""
    return LetterRecord(
        id=0,
        account=by,
        authority=request.authority,
        reference=request.reference,
        about=about[:120],
        person=request.person is not None,
        day=request.on,
        known_at=request.known_at,
        verdict=answer.verdict,
        log_size=answer.log.size,
        digest="",
        issued_at=at,
    )
