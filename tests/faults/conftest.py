"""What tests of faults share: the PostgreSQL server of this run."""

from __future__ import annotations

from tests.backends.conftest import postgres

__all__ = ["postgres"]
