"""One table for every door: the API, the workspace and the citizens' pages give a kind of error the same status."""

from __future__ import annotations

import datetime as dt
import errno
import importlib
import logging
import pkgutil
from typing import Any

import pytest
from litestar import Litestar, Request, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.testing import TestClient

import registry
from public_site import responses
from registry import errors
from registry.api import problems
from registry.errors import RegistryError
from registry.settings import Settings
from registry.staff import errors as staff_errors
from registry.storage.locks import make_write_busy_error
from registry.texts import FixedText
from registry.verification.view import VerificationView
from registry.web import error_status

LOG = logging.getLogger("registry")


def kinds() -> list[type[RegistryError]]:
    for found in pkgutil.walk_packages(registry.__path__, "registry."):
        if not found.name.startswith("registry.storage.migrations"):
            importlib.import_module(found.name)
    every: list[type[RegistryError]] = [RegistryError]
    for kind in every:
        every += kind.__subclasses__()
    return every


class Stands:
    """As much of a register as an error page asks for."""

    verification = VerificationView()
    settings = Settings()

    def find_now(self) -> dt.datetime:
        return dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def doors() -> Any:
    """Three pages that raise what ``raising`` holds, each with the door's own way of answering an error."""
    raising: list[BaseException] = []

    def failing(path: str, answer: Any) -> Any:
        @get(path, exception_handlers={Exception: answer}, sync_to_thread=False)
        def handler() -> None:
            raise raising[-1]

        return handler

    def api(request: Request[Any, Any, Any], error: Exception) -> Any:
        return problems.make_response(request, error)

    app = Litestar(
        [
            failing("/api", api),
            failing("/staff", staff_errors.render_error_page),
            failing("/page", responses.render_error_page),
        ],
        state=State({"register": Stands()}),
        logging_config=None,
    )
    with TestClient(app, raise_server_exceptions=False) as client:
        yield raising, client


def raised(kind: type[RegistryError]) -> RegistryError:
    return kind(
        FixedText("中文说明", "the sentence"), **({"retry_after": 7, "rooms": {}} if "many" in kind.code else {})
    )


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.code)
def test_every_kind_has_one_status_at_every_door(doors: Any, kind: type[RegistryError]) -> None:
    raising, client = doors
    error = raised(kind)
    raising.append(error)
    expected = error_status.get_status(error)
    for path in ("/api", "/page", *(() if kind.code in NOTED else ("/staff",))):
        answer = client.get(path)
        assert answer.status_code == expected == errors.STATUSES[kind], path
        for name, value in error_status.make_headers(error).items():
            assert answer.headers[name] == value, (path, name)
        assert (expected == 503) <= ("retry-after" in answer.headers)
    assert staff_errors.error_status is error_status  # type: ignore[attr-defined]
    problem = client.get("/api").json()
    assert problem["code"] == (errors.CannotAnswer.code if kind in error_status.PUBLISHED_CODES else kind.code)
    assert problem.get("cause", problem["code"]) == kind.code


#: Refusals that the workspace writes into its trail, for which a database is needed.
NOTED = {"four_eyes", "not_allowed", "scope_missing", "conflict"}


def test_a_kind_that_is_not_in_the_table_is_answered_as_its_nearest_ancestor() -> None:
    class Unheard(errors.StorageFull, code="unheard"):
        pass

    class Several(errors.NotAllowed, errors.CannotAnswer, code="several"):
        pass

    assert error_status.get_status(Unheard(FixedText(""))) == 503
    assert error_status.make_headers(Unheard(FixedText(""))) == {"Retry-After": "60"}
    assert error_status.get_status(Several(FixedText(""))) == 403  # the first of its ancestors


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage_full"),
        (errno.EDQUOT, "storage_full"),
        (errno.EROFS, "storage_read_only"),
        (errno.EACCES, "storage_read_only"),
    ],
)
def test_an_error_of_the_disk_is_that_of_the_disk_at_every_door(doors: Any, number: int, code: str) -> None:
    raising, client = doors
    raising.append(OSError(number, "x", "/somewhere"))
    assert [client.get(path).status_code for path in ("/api", "/staff", "/page")] == [503] * 3
    assert client.get("/api").json()["code"] == code
    assert "/somewhere" not in client.get("/api").text  # nothing of the inside for strangers


def test_a_fault_of_ours_is_one_line_with_its_code_and_the_unforeseen_a_traceback(
    doors: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising, client = doors
    for path in ("/staff", "/page"):
        for error, line in (
            (errors.LogDamaged(FixedText("日志有误", "x")), "log_damaged"),
            (make_write_busy_error(), "busy"),
        ):
            caplog.clear()
            monkeypatch.setattr(error_status.failures, "_last", {})
            raising.append(error)
            for _ in range(5):
                client.get(path)
            (record,) = caplog.records
            assert line in record.message and path in record.message and record.exc_info is None
    caplog.clear()
    raising.append(ValueError("unforeseen"))
    assert client.get("/page").status_code == 500
    assert any(record.exc_info for record in caplog.records)
    caplog.clear()
    raising.append(errors.NotFound(FixedText("没有", "none")))
    raising.append(HTTPException(status_code=405))
    assert client.get("/page").status_code == 405
    assert caplog.records == []


def test_a_damaged_log_is_not_a_refusal_at_the_desk(doors: Any) -> None:
    raising, client = doors
    raising.append(errors.LogDamaged(FixedText("日志第3条有误：缺少这一条。", "Log entry 3 is wrong: it is missing.")))
    answer = client.get("/staff")
    assert answer.status_code == 500 and "日志第3条有误" in answer.text


def test_a_body_in_another_encoding_is_the_askers_and_no_failure_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    assert error_status.get_status(error) == 400
    error_status.FailureLog().log_error(error, "POST /api/v1/verify")
    assert caplog.records == []
