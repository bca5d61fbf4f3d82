"""Leads in the workspace: their list, one of them with its history, and the steps that may be taken with it."""
