"""What search engines hold and are asked: documents, expressions over their tokens, and what comes back.

An engine knows nothing of names, pinyin or places: it holds documents with their tokens, and fetches those whose tokens
satisfy an expression. Understanding a question is ``query``, order is ``ranking``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from registry.domain.model import Struct
from registry.domain.name_alignment import NameKind


class NameForm(Struct, frozen=True):
    """One name of an institution as the index holds it: folded, and its characters with how each is read.

    ``atoms`` is `` 盛.sheng 京.jing 长.chang.zhang `` (a space before and after each, see ``pinyin.to_atoms``).
    """

    text: str
    atoms: str


class SearchDocument(Struct, frozen=True):
    """What the index holds of one institution: its names and its place, nothing that is a fact about its licence.

    ``place`` is the address with the names of its region, folded; ``region`` the GB/T 2260 code of the address, empty
    when none is known; ``english`` is the name in English; ``listed`` is false for an institution in no list any more.
    """

    subject: str
    names: tuple[NameForm, ...]  # as printed, and without what stands in brackets at its end
    aliases: tuple[NameForm, ...] = ()
    known_as: tuple[NameForm, ...] = ()
    former: tuple[NameForm, ...] = ()
    place: str = ""
    region: str = ""
    english: str = ""
    listed: bool = True

    @property
    def forms(self) -> tuple[NameForm, ...]:
        """All its names."""
        return self.names + self.aliases + self.known_as + self.former

    def list_forms(self) -> tuple[tuple[NameKind, tuple[NameForm, ...]], ...]:
        """List its names by what they are."""
        return (
            ("name", self.names), ("alias", self.aliases), ("known_as", self.known_as), ("former_name", self.former)
        )  # fmt: skip

    def list_names(self) -> list[tuple[NameKind, str]]:
        """List its names, folded, with what each is."""
        return [(kind, form.text) for kind, forms in self.list_forms() for form in forms]


# --- expressions -----------------------------------------------------------------------------------------------------


class TokenTerm(Struct, frozen=True, cache_hash=True, tag="word"):
    """Documents that hold this token."""

    token: str


class PrefixTerm(Struct, frozen=True, cache_hash=True, tag="start"):
    """Documents that hold a token that begins so."""

    token: str


class AllOf(Struct, frozen=True, cache_hash=True, tag="all"):
    """Documents that satisfy every part; there is at least one."""

    parts: tuple[Expression, ...]


class AnyOf(Struct, frozen=True, cache_hash=True, tag="some"):
    """Documents that satisfy at least one part; there is at least one."""

    parts: tuple[Expression, ...]


Expression: TypeAlias = TokenTerm | PrefixTerm | AllOf | AnyOf


class ExpressionSyntax(Struct, frozen=True):
    """The syntax of an engine: a token, the beginning of one, and what joins parts."""

    word: str  # with {} for the token
    start: str
    all: str
    some: str
    quoted: Callable[[str], str] = str

    def format_expression(self, expression: Expression) -> str:
        """Format an expression in this syntax."""
        match expression:
            case TokenTerm(token=token):
                return self.word.format(self.quoted(token))
            case PrefixTerm(token=token):
                return self.start.format(self.quoted(token))
            case AllOf(parts=parts):
                return f"({self.all.join(map(self.format_expression, parts))})"
            case AnyOf(parts=parts):
                return f"({self.some.join(map(self.format_expression, parts))})"


class FetchResult(Struct, frozen=True):
    """Documents that satisfy an expression. Not ``complete``: there are more than the limit."""

    documents: list[SearchDocument]
    complete: bool


class EngineUnavailable(Exception):
    """The search engine outside cannot be asked: the embedded one is asked instead, so that no user notices."""


class Engine(Protocol):
    """Fetches candidates."""

    name: str

    def fetch(self, expressions: Sequence[Expression], limit: int) -> list[FetchResult]:
        """Fetch at most ``limit`` documents for each expression; EngineUnavailable when it cannot be asked."""
        ...
