"""Submit queue ignored."""

import htcondor
from _common import TAG, schedd

text = f"""
executable = /bin/sleep
arguments = $(Process)
hold = true
My.ScriptTag = "{TAG}"
queue 3
"""
d = htcondor.Submit(text)
print(
    d.getQArgs(),
    schedd().submit(d).num_procs(),
    schedd().submit(d, count=2).num_procs(),
    schedd().submit(d, 0).num_procs(),
)
