"""The records view: the content of the entries about one subject, as of (valid_on, known_at)."""
