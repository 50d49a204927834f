"""Queue with itemdata."""

import warnings

from _common import MINE, description, schedd

warnings.simplefilter("ignore")
s = schedd()  # v1 loses a transaction together with its schedd
with s.transaction() as txn:
    result = description(arguments="$(Item)").queue_with_itemdata(txn, 1, iter(["a", "b"]))
print(result.num_procs(), result.first_proc(), sorted(ad["Args"] for ad in schedd().query(MINE)))
