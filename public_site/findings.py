"""What an answer found, as its page begins: a panel each for licence, certificate and wording, the gravest first."""

from __future__ import annotations

from typing import Literal

from registry.domain.ad_lexicon import FlagKind
from registry.domain.answers import Answer, CertificateWord, PersonWord
from registry.domain.model import Struct
from registry.verification.candidates import has_good_candidate
from registry.web.standing import Tone, choose_tone

Subject = Literal["licence", "certificate", "wording", "person"]
#: ``plain``: nothing was found, which approves of nothing.
PanelTone = Literal["approved", "limited", "stopped", "unlisted", "plain", "unasked"]

_CERTIFICATE_TONES: dict[CertificateWord, Tone] = {
    "valid": "approved",
    "not_yet_valid": "limited",
    "malformed": "limited",
    "expired": "stopped",
    "other_institution": "stopped",
}
_PERSON_TONES: dict[PersonWord, Tone] = {
    "authorised": "approved",
    "not_for_technique": "limited",
    "institution_not_licensed": "stopped",
    "not_authorised": "stopped",
}
#: What nobody may offer, what no medical advertisement may contain, what only asks for a look; the gravest first.
_WORDINGS: tuple[tuple[str, PanelTone, frozenset[FlagKind]], ...] = (
    ("forbidden", "stopped", frozenset({"surrogacy", "gamete_trade", "sex_selection"})),
    ("restricted", "limited", frozenset({"technique", "guarantee", "endorsement"})),
    ("doubtful", "limited", frozenset({"lure"})),
)
_GRAVITY: dict[PanelTone, int] = {"stopped": 0, "limited": 1, "unlisted": 2, "plain": 3, "approved": 3, "unasked": 4}
#: Verdicts under which nobody may be treated as asked.
_REPORTED = frozenset(["not_found", "suspended", "revoked", "lapsed", "preparing", "site_mismatch"])
#: What nobody may offer stands before whatever else forbids.
_GRAVEST = -1


class Panel(Struct, frozen=True, kw_only=True):
    """One of the answers in brief. ``word``: its key in the catalogue; ``kinds``: those of the words found in a text;
    ``gravity``: from -1 for what nobody may offer to 4 for what was not asked."""

    subject: Subject
    tone: PanelTone
    word: str
    gravity: int
    sentence: str = ""
    kinds: tuple[FlagKind, ...] = ()


def make_panels(answer: Answer, *, has_text: bool) -> tuple[Panel, ...]:
    """Make the panels of an answer, the gravest first; that of a person only where one was asked about."""
    certificate, person = answer.ad_certificate, answer.practitioner
    panels = [
        _make_licence_panel(answer, has_text),
        _make_panel("certificate", _CERTIFICATE_TONES.get(certificate.verdict, "unlisted"), certificate)
        if certificate
        else _make_unasked("certificate"),
        _make_wording_panel(answer) if has_text else _make_unasked("wording"),
    ]
    if person:
        panels.append(_make_panel("person", _PERSON_TONES.get(person.verdict, "unlisted"), person))
    return tuple(sorted(panels, key=lambda panel: panel.gravity))


def select_gravest(panels: tuple[Panel, ...]) -> tuple[Panel, ...]:
    """Select the panels that a headline must say: the gravest, where there is bad news and more than one was asked."""
    asked = [panel for panel in panels if panel.tone != "unasked"]
    if len(asked) == 1 or asked[0].gravity >= _GRAVITY["approved"]:
        return ()
    return tuple(panel for panel in asked if panel.gravity <= max(asked[0].gravity, _GRAVITY["stopped"]))


def get_verdict_key(answer: Answer, *, has_text: bool = False) -> str:
    """Return the catalogue's key of a verdict; `unknown` has another word where nothing is recorded of the day."""
    is_unrecorded = not (answer.basis or answer.match or answer.candidates or answer.mentions or has_text)
    return f"verdict.{'no_record' if answer.verdict == 'unknown' and is_unrecorded else answer.verdict}.word"


def may_be_reported(answer: Answer) -> bool:
    """Whether to say where offers are reported: not to whoever may well have meant one that is listed."""
    return answer.verdict in _REPORTED and not (answer.verdict == "not_found" and has_good_candidate(answer.candidates))


def choose_answer_tone(answer: Answer) -> Tone:
    """Choose the tone of the licence of an answer."""
    return choose_tone(answer.verdict, [technique.stage for technique in answer.techniques])


def _make_licence_panel(answer: Answer, has_text: bool) -> Panel:
    tone = choose_answer_tone(answer)
    # An approval on trial is one; whoever is not on the list has none, though its colour is that of not knowing.
    grave: dict[str, PanelTone] = {"licensed": "approved", "not_found": "stopped"}
    return Panel(
        subject="licence",
        tone=tone,
        word=get_verdict_key(answer, has_text=has_text),
        gravity=_GRAVITY[grave.get(answer.verdict, tone)],
        sentence=answer.explanation,
    )


def _make_panel(subject: Subject, tone: PanelTone, answer: object) -> Panel:
    """Make the panel of a further answer, which has a verdict and a sentence."""
    word, sentence = f"{subject}.{answer.verdict}", answer.explanation  # type: ignore[attr-defined]
    return Panel(subject=subject, tone=tone, word=word, gravity=_GRAVITY[tone], sentence=sentence)


def _make_unasked(subject: Subject) -> Panel:
    return Panel(subject=subject, tone="unasked", word="panel.unasked", gravity=_GRAVITY["unasked"])


def _make_wording_panel(answer: Answer) -> Panel:
    found = dict.fromkeys(flag.kind for flag in answer.content_flags)
    for word, tone, kinds in _WORDINGS:
        if some := tuple(kind for kind in found if kind in kinds):
            gravity = _GRAVEST if word == "forbidden" else _GRAVITY[tone]
            return Panel(subject="wording", tone=tone, word=f"wording.{word}", gravity=gravity, kinds=some)
    return Panel(subject="wording", tone="plain", word="wording.clear", gravity=_GRAVITY["plain"])
