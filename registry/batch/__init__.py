"""Files of claims, one a row, in csv, ndjson or xlsx: read as a stream, and written again with the answers."""
