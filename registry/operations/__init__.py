"""What keeps a running register running: whether it is well, its threads, and what it takes of the machine."""
