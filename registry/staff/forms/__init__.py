"""Forms to change the register by hand: their fields, checks, drafts, and the proposals they make. No HTTP here."""
