"""Ad results."""

import warnings

from _common import description, schedd

warnings.simplefilter("ignore")
kept = []
s = schedd()  # v1 loses a transaction together with its schedd
with s.transaction() as txn:
    cluster = description().queue(txn, 2, kept)
print([(ad["ProcId"], ad["ClusterId"] == cluster, ad["Cmd"]) for ad in kept])
