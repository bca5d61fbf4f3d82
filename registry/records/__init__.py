"""The records view: what the entries say about one subject, as of (valid_on, known_at)."""
