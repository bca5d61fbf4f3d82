"""Pages sent again: only while nothing changed, only what is the same for everybody."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from public_site import page_memory, responses
from registry.domain.identifiers import format_code
from registry.register import Register
from tests.demo_pages import Client, application
from tests.factories import a_change, a_person, enter
from tests.scanning import CODE, IT, follow, make_register

PAGE = f"/i/{format_code(CODE)}"


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    made = make_register(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def new_pages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The address of every page that was made anew."""
    made, render = list[str](), responses.render_page

    def note(context: responses.PageContext, *options: object) -> str:
        made.append(context.here)
        return render(context, *options)  # type: ignore[arg-type]

    monkeypatch.setattr(responses, "render_page", note)
    return made


@pytest.fixture
def client(register: Register, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    at = register.find_now().replace(second=1)
    monkeypatch.setattr(register, "find_now", lambda: at)
    with TestClient(application(register)) as opened:
        yield opened


def test_a_page_is_sent_again_until_the_log_grows_or_time_goes_on(
    client: Client, register: Register, new_pages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again = client.get(PAGE), client.get(PAGE)
    assert first.text == again.text and first.headers["cache-control"] == again.headers["cache-control"]
    assert new_pages == [PAGE]
    client.get(f"{PAGE}?lang=en")
    assert len(new_pages) == 2  # another language is another page
    enter(register.database, a_change(IT, register.verification.find_today(), {"status": "suspended"}))
    assert "已暂停" in client.get(PAGE).text  # the database alone has grown; the view follows later
    follow(register)
    assert "已暂停" in client.get(PAGE).text
    new_pages.clear()
    later = register.find_now() + dt.timedelta(seconds=page_memory.PERIOD)
    monkeypatch.setattr(register, "find_now", lambda: later)
    client.get(PAGE)
    assert new_pages == [PAGE]


def test_people_and_what_is_not_there_are_not_remembered(
    client: Client, register: Register, new_pages: list[str]
) -> None:
    enter(register.database, a_person(IT, "示例员甲"))
    follow(register)
    for path in (PAGE, "/i/7K2M-9QXF", "/q/7K2M-9QXF"):
        new_pages.clear()
        client.get(path)
        client.get(path)
        assert len(new_pages) == 2, path


def test_the_oldest_pages_are_forgotten(client: Client, new_pages: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_memory, "MOST", 2)
    for path in (PAGE, "/", "/overview", PAGE):
        client.get(path)
    assert new_pages == [PAGE, "/", "/overview", PAGE]
