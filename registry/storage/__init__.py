"""The register's own data: the database and the files on disk."""
