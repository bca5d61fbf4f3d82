"""What a QR code says of an institution, signed: credentials in the log, tokens, status lists, verifier, placards."""
