"""Xquery iterates."""

import warnings

from _common import MINE, description, schedd

warnings.simplefilter("ignore")
schedd().submit(description(), count=4)
found = [ad["ProcId"] for ad in schedd().xquery(MINE, ["ProcId"])]
print(sorted(found))
