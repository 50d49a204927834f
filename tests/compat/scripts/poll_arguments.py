"""Poll arguments."""

import htcondor
from _common import outcome

outcome(htcondor.poll, 5)
print(list(htcondor.poll([])), list(htcondor.poll([], 10)))
outcome(htcondor.BulkQueryIterator)
