"""Limits, in bytes, of the bodies of requests: each route that takes more than SMALL names one.

A larger body is 413: before anything is read where Content-Length is too large, otherwise as soon as it is exceeded.
"""

#: A form of a few fields, a small document: the limit of every other route.
SMALL = 64 * 1024
#: A claim with the longest text of an advertisement, escaped; a form with a page of decisions.
TEXT = 256 * 1024
#: A report with its pictures: of a form also those that are too large, so that it can come back filled in; of JSON,
#: which is held in memory, four of ordinary size.
PICTURES, PICTURES_JSON = 64 * 1024 * 1024, 16 * 1024 * 1024
#: The longest receipt; a list of questions that is answered as a whole.
LIST = 2 * 1024 * 1024
