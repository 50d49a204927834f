"""Xquery tag done."""

import warnings

import htcondor
from _common import MINE, description, outcome, schedd

warnings.simplefilter("ignore")
schedd().submit(description(), count=2)
query = schedd().xquery(MINE, ["ProcId"], name="mine")
print(query.tag(), query.done(), iter(query) is query)
print(len(list(query)), query.done(), query.nextAdsNonBlocking())
try:
    next(query)
except StopIteration:
    print("stopped")
outcome(htcondor.QueryIterator)
