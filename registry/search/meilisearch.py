"""Meilisearch as an engine: it holds the same documents and tokens, and fetches those an expression asks for.

Of Meilisearch only its filters are used: an exact set of documents, as the embedded engine gives it. Its own ranking
and typo tolerance stay out, so that both engines lead to the same results. An index is named after the first entry of
the log it rests on: registers that share a server never share an index.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import meilisearch
import msgspec
from meilisearch.errors import MeilisearchApiError, MeilisearchError
from requests.exceptions import RequestException

from registry.domain.model import Struct
from registry.search.engine import EngineUnavailable, Expression, ExpressionSyntax, FetchResult, SearchDocument

#: Seconds for one request. A search that takes longer is answered by the embedded engine.
PATIENCE = 2
#: Seconds for a batch of documents to be taken in.
_TASK_PATIENCE = 600
_STATE = "state"  # no public code: those have eight characters
_SETTINGS: dict[str, Any] = {
    # Only what the expressions ask for: which tokens a document has, as a whole or from their beginning. And the
    # code, by which those are removed that are gone.
    "filterableAttributes": [
        {"attributePatterns": ["tokens", "id"], "features": {"facetSearch": False, "filter": {"equality": True}}}
    ],
    # Nothing is searched as text and nothing ranked: that would cost an index of every word and is never asked for.
    "searchableAttributes": [],
    "rankingRules": [],
    "typoTolerance": {"enabled": False},
    "prefixSearch": "disabled",
    "facetSearch": False,
}
_document = msgspec.json.Decoder(SearchDocument)
_T = TypeVar("_T")


class IndexState(Struct, frozen=True):
    """What an index rests on: entries of the log with the last one's leaf hash (hex), and the format of its tokens."""

    position: int
    leaf: str
    format: int


