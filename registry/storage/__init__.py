"""How the register's own files lie on disk."""
