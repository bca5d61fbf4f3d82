"""Files of strangers: what is accepted of them, and how they are read into rows of text by a process of their own."""
