"""Notices: subscribers hear of the changes they watch, by web hook, Atom or mail."""
