"""Transaction deprecated."""

import warnings

from _common import description, schedd

s = schedd()  # v1 loses a transaction together with its schedd
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    with s.transaction() as txn:
        description().queue(txn, 1)
print(sorted({w.category.__name__ for w in caught}))
