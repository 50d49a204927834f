"""The blocking HTCondor v1 API (``htcondor`` and ``classad``) on the core of :mod:`htcondor_async`."""
