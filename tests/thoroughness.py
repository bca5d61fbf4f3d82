"""How many examples a property is shown by: REGISTRY_TESTS_THOROUGH=1 tries them all, an ordinary run a third."""

from __future__ import annotations

import os

THOROUGH = os.environ.get("REGISTRY_TESTS_THOROUGH") == "1"


def count_examples(all_of_them: int) -> int:
    """Examples of this run; every run draws others."""
    return all_of_them if THOROUGH else max(8, all_of_them // 3)


def count_moments(all_of_them: int) -> int:
    """Moments of this run at which something is killed, spread over the whole time that it takes."""
    return all_of_them if THOROUGH else all_of_them // 2
