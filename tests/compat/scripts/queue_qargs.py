"""Queue qargs."""

import warnings

import htcondor
from _common import TAG, outcome, schedd

warnings.simplefilter("ignore")
d = htcondor.Submit(f'executable = /bin/sleep\nhold = true\nMy.ScriptTag = "{TAG}"\nqueue 2\n')
s = schedd()  # v1 loses a transaction together with its schedd
with s.transaction() as txn:
    print(d.queue(txn) > 0)
with s.transaction() as txn:
    outcome(lambda: d.queue(txn, 3))
d.setQArgs("3")
print(d.getQArgs())
