"""Transaction edit."""

import warnings

from _common import MINE, description, schedd

warnings.simplefilter("ignore")
s = schedd()
cluster = s.submit(description()).cluster()
with s.transaction():
    s.edit([f"{cluster}.0"], "Foo", "1")
    s.edit([f"{cluster}.0"], "Bar", "2")
print([(ad["Foo"], ad["Bar"]) for ad in s.query(MINE)])
try:
    with s.transaction():
        s.edit([f"{cluster}.0"], "Foo", "99")
        raise ValueError
except ValueError:
    pass
print([ad["Foo"] for ad in s.query(MINE)])
