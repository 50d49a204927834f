"""What the scripts share."""

import os

import classad
import htcondor

TAG = os.environ["SCRIPT_TAG"]
MINE = f'ScriptTag == "{TAG}"'


def schedd():
    return htcondor.Schedd(location())


def location():
    return htcondor.Collector().locate(htcondor.DaemonTypes.Schedd, os.environ["SCRIPT_SCHEDD"])


def description(**commands):
    every = {
        "executable": "/bin/sleep",
        "arguments": "300",
        "hold": "true",
        "My.ScriptTag": classad.quote(TAG),
        **commands,
    }
    return htcondor.Submit({key.replace("__", "."): str(value) for key, value in every.items()})


def outcome(function, *args, **kwargs):
    """Call, and print the result or what kind of v1's errors came."""
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        names = {"TypeError", "KeyError", "RuntimeError", "ValueError", "OSError", "NotImplementedError"}
        print(
            "raised",
            sorted(
                base.__name__
                for base in type(error).__mro__
                if base.__name__ in names or base.__name__.startswith("HTCondor")
            ),
        )
    else:
        print(show(result))


def show(value):
    if isinstance(value, classad.ClassAd):
        return {name: show(value[name]) for name in sorted(value.keys())}
    if isinstance(value, list):
        return [show(item) for item in value]
    return value if isinstance(value, (int, float, str, bool, type(None), dict, tuple)) else str(value)
