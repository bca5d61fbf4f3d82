"""`python -m tests.advisories [LOCK]...`: exits 1 when a lock file pins a version with a known weakness.

`--refresh CHECKOUT` makes the list anew from a git checkout of `pypa/advisory-database`.
"""

from __future__ import annotations

import sys

from tests.advisories.audit import main

sys.exit(main(sys.argv[1:]))
