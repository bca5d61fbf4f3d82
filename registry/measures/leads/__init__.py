"""Leads: what anybody reports of illegal offers and wrong entries, and what becomes of it; no part of the log."""
