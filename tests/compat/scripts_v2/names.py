"""Names and numbers."""

import htcondor2

print(list(htcondor2.JobAction), list(htcondor2.SubmitMethod), list(htcondor2.HistorySrc))
print(list(htcondor2.FileTransferEventType), list(htcondor2.CommonFilesEventType))
print(htcondor2.JobStatus.HELD, int(htcondor2.JobEventType.SUBMIT), repr(htcondor2.CredType.OAuth))
print(issubclass(htcondor2.HTCondorException, Exception), htcondor2.AdTypes is htcondor2.AdType)
