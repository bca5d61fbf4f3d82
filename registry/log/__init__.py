"""The log: append-only entries, their canonical bytes and hashes. Everything else is a view of it."""
