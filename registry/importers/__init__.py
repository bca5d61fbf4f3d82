"""The importers of the register."""
