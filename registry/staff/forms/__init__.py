"""Forms to change the register by hand: what each asks, what is kept of it, what it proposes. No HTTP here."""
