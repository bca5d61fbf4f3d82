"""What all tables share."""

from __future__ import annotations

import sqlalchemy as sa

#: Last day and last entry number of what has no end; no NULL, so that a comparison is one comparison.
FOREVER = "9999-12-31"
STILL_KNOWN = 2**62

metadata = sa.MetaData()
