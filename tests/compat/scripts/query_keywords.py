"""Query keywords."""

from _common import MINE, description, schedd

schedd().submit(description(), count=2)
print(len(schedd().query(constraint=MINE, projection=["ProcId"], limit=1)))
print(len(schedd().query(constraint=MINE, limit=-1)))
