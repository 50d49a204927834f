"""Exceptions."""

import htcondor

for name in sorted(n for n in dir(htcondor) if n.startswith("HTCondor")):
    error = getattr(htcondor, name)
    built_in = sorted(base.__name__ for base in error.__mro__ if base.__module__ == "builtins")
    print(name, built_in, issubclass(error, htcondor.HTCondorException))
