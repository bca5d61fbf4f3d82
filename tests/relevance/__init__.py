"""What people type and which institution they mean: query, expected, category, separated by tabs.

``dev.tsv`` came with the project; ``own.tsv`` has the same kinds, from other institutions and from every province. An
expected name is exactly a ``name`` of the 2025 list; several, separated by ``|``, are equally right. A query for a
place, a technique or a stage lists every institution that fits, those of ``dev.tsv`` included.

Kinds: exact, alias (the name in brackets), former (a name of the 2018 list), short (colloquial: what the printed name
gives or what is known beyond doubt), abbr (characters kept in order), pinyin, initials, mixed (pinyin and Chinese),
typo (one or two characters wrong, missing, extra or swapped), traditional, width, number, address, region, technique
(in everyday words, with a place), category (a sort of hospital, with a place), stage, combined.
"""
