"""Backup and restore: one checked file that holds what may not be lost, and the way back that never forks the log."""
