"""The fictional 示例 city as a register, and the citizens' pages that serve it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import TestClient

from public_site import pages, responses
from registry.importers.seed import loader
from registry.register import Register
from registry.settings import Settings
from tests.factories import a_database, enter

Client = TestClient[Litestar]


@contextmanager
def open_demo_register(settings: Settings) -> Iterator[Register]:
    """A register that holds the demonstration data, recorded now."""
    database = a_database(settings.data_dir)
    enter(database, *loader.read_demo_drafts(loader.SEED_DATA / "demo" / "demo.toml"))
    database.close()
    with Register(settings) as register:
        yield register


def application(register: Register) -> Litestar:
    """The pages alone, without the server around them."""
    return Litestar(
        [pages.router],
        state=State({"register": register}),
        exception_handlers={Exception: responses.render_error_page},
        logging_config=None,
    )
