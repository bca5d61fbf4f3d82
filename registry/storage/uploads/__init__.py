"""Files of strangers: their limits, and how a process of their own reads them into rows of text."""
