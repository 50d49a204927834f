"""Query callback raises."""

from _common import MINE, description, outcome, schedd

schedd().submit(description())


def bad(ad):
    raise KeyError("mine")


outcome(schedd().query, MINE, ["ProcId"], bad)
