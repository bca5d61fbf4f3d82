"""The register that the tests of this folder ask: of the lists as shipped."""

from __future__ import annotations

import pytest

from registry.verification.view import VerificationView
from tests.factories import a_view, the_real_lists


@pytest.fixture(scope="module")
def real_view() -> VerificationView:
    """The verification view of the real lists."""
    database = the_real_lists()
    view = a_view(database)
    database.close()
    return view
