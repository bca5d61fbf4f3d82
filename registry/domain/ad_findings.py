"""What an answer says beside the licence: of a person, of an advertising certificate, of the wording. Three answers.

None changes another: an approved institution's advertisement can be unlawful, and a certificate licenses nobody.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec

from registry.domain.ad_lexicon import FlagKind
from registry.domain.techniques import TechniqueCode

#: Characters of a claim's fields. No name or number is longer; an advertisement's text is cut by whoever asks.
LONGEST_NAME, LONGEST_NUMBER, LONGEST_TEXT = 60, 100, 20_000
#: What fits into an address.
LONGEST_TEXT_IN_ADDRESS = 2000

PersonWord = Literal[
    "authorised", "not_for_technique", "not_authorised", "institution_not_licensed", "unknown", "ambiguous"
]
CertificateWord = Literal["valid", "expired", "not_yet_valid", "other_institution", "unknown", "malformed"]


class _AnswerPart(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a claim names as the one who treats."""

    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]


class PersonTechnique(_AnswerPart, frozen=True):
    """Whether the person is authorised there for one technique of the claim."""

    technique: TechniqueCode
    verdict: PersonWord


class PersonAnswer(_AnswerPart, frozen=True):
    """What the register says of the person asked about, at the institution that was matched; of nobody else.

    ``exact``: the name is written as in the register; false where only its script, width or spacing differs. ``entry``
    is that of the authorisation the answer rests on.
    """

    verdict: PersonWord
    explanation: str
    techniques: list[PersonTechnique] = []
    role: str | None = None
    exact: bool | None = None
    entry: int | None = None


class Holder(_AnswerPart, frozen=True):
    """The institution a certificate is registered for."""

    code: str
    name: str | None


class CertificateAnswer(_AnswerPart, frozen=True):
    """What is known of an advertising certificate, and what only its number says.

    ``registered``: the register holds it. ``computed``: which of the two days is not registered, but comes from the day
    inside the number, and the one year a certificate is valid.
    """

    verdict: CertificateWord
    explanation: str
    registered: bool
    number: str | None = None
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    computed: list[Literal["valid_from", "valid_to"]] = []
    institution: Holder | None = None
    entry: int | None = None


class ContentFlag(_AnswerPart, frozen=True):
    """One word of a text that asks for a look by a person: ``text[start:end]``, in code points of the text as given."""

    kind: FlagKind
    text: str
    start: int
    end: int
    technique: TechniqueCode | None = None
