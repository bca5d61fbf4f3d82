"""Limits, in bytes, of the bodies of requests: each route that takes more than SMALL names one.

A larger body is 413: before anything is read where Content-Length is too large, otherwise as soon as it is exceeded.
"""

#: A form of a few fields, a small document: the limit of every other route.
SMALL = 64 * 1024
#: A claim with the longest text of an advertisement, escaped; a form with a page of decisions.
TEXT = 256 * 1024
#: A report with its pictures.
PICTURES = 36 * 1024 * 1024
#: The longest receipt; a list of questions that is answered as a whole.
LIST = 2 * 1024 * 1024
