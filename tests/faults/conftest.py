"""The databases the register runs on, as the other tests have them."""

from __future__ import annotations

from tests.backends.conftest import database, postgres, seeded

__all__ = ["database", "postgres", "seeded"]
