"""The official list, frozen: what a published edition is, its files in every format, their checksums and signature.

An edition is an entry of the log. Its files are made from the records as of its day and log size, the same bytes each
time, and are kept in a folder that may be lost.
"""
