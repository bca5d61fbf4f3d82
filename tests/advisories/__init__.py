"""Known weaknesses of the packages that the lock files pin: looked up in a list that lies here, and asked for anew.

`make lint` runs it. `snapshot.json` holds every advisory of the PyPA's advisory database (`pypa/advisory-database`,
CC BY 4.0) about any package, shortened to names and versions, as of the day it says. It grows old: where `pip-audit`
is installed and can ask its service, that is asked too, and where it cannot, that is said and nothing is claimed.
"""
