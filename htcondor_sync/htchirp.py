"""v1's ``htcondor.htchirp``: the package ``htchirp``, where that is installed."""

from __future__ import annotations

try:
    from htchirp import HTChirp, condor_chirp  # type: ignore[import-not-found, unused-ignore]  # not a dependency
except ImportError as error:
    raise ImportError("htcondor.htchirp needs the package htchirp: pip install htchirp", name="htchirp") from error

__all__ = ["HTChirp", "condor_chirp"]
