"""The campaign's measures around the list: what departments ask of the register, and hear from it."""
