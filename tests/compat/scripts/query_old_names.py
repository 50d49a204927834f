"""Query old names."""

import warnings

from _common import MINE, description, schedd

schedd().submit(description())
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    ads = schedd().query(requirements=MINE, attr_list=["ProcId"])
print(len(ads), sorted(w.category.__name__ for w in caught))
