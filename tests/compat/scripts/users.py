"""Users."""

from _common import description, outcome, schedd

schedd().submit(description())
users = schedd().query_users()
print(sorted(ad["User"] for ad in users if ad["User"] == "alice@testpool"))
outcome(schedd().query_users, "(")
