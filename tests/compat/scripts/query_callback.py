"""Query callback."""

from _common import MINE, description, schedd

schedd().submit(description(), count=3)
seen = []
print(len(schedd().query(MINE, ["ProcId"], lambda ad: seen.append(ad["ProcId"]))), sorted(seen))
print(len(schedd().query(MINE, ["ProcId"], lambda ad: ad)))
print(len(schedd().query(MINE, ["ProcId"], lambda ad: ad if ad["ProcId"] else None)))
