"""Transaction aborts."""

import warnings

from _common import MINE, description, schedd

warnings.simplefilter("ignore")
s = schedd()
try:
    with s.transaction() as txn:
        description().queue(txn, 2)
        raise KeyError("no")
except KeyError:
    print("aborted")
print(s.query(MINE))
