"""Lists of the workspace: one mechanism (``list_page``) and, a module each, what the lists show."""
