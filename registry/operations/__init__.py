"""Operation of a running register: its health, faults and threads, backups, mirrors, and resources of the machine."""
