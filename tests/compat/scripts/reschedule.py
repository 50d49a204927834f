"""Reschedule."""

from _common import outcome, schedd

outcome(schedd().reschedule)
outcome(schedd().reschedule, 1)
