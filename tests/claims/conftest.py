"""The register that claims are judged against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry.verification.view import VerificationView
from tests.factories import a_view, the_real_lists


@pytest.fixture(scope="module")
def view() -> Iterator[VerificationView]:
    database = the_real_lists()
    view = a_view(database)
    database.close()
    yield view
