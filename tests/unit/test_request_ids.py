"""The name of a request in the lines of the log that came of it."""

from __future__ import annotations

import contextvars
import logging

import pytest

from registry.web import request_ids


def log_within_a_request(headers: list[tuple[bytes, bytes]]) -> bytes:
    name = request_ids.start_request(headers)
    logging.getLogger("registry.example").warning("%s at %s", "busy", "GET /x")
    return name


def test_a_line_of_the_log_names_the_request_it_came_of_and_others_stay(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("registry.example")
    added = request_ids.RequestIdFilter()
    logger.addFilter(added)
    try:
        first = contextvars.copy_context().run(log_within_a_request, [])
        second = contextvars.copy_context().run(log_within_a_request, [(b"x-request-id", b"proxy-17")])
        logger.warning("nobody asked")
    finally:
        logger.removeFilter(added)
    assert first != second == b"proxy-17"
    assert caplog.messages == [f"busy at GET /x [{first.decode()}]", "busy at GET /x [proxy-17]", "nobody asked"]


@pytest.mark.parametrize("given", [b"a" * 7, b"a" * 65, b"line\nbreak", b"[bracket]", b"caf\xc3\xa9-caf\xc3\xa9", b""])
def test_no_stranger_writes_into_the_log(given: bytes) -> None:
    assert contextvars.copy_context().run(request_ids.start_request, [(b"x-request-id", given)]) != given
