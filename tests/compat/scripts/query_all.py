"""Query all."""

from _common import MINE, description, schedd

schedd().submit(description(), count=3)
ads = schedd().query(MINE)
print(len(ads), sorted(ad["ProcId"] for ad in ads))
print(sorted({ad["JobStatus"] for ad in ads}), ads[0]["Cmd"], ads[0]["Owner"])
