"""The names of the v2 bindings, ``htcondor2`` and ``classad2``, over those of v1."""
