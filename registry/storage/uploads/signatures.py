"""The first bytes by which kinds of files are told apart, whatever their names."""

ZIP, EMPTY_ZIP = b"PK\x03\x04", b"PK\x05\x06"
#: The old formats of Office, and new ones with a password.
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"RIFF")
MARKUP = (b"{\\rtf", b"<html", b"<!doctype", b"<?xml")
