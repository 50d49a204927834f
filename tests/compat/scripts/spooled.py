"""Spooled."""

import os
import tempfile

import htcondor
from _common import MINE, TAG, schedd, show

folder = tempfile.mkdtemp()
with open(os.path.join(folder, "in.txt"), "w") as file:
    file.write("input")
d = htcondor.Submit(
    {
        "executable": "/bin/sleep",
        "arguments": "0",
        "initialdir": folder,
        "transfer_executable": "false",
        "transfer_input_files": "in.txt",
        "should_transfer_files": "yes",
        "requirements": "false",
        "My.ScriptTag": f'"{TAG}"',
    }
)
result = schedd().submit(d, spool=True)
print([(ad["JobStatus"], ad["HoldReasonCode"]) for ad in schedd().query(MINE)])
jobs = list(d.jobs(clusterid=result.cluster()))
schedd().spool(jobs)
print([ad["JobStatus"] for ad in schedd().query(MINE)], show(len(jobs)))
