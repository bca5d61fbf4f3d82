"""What the check page is given: the form as typed, and the answers beside each other. Templates read nothing else."""

from __future__ import annotations

from typing import ClassVar

from public_site.contexts import FieldError, PageContext, Times, Tone
from registry import model
from registry.beside import ContentFlag
from registry.model import Struct
from registry.wording import FlagKind


class CheckForm(Struct, frozen=True, kw_only=True):
    """What was typed, kept as typed."""

    name: str = ""
    technique: str = ""
    on: str = ""
    known_at: str = ""
    address: str = ""
    practitioner: str = ""
    ad_certificate: str = ""
    text: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it fits into an address that may be kept and passed on: no person's name, no long text."""
        return not (self.practitioner or self.ad_certificate or self.text)

    @property
    def given(self) -> tuple[tuple[str, str], ...]:
        """(field, value) of what was filled in, for a form that asks the same again."""
        return tuple((name, value) for name in self.__struct_fields__ if (value := getattr(self, name)))


class Flagged(Struct, frozen=True, kw_only=True):
    """The words of one kind in a text, each once with how often it stands there."""

    kind: FlagKind
    words: tuple[tuple[str, int], ...]


class AnsweredPage(PageContext, frozen=True, kw_only=True):
    """A page that shows an answer, once there is one, with what was found in the wording."""

    answer: model.Answer | None = None

    @property
    def flagged(self) -> tuple[Flagged, ...]:
        """The words of the text that ask for a look by a person."""
        return grouped(self.answer.content_flags) if self.answer else ()

    @property
    def against(self) -> tuple[Flagged, ...]:
        """The words that stand in sentences against what they name."""
        return grouped(self.answer.content_against) if self.answer else ()


class CheckPage(AnsweredPage, frozen=True, kw_only=True):
    """The check form, and the answers once something was asked; ``past`` when they are not what is known now."""

    template: ClassVar[str] = "check.html"
    section: ClassVar[str] = "check"
    noindex: ClassVar[bool] = True
    form: CheckForm
    tone: Tone = "unlisted"
    errors: tuple[FieldError, ...] = ()
    past: Times | None = None

    @property
    def asked_text(self) -> bool:
        """Whether the wording of an advertisement was asked about."""
        return bool(self.form.text)


def grouped(flags: list[ContentFlag]) -> tuple[Flagged, ...]:
    """Flags by kind, in the order in which they first stand in the text."""
    kinds: dict[FlagKind, dict[str, int]] = {}
    for flag in flags:
        words = kinds.setdefault(flag.kind, {})
        word = " ".join(flag.text.split())
        words[word] = words.get(word, 0) + 1
    return tuple(Flagged(kind=kind, words=tuple(words.items())) for kind, words in kinds.items())
