"""Enums."""

import htcondor

print(
    str(htcondor.JobAction.Hold),
    repr(htcondor.JobAction.Hold),
    f"{htcondor.JobAction.Hold}",
    int(htcondor.JobAction.Hold),
)
print(htcondor.JobAction.Hold == 1, htcondor.JobAction(1) == htcondor.JobAction.Hold, htcondor.JobAction(77))
print(sorted(htcondor.QueryOpts.names), sorted(htcondor.QueryOpts.values))
print(type(htcondor.QueryOpts.AutoCluster | htcondor.QueryOpts.GroupBy).__name__)
print(
    {htcondor.JobEventType.SUBMIT: 1}[htcondor.JobEventType.SUBMIT], htcondor.JobStatus.HELD, list(htcondor.JobStatus)
)
print(htcondor.LogLevel.Always | htcondor.LogLevel.FullDebug, htcondor.JobEventType.values[0])
