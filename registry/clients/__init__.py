"""Programs that ask: their API keys, how much they may ask, what they asked, and what they watch."""
