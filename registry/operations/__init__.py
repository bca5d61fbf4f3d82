"""What keeps a running register running: its threads, and what it takes of the machine."""
