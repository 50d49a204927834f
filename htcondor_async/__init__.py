"""Asyncio-native client for HTCondor, in pure Python."""

from htcondor_async._version import __version__

__all__ = ["__version__"]
