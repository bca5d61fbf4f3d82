"""Lists of the workspace: one mechanism (``listing``) and, a module each, what the lists show."""
