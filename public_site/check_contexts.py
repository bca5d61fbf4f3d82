"""What the check page is given: the form as typed, and the answers beside each other. Templates read nothing else."""

from __future__ import annotations

from typing import ClassVar

from public_site.contexts import FieldError, PageContext
from registry.domain import model
from registry.domain.ad_lexicon import FlagKind
from registry.domain.model import ContentFlag, Struct
from registry.web.record_changes import PageTimes
from registry.web.standing import Tone


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
    def filled_fields(self) -> tuple[tuple[str, str], ...]:
        """(field, value) of what was filled in, for a form that asks the same again."""
        return tuple((name, value) for name in self.__struct_fields__ if (value := getattr(self, name)))


class FlagGroup(Struct, frozen=True, kw_only=True):
    """The words of one kind in a text, each once with how often it stands there."""

    kind: FlagKind
    words: tuple[tuple[str, int], ...]


class AnswerPage(PageContext, frozen=True, kw_only=True):
    """A page that shows an answer, once there is one, with what was found in the wording."""

    answer: model.Answer | None = None

    @property
    def flag_groups(self) -> tuple[FlagGroup, ...]:
        """The words of the text that ask for a look by a person."""
        return group_flags(self.answer.content_flags) if self.answer else ()

    @property
    def against_groups(self) -> tuple[FlagGroup, ...]:
        """The words that stand in sentences against what they name."""
        return group_flags(self.answer.content_against) if self.answer else ()


class CheckPage(AnswerPage, frozen=True, kw_only=True):
    """The check form, and the answers once something was asked; ``past`` when they are not what is known now."""

    template: ClassVar[str] = "check.html"
    section: ClassVar[str] = "check"
    noindex: ClassVar[bool] = True
    form: CheckForm
    tone: Tone = "unlisted"
    errors: tuple[FieldError, ...] = ()
    past: PageTimes | None = None

    @property
    def has_ad_text(self) -> bool:
        """Whether the wording of an advertisement was asked about."""
        return bool(self.form.text)


def group_flags(flags: list[ContentFlag]) -> tuple[FlagGroup, ...]:
    """Flags by kind, in the order in which they first stand in the text."""
    kinds: dict[FlagKind, dict[str, int]] = {}
    for flag in flags:
        words = kinds.setdefault(flag.kind, {})
        word = " ".join(flag.text.split())
        words[word] = words.get(word, 0) + 1
    return tuple(FlagGroup(kind=kind, words=tuple(words.items())) for kind, words in kinds.items())
