"""What the programs share."""

import os

import classad2
import htcondor2

TAG = os.environ["SCRIPT_TAG"]
MINE = f'ScriptTag == "{TAG}"'


def location():
    return htcondor2.Collector().locate(htcondor2.DaemonType.Schedd, os.environ["SCRIPT_SCHEDD"])


def schedd():
    return htcondor2.Schedd(location())


def description(**commands):
    every = {"executable": "/bin/sleep", "arguments": "300", "hold": "true", "My.ScriptTag": f'"{TAG}"', **commands}
    return htcondor2.Submit(every)


def outcome(function, *args, **kwargs):
    """Call, and print the result or what came: v2 has one class of errors of its own, where ours have finer ones."""
    try:
        result = function(*args, **kwargs)
    except htcondor2.HTCondorException:
        print("raised HTCondorException")
    except Exception as error:
        print("raised", type(error).__name__)
    else:
        print(show(result))


def show(value):
    if isinstance(value, classad2.ClassAd):
        return {name: show(value[name]) for name in sorted(value.keys())}
    if isinstance(value, list):
        return [show(item) for item in value]
    return value if isinstance(value, (int, float, str, bool, type(None), dict, tuple)) else str(value)
