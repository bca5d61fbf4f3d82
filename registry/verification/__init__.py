"""Verification: was this provider licensed for these techniques, there, on that day? Answers with their basis."""
