"""What tests of faults share: the two databases, and a register in which something breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.backends.conftest import BACKENDS, Postgres, database, postgres
from tests.broken import Broken

__all__ = ["database", "postgres"]


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Gives the address of a database with the people in it, on each backend; empty for the file of SQLite."""
    if request.param == "sqlite":
        return lambda: ""

    def fresh() -> str:
        server: Postgres = request.getfixturevalue("postgres")
        found = server.fresh()
        found.close()
        return found.url.render_as_string(hide_password=False)

    return fresh


@pytest.fixture
def broken(backend: Callable[[], str], tmp_path: Path) -> Iterator[Callable[..., Broken]]:
    """Makes a register with a proposal that waits, on each backend: ``broken(data_dir=..., **settings)``."""
    with ExitStack() as stack:
        yield lambda data_dir=tmp_path / "var", **settings: stack.enter_context(Broken(data_dir, backend(), **settings))
