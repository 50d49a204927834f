"""Retrieve nothing."""

from _common import outcome, schedd

outcome(schedd().retrieve, "false")
outcome(schedd().retrieve, 5)
