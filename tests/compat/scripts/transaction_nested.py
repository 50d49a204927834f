"""Transaction nested."""

import warnings

from _common import description, outcome, schedd

warnings.simplefilter("ignore")
s = schedd()
with s.transaction() as txn:
    outcome(s.transaction)
    with s.transaction(0, True):
        description().queue(txn, 1)
outcome(lambda: description().queue(txn, 1))
outcome(lambda: description().queue(None, 1))
