"""The departments: who is to be reached there, what their programs may do, what the register gives to each."""
