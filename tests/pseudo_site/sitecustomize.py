"""Read by Python as it starts where this folder is on its path: the English of the process stands in brackets."""

from tests.pseudo_texts import speak_in_brackets

speak_in_brackets()
