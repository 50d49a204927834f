"""Xquery bad constraint."""

import warnings

from _common import outcome, schedd

warnings.simplefilter("ignore")
outcome(schedd().xquery, "(")
