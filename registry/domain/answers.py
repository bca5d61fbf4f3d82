"""Questions and answers of the register as frozen Structs: claims, verdicts, and what is said beside the licence."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

import msgspec

from registry.domain.ad_lexicon import FlagKind
from registry.domain.comparison import Compared
from registry.domain.identifiers import find_web_domain, is_code_rather_than_name, parse_code
from registry.domain.model import Date, SanctionKind, SanctionParty, Struct
from registry.domain.techniques import Stage, TechniqueCode

VerdictWord = Literal[
    "licensed",
    "partly_licensed",
    "technique_not_licensed",
    "site_mismatch",
    "preparing",
    "suspended",
    "revoked",
    "lapsed",
    "ambiguous",
    "not_found",
    "unknown",
]
MatchedOn = Literal["name", "alias", "former_name", "code", "uscc", "practice_licence_no", "domain"]
PersonWord = Literal[
    "authorised", "not_for_technique", "not_authorised", "institution_not_licensed", "unknown", "ambiguous"
]
CertificateWord = Literal["valid", "expired", "not_yet_valid", "other_institution", "unknown", "malformed"]
#: Characters of a claim's fields. No name or number is longer; an advertisement's text is cut by whoever asks.
LONGEST_NAME, LONGEST_NUMBER, LONGEST_TEXT = 60, 100, 20_000
#: What fits into an address.
LONGEST_TEXT_IN_ADDRESS = 2000


# gc=False: there are no cycles in them, and the collector need not look through what a batch makes by the thousand.


#: No real name or address is longer; what is would only fill caches.
Short = Annotated[str, msgspec.Meta(max_length=300)]


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """Who a claim is about; at least one field."""

    name: Short | None = None
    address: Short | None = None
    uscc: Short | None = None
    practice_licence_no: Short | None = None
    code: Short | None = None
    domain: Short | None = None

    @property
    def is_named(self) -> bool:
        """Whether it names anybody: blanks and marks do not, nor does an address alone."""
        if self.name and self.name[0].isalnum():  # the usual case, quickly
            return True
        values = (self.name, self.uscc, self.practice_licence_no, self.code, self.domain)
        return any(c.isalnum() for value in values if value for c in value)


def read_provider(text: str, address: str | None) -> Provider:
    """Return whom a person means who typed a name, a code or a web address; InvalidCode for a code copied wrongly.

    A code that is taken for a name would read as "not on the list".
    """
    if domain := find_web_domain(text):
        return Provider(domain=domain, address=address)
    if is_code_rather_than_name(text):
        return Provider(code=parse_code(text), address=address)
    return Provider(name=text, address=address)


class Person(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a claim names as the one who treats."""

    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)]


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What a reviewer asks, of a day, as known now or then. Techniques that ``text`` offers are claimed too.

    Without a provider the institutions that ``text`` names are asked about.
    """

    provider: Provider = Provider()
    id: Short | None = None
    techniques: Annotated[list[Short], msgspec.Meta(max_length=20)] = []
    on: Date | None = None
    known_at: dt.datetime | None = None
    practitioner: Person | None = None
    ad_certificate: Annotated[str, msgspec.Meta(max_length=LONGEST_NUMBER)] | None = None
    text: Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] | None = None
    receipt: bool = False


class Basis(Struct, frozen=True, gc=False):
    """What an answer rests on: the source, its day, and the entry; of an approval also its document and authority.

    ``secondary``: the register has a transcription of the source. ``age_days``: days from ``as_of`` to the day asked.
    """

    source: str
    as_of: Date
    entry: int
    secondary: bool = False
    age_days: int = 0
    document_no: str | None = None
    authority: str | None = None


class LastKnown(Struct, frozen=True, gc=False):
    """What was stated of an approval before its evidence grew too old to answer with."""

    stage: Stage
    basis: Basis | None


class TechniqueAnswer(Struct, frozen=True, gc=False):
    """The verdict for one technique of a claim; ``from_text``: only the advertisement's text names it.

    ``last_known``: what was stated of it once, where the answer is `unknown` because nobody knows whether it held.
    """

    technique: TechniqueCode
    verdict: VerdictWord
    stage: Stage | None = None
    basis: Basis | None = None
    from_text: bool = False
    last_known: LastKnown | None = None


class Match(Struct, frozen=True, gc=False):
    """Which institution answered, and by which of its names or numbers; ``rule`` names the normalisation used."""

    code: str
    name: str
    address: str
    on: MatchedOn
    exact: bool
    rule: str


class Candidate(Struct, frozen=True, gc=False):
    """An institution the asker may have meant; never a licence. ``score`` is 0 to 100."""

    code: str
    name: str
    address: str
    score: int


# What an answer says beside the licence. None of it changes the verdict: an approved institution's advertisement can be
# unlawful, and a certificate licenses nobody.


class PersonTechnique(Struct, frozen=True):
    """Whether the person is authorised there for one technique of the claim."""

    technique: TechniqueCode
    verdict: PersonWord


class PersonAnswer(Struct, frozen=True):
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


class Holder(Struct, frozen=True):
    """The institution a certificate is registered for."""

    code: str
    name: str | None


class CertificateAnswer(Struct, frozen=True):
    """What is known of an advertising certificate, and what only its number says.

    ``registered``: the register holds it. ``computed``: which of the two days is not registered, but comes from the day
    inside the number, and the one year a certificate is valid.
    """

    verdict: CertificateWord
    explanation: str
    registered: bool
    number: str | None = None
    valid_from: Date | None = None
    valid_to: Date | None = None
    computed: list[Literal["valid_from", "valid_to"]] = []
    institution: Holder | None = None
    entry: int | None = None


class ContentFlag(Struct, frozen=True):
    """One word of a text that asks for a look by a person: ``text[start:end]``, in code points of the text as given."""

    kind: FlagKind
    text: str
    start: int
    end: int
    technique: TechniqueCode | None = None


class Mention(Struct, frozen=True, gc=False):
    """An institution that a text names, ``text[start:end]``, and the answer about it for what the text offers.

    ``code`` and ``name`` are null, and the verdict is `ambiguous`, where it is not certain which one is meant.
    """

    start: int
    end: int
    text: str
    code: str | None
    name: str | None
    verdict: VerdictWord
    explanation: str
    techniques: list[TechniqueAnswer] = []
    candidates: list[Candidate] = []


#: By what of a claim a penalty or a record of the blacklist was found.
SanctionMatch = Literal["institution", "name", "uscc", "domain", "account", "practitioner"]


class SanctionFinding(Struct, frozen=True, gc=False):
    """A penalty, or a record of the blacklist, public on the day asked, of whom the claim names; never a licence.

    ``until``: the last day on which it is public, null without end. ``matched``: by what of the claim it was found,
    always exactly; ``institution``: it is recorded of the institution in ``match``.
    """

    kind: SanctionKind | None
    party: SanctionParty | None
    authority: str | None
    document_no: str | None
    decided_on: Date | None
    legal_basis: str | None
    until: Date | None
    matched: SanctionMatch
    explanation: str
    entry: int


class LogState(Struct, frozen=True, gc=False):
    """The log an answer rests on: entries and RFC 6962 root hash (hex)."""

    size: int
    root: str


class Answer(Struct, frozen=True, gc=False):
    """What the registry says to a claim: of licence, person, certificate, wording, each by itself; null: not asked.

    ``compared``: how what the claim gave fits the institution in ``match``; null where nobody matched.
    ``known_at``: the instant asked about, else that at which the register was last seen to be what it says here;
    ``state_age``: how many seconds before the answer that was.
    """

    id: str | None
    verdict: VerdictWord
    explanation: str
    techniques: list[TechniqueAnswer]
    match: Match | None
    candidates: list[Candidate]
    on: Date
    known_at: dt.datetime
    basis: Basis | None
    log: LogState
    state_age: int = 0
    compared: Compared | None = None
    practitioner: PersonAnswer | None = None
    ad_certificate: CertificateAnswer | None = None
    content_flags: list[ContentFlag] = []
    content_against: list[ContentFlag] = []
    mentions: list[Mention] = []
    sanctions: list[SanctionFinding] = []
    receipt: str | None = None
