"""Examples of the OpenAPI document: what one part of an example says of another is so."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar.routes import HTTPRoute

from registry.api.openapi import load_examples
from registry.batch.columns import NAMES, format_answer_cells
from registry.domain.answers import Answer
from registry.log import codec, merkle
from registry.server.app import build_app
from registry.settings import Settings

EXAMPLES = load_examples()


def test_a_reader_can_check_the_leaf_of_the_example_of_the_change_feed() -> None:
    shown = EXAMPLES["getChanges"].response
    assert shown["leaves"] == [merkle.hash_leaf(codec.encode_canonical(entry)).hex() for entry in shown["entries"]]


def test_the_digest_of_the_example_of_a_receipt_is_that_of_its_text() -> None:
    shown = EXAMPLES["checkReceipt"]
    assert shown.response["digest"] == hashlib.sha256(shown.request["receipt"].encode()).hexdigest()


def test_the_three_forms_of_a_batch_show_the_same_answers() -> None:
    shown = EXAMPLES["verifyBatch"]
    answer, forms = shown.response["answers"][0], shown.response_content
    lines = [msgspec.json.decode(line) for line in forms["application/x-ndjson"]["example"].splitlines()]
    headings, first, second = csv.reader(io.StringIO(forms["text/csv"]["example"]))
    assert lines[0] == answer == EXAMPLES["verify"].response
    assert tuple(headings[-len(NAMES) :]) == tuple(NAMES)
    assert first[-len(NAMES) :] == [str(cell) for cell in format_answer_cells(msgspec.convert(answer, Answer))]
    assert second[-2:] == [lines[1]["error"]["code"], lines[1]["error"]["detail"]]


@pytest.mark.parametrize("operation", ["addWatches", "getWatchChanges", "listWatches", "getRecordedChecks"])
def test_what_a_key_shows_is_about_the_claim_of_the_example(operation: str) -> None:
    def claims(value: Any) -> list[Any]:
        items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        own = [value[name] for name in ("claim", "question") if isinstance(value, dict) and name in value]
        return own + [claim for item in items for claim in claims(item)]

    shown = EXAMPLES[operation]
    asked = shown.request["claims"] if shown.request else claims(shown.response)
    assert asked
    assert all(claim == EXAMPLES["verify"].request_content["application/json"]["example"] for claim in asked)


def test_every_handler_has_the_word_under_which_it_is_counted(tmp_path: Path) -> None:
    words = {
        getattr(handler, "operation_id", None) or handler.opt.get("operation")
        for route in build_app(Settings(data_dir=tmp_path)).routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.http_methods != {"OPTIONS"} and not route.path.rstrip("/").startswith("/api/v1/openapi")
    }
    assert None not in words
    assert {"staff", "health", "readiness", "verify", "check"} <= words
