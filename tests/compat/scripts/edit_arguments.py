"""Edit arguments."""

from _common import outcome, schedd

s = schedd()
outcome(s.edit, ["x"], "Foo", "1")
outcome(s.edit, "false", "Foo", 1.5)
outcome(s.edit, "false", 5, "1")
outcome(s.edit, "false")
