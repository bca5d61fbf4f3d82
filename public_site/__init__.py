"""The citizens' door: pages that only read."""
