"""Xquery deprecated."""

import warnings

from _common import schedd

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    list(schedd().xquery("false"))
print([w.category.__name__ for w in caught])
