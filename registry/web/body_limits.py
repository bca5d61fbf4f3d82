"""How many bytes the body of a request may have, by what it holds: stated at each route that takes more than SMALL.

More is 413: before anything is read where Content-Length says so, else as soon as it has come.
"""

#: Of a form with some fields, or a document of some values: what holds everywhere else.
SMALL = 64 * 1024
#: Of a claim with the longest text of an advertisement, escaped; or a form with a page of decisions.
TEXT = 256 * 1024
#: Of the longest receipt, or a list of questions that is answered as a whole.
LIST = 2 * 1024 * 1024
