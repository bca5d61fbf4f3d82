"""The engine of a small register: its documents and their tokens in memory, read anew when the log has grown.

It fetches what the embedded engine fetches, without a statement for each question. A large register would need more
memory than a worker has: there the engines with an index on disk are asked.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from registry.search.embedded_engine import EmbeddedEngine, decode_document
from registry.search.engine import AllOf, AnyOf, Engine, Expression, FetchResult, PrefixTerm, SearchDocument, TokenTerm
from registry.search.tokens import list_tokens

#: Entries of the log up to which a register is small: some 5,000 institutions, read in a second.
SMALL = 10_000
_NOBODY: frozenset[int] = frozenset()


class MemoryEngine:
    """The documents of one moment, by their numbers in the index, and for each token the numbers that hold it."""

    name = "memory"

    def __init__(self, bodies: Mapping[int, bytes], before: MemoryEngine | None = None) -> None:
        """``before``: an earlier moment, of which whatever did not change is taken over."""
        old = before._bodies if before else {}
        self._bodies: dict[int, bytes] = dict(bodies)
        changed = {number for number, body in bodies.items() if old.get(number) != body}
        self._documents: dict[int, SearchDocument] = {
            number: decode_document(body) if number in changed or before is None else before._documents[number]
            for number, body in bodies.items()
        }
        self._holders: dict[str, frozenset[int]] = dict(before._holders) if before else {}
        if before:
            gone = {number for number, body in old.items() if bodies.get(number) != body}
            self._change_holders((before._documents[number], number) for number in gone)
        self._change_holders(((self._documents[number], number) for number in changed), is_added=True)
        shared: dict[frozenset[int], frozenset[int]] = {}  # most tokens are held by the same few
        self._holders = {token: shared.setdefault(held, held) for token, held in self._holders.items()}
        self._tokens = sorted(self._holders)

    def _change_holders(self, documents: Iterable[tuple[SearchDocument, int]], is_added: bool = False) -> None:
        numbers: dict[str, set[int]] = {}
        for document, number in documents:
            for token in list_tokens(document):
                numbers.setdefault(token, set()).add(number)
        for token, changed in numbers.items():
            held = self._holders.get(token, _NOBODY)
            left = held | changed if is_added else held - changed
            if left:
                self._holders[token] = left
            else:
                del self._holders[token]

    def list_documents(self) -> list[SearchDocument]:
        """List all documents."""
        return list(self._documents.values())

    def fetch(self, expressions: Sequence[Expression], limit: int) -> list[FetchResult]:
        """Fetch at most ``limit`` documents for each expression, in the order in which they came to the register."""
        results = []
        for expression in expressions:
            numbers = sorted(self._find_holders(expression))
            documents = [self._documents[number] for number in numbers[:limit]]
            results.append(FetchResult(documents=documents, complete=len(numbers) <= limit))
        return results

    def _find_holders(self, expression: Expression) -> frozenset[int]:
        match expression:
            case TokenTerm(token=token):
                return self._holders.get(token, _NOBODY)
            case PrefixTerm(token=start):
                return _NOBODY.union(*(self._holders[token] for token in self._list_tokens(start)))
            case AllOf(parts=parts):
                found = sorted(map(self._find_holders, parts), key=len)
                return found[0].intersection(*found[1:])
            case AnyOf(parts=parts):
                return _NOBODY.union(*map(self._find_holders, parts))

    def _list_tokens(self, start: str) -> list[str]:
        first = bisect_left(self._tokens, start)
        return self._tokens[first : bisect_left(self._tokens, start + "\U0010ffff", lo=first)]


class MemoryIndex:
    """The engine in memory of one process: read once, and again when the log has grown and is at rest.

    No question waits for that: meanwhile the embedded engine is asked. Any thread may ask for the engine; one thread
    reads.
    """

    def __init__(self) -> None:
        self._engine: MemoryEngine | None = None
        #: Entries of the log that the engine holds, and that there were at the last look.
        self._held = self._seen = -1

    def find_engine(self, embedded: EmbeddedEngine, size: int) -> Engine:
        """Return the engine in memory if it holds ``size`` entries of the log, else the embedded one."""
        engine = self._engine
        return engine if engine is not None and self._held >= size else embedded

    def is_due(self, size: int) -> bool:
        """Whether the log, of so many entries, has grown and is at rest: as large as at the last look."""
        is_at_rest, self._seen = size == self._seen, size
        return is_at_rest and size != self._held

    def read_documents(self, embedded: EmbeddedEngine, size: int) -> None:
        """Read what the embedded engine sees, at ``size`` entries of the log or more; nothing where these are many."""
        self._engine = MemoryEngine(embedded.read_bodies(), self._engine) if size <= SMALL else None
        self._held = size