class MeilisearchEngine:
    """One index on one server. Every method raises EngineUnavailable when the server cannot be asked."""

    name = "meilisearch"

    def __init__(self, url: str, key: str, index: str) -> None:
        self.index = index
        self.aside = f"{index}-building"
        self._server = (url.rstrip("/"), key or None)
        self._local = threading.local()

    @property
    def _client(self) -> meilisearch.Client:
        """A client of this thread's own: it keeps the headers of the request under way in itself."""
        client: meilisearch.Client | None = getattr(self._local, "client", None)
        if client is None:
            url, key = self._server
            client = self._local.client = meilisearch.Client(url, key, timeout=PATIENCE)
        return client

    def _send_request(self, request: Callable[[meilisearch.Client], _T]) -> _T:
        try:
            return request(self._client)
        except (MeilisearchError, RequestException, ValueError, TypeError, KeyError, AttributeError) as error:
            # also what is no Meilisearch, and answers something else
            raise EngineUnavailable(_describe_error(error)) from error

    # --- asking ------------------------------------------------------------------------------------------------------

    def fetch(self, expressions: Sequence[Expression], limit: int) -> list[FetchResult]:
        """Fetch at most ``limit`` documents for each expression, in one request."""
        queries = [
            {
                "indexUid": self.index,
                "q": "",
                "filter": _FILTER.format_expression(expression),
                "limit": limit + 1,
                "attributesToRetrieve": ["body"],
            }
            for expression in expressions
        ]
        results = self._send_request(lambda client: client.multi_search(queries)["results"])
        try:
            documents = [[_document.decode(hit["body"]) for hit in result["hits"]] for result in results]
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise EngineUnavailable(_describe_error(error)) from error
        if len(documents) != len(expressions):
            raise EngineUnavailable("fewer answers than questions")
        return [FetchResult(documents=result[:limit], complete=len(result) <= limit) for result in documents]

    def find_state(self, index: str | None = None) -> IndexState | None:
        """Find what the index rests on; None when there is no such index, or nothing is known of it."""
        try:
            document = self._client.http.get(f"indexes/{index or self.index}/documents/{_STATE}")
            return msgspec.convert(document["state"], IndexState)
        except MeilisearchApiError as error:
            if error.code in ("index_not_found", "document_not_found"):
                return None
            raise EngineUnavailable(_describe_error(error)) from error
        except (MeilisearchError, RequestException, msgspec.ValidationError, ValueError, KeyError, TypeError) as error:
            raise EngineUnavailable(_describe_error(error)) from error

    def count_documents(self, index: str | None = None) -> int:
        """Count the institutions the index holds."""
        count: int = self._send_request(
            lambda client: client.index(index or self.index).get_stats().number_of_documents
        )
        return max(0, count - 1)  # one is the state

    # --- feeding -----------------------------------------------------------------------------------------------------

    def update_documents(
        self, index: str, changed: Iterable[tuple[str, bytes, list[str]]], gone: Sequence[str] = ()
    ) -> None:
        """Add or replace documents given as (code, body, tokens), and remove codes; returns once that is done."""
        added = [{"id": code, "body": body.decode(), "tokens": tokens} for code, body, tokens in changed]
        if added:
            self._run_task(lambda client: client.index(index).add_documents(added, primary_key="id"))
        if gone:
            codes = ", ".join(map(_quote_token, gone))
            self._run_task(lambda client: client.index(index).delete_documents(filter=f"id IN [{codes}]"))

    def save_state(self, index: str, state: IndexState) -> None:
        """Save with the documents what they rest on: in the index itself, so that both are switched together."""
        document = {"id": _STATE, "state": msgspec.to_builtins(state)}
        self._run_task(lambda client: client.index(index).add_documents([document], primary_key="id"))

    def create_new_index(self) -> str:
        """Create an empty index beside the one in use; what an earlier attempt left is removed."""
        self._run_task(lambda client: client.delete_index(self.aside), missing_is_fine=True)
        self._run_task(lambda client: client.create_index(self.aside, {"primaryKey": "id"}))
        self._run_task(lambda client: client.index(self.aside).update_settings(_SETTINGS))
        return self.aside

    def switch_index(self) -> None:
        """Put the index that was built aside in the place of the one in use, which is removed."""
        if (
            self._send_request(lambda client: [index["uid"] for index in self._list_indexes(client)]).count(self.index)
            == 0
        ):
            self._run_task(lambda client: client.create_index(self.index, {"primaryKey": "id"}))
        self._run_task(lambda client: client.swap_indexes([{"indexes": [self.index, self.aside]}]))
        self.delete_new_index()

    def delete_new_index(self) -> None:
        """Remove what was built aside, if anything."""
        self._run_task(lambda client: client.delete_index(self.aside), missing_is_fine=True)

    @staticmethod
    def _list_indexes(client: meilisearch.Client) -> list[Mapping[str, Any]]:
        answer: Any = client.get_raw_indexes({"limit": 1000})
        return list(answer["results"] if isinstance(answer, dict) else answer)

    def _run_task(self, request: Callable[[meilisearch.Client], Any], missing_is_fine: bool = False) -> None:
        """Enqueue a task and wait for its end, so that what follows rests on it."""
        task = self._send_request(request)
        ended = self._send_request(
            lambda client: client.wait_for_task(task.task_uid, timeout_in_ms=_TASK_PATIENCE * 1000, interval_in_ms=20)
        )
        is_missing_index = missing_is_fine and (ended.error or {}).get("code") == "index_not_found"
        if ended.status != "succeeded" and not is_missing_index:
            raise EngineUnavailable(f"task {ended.type} {ended.status}: {(ended.error or {}).get('message', '')}")


def _quote_token(token: str) -> str:
    return '"' + token.replace("\\", "\\\\").replace('"', '\\"') + '"'


#: An expression as a Meilisearch filter.
_FILTER = ExpressionSyntax(
    word="tokens = {}", start="tokens STARTS WITH {}", all=" AND ", some=" OR ", quoted=_quote_token
)


def _describe_error(error: Exception) -> str:
    """Describe what went wrong, in one line without addresses or keys: it is logged and shown in /readyz."""
    if isinstance(error, MeilisearchApiError):
        return f"Meilisearch: {error.code or error.status_code}"
    return type(error).__name__
