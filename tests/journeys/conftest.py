"""A published log that others watch and copy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk import Staff
from tests.published import SIZE, Origin, Static, an_origin, serving_folder


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a register of SIZE entries: made once, to be copied."""
    return an_origin(tmp_path_factory.mktemp("origin") / "var", SIZE).data_dir


@pytest.fixture
def origin(made: Path, tmp_path: Path) -> Origin:
    return Origin(Path(shutil.copytree(made, tmp_path / "origin")))


@pytest.fixture
def served(origin: Origin) -> Iterator[Static]:
    with serving_folder(origin.log.folder.path) as server:
        yield server


@pytest.fixture
def arrive() -> Iterator[Callable[..., Staff]]:
    """Brings people of the staff to a server, each with a browser that is closed at the end: arrive(server, name)."""
    there: list[Staff] = []

    def come(*told: Any, **more: Any) -> Staff:
        there.append(Staff(*told, **more))
        return there[-1]

    yield come
    for one in there:
        one.client.close()
