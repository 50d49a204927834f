"""One measurement of benchmarks/job_queue.py, ours or with the bindings of version 1; prints one line of JSON."""

import sys

sys.path.pop(0)  # names of scripts beside this one are those of modules

import json
import os
import resource
import tempfile
import time

SIDE, SCENARIO, NUMBER, ADDRESS, TOKENS, CLUSTER = sys.argv[1:]
NUMBER, CLUSTER = int(NUMBER), int(CLUSTER)
SECURITY = {
    "SEC_CLIENT_AUTHENTICATION": "REQUIRED",
    "SEC_CLIENT_ENCRYPTION": "REQUIRED",
    "SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
    "SEC_TOKEN_DIRECTORY": TOKENS,
}
JOB = {"Cmd": "/bin/sleep", "Args": "1", "Iwd": "/tmp", "Requirements": False}
MIB = 1 << 20


def now():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime


class Version1:
    """The bindings."""

    def __init__(self):
        import classad
        import htcondor

        self.htcondor, self.classad = htcondor, classad
        for name, value in SECURITY.items():
            htcondor.param[name] = value
        location = classad.ClassAd()
        location["MyAddress"], location["Name"] = ADDRESS, "bench"
        location["CondorVersion"] = "$CondorVersion: 25.14.1 2026-10-16 $"
        self.schedd = htcondor.Schedd(location)

    def ad(self, values):
        return self.classad.ClassAd(values)

    def submit(self, number):
        procs = ((self.ad({"Args": str(proc)}), 1) for proc in range(number))
        return self.schedd.submitMany(self.ad(JOB), procs)

    def edit(self, cluster, number):
        with self.schedd.transaction():
            for proc in range(number):
                self.schedd.edit([f"{cluster}.{proc}"], "Mark", str(proc))

    def edit_same(self, cluster, number):
        self.schedd.edit([f"{cluster}.{proc}" for proc in range(number)], "Mark", "7")

    def act(self, cluster):
        self.schedd.act(self.htcondor.JobAction.Hold, f"ClusterId == {cluster}")

    def history(self, number):
        return sum(1 for _ in self.schedd.history("true", ["ClusterId", "ProcId"], number))

    def submit_spooled(self, job):
        ads = []
        self.schedd.submit(self.ad(job), 1, True, ads)
        return ads

    def spool(self, ads):
        self.schedd.spool(ads)

    def warm_up(self):
        self.schedd.reschedule()
        for _ in self.schedd.history("true", ["ProcId"], 1):
            pass

    def remove(self, cluster):
        self.schedd.act(self.htcondor.JobAction.Remove, f"ClusterId == {cluster}")


class Ours:
    """This package, called or awaited."""

    def __init__(self):
        import asyncio

        from htcondor_async import Client, JobAction, Schedd
        from htcondor_async._runtime.blocking import BlockingRuntime, drive

        self.actions = JobAction
        runtime = BlockingRuntime() if SIDE == "blocking" else None
        self.schedd = Schedd(ADDRESS, client=Client(SECURITY, runtime=runtime))
        self.loop = asyncio.new_event_loop()
        self.do = drive if runtime is not None else self.loop.run_until_complete

    def submit(self, number):
        procs = (({"Args": str(proc)}, 1) for proc in range(number))
        return int(self.do(self.schedd.submit_many(JOB, procs)))

    def edit(self, cluster, number):
        self.do(self.schedd.edit_multiple(([(cluster, proc)], {"Mark": proc}) for proc in range(number)))

    def edit_same(self, cluster, number):
        self.do(self.schedd.edit([f"{cluster}.{proc}" for proc in range(number)], "Mark", "7"))

    def act(self, cluster):
        self.do(self.schedd.act(self.actions.Hold, f"ClusterId == {cluster}"))

    def history(self, number):
        return len(self.do(self.schedd.history("true", ["ClusterId", "ProcId"], number).collect()))

    def submit_spooled(self, job):
        return self.do(self.schedd.submit(job, spool=True))

    def spool(self, result):
        self.do(self.schedd.spool(result))

    def warm_up(self):
        self.do(self.schedd.reschedule())
        self.do(self.schedd.history("true", ["ProcId"], 1).collect())

    def remove(self, cluster):
        self.do(self.schedd.act(self.actions.Remove, f"ClusterId == {cluster}"))


def spool_job(folder):
    """Make the files of a job: NUMBER small ones, or for "large" one of NUMBER MiB."""
    if SCENARIO == "spool_large":
        with open(f"{folder}/large", "wb") as file:
            for _ in range(NUMBER):
                file.write(os.urandom(MIB))
    else:
        for number in range(NUMBER):
            with open(f"{folder}/{number}", "wb") as file:
                file.write(os.urandom(2000))
    os.chmod(folder, 0o755)
    return {**JOB, "Iwd": folder, "TransferInput": ",".join(sorted(os.listdir(folder))), "TransferExecutable": False}


def main():
    side = Version1() if SIDE == "v1" else Ours()
    if SCENARIO == "make":
        print(json.dumps({"cluster": side.submit(NUMBER)}))
    elif SCENARIO == "remove":
        side.remove(CLUSTER)
    else:
        measure(side)


def measure(side):
    cluster = None
    with tempfile.TemporaryDirectory() as folder:
        prepared = None
        side.warm_up()  # sessions are negotiated, modules loaded
        if SCENARIO == "act":
            cluster = side.submit(NUMBER)
        elif SCENARIO.startswith("spool"):
            prepared = side.submit_spooled(spool_job(folder))
        began = now()
        if SCENARIO == "submit":
            cluster = side.submit(NUMBER)
        elif SCENARIO == "edit":
            side.edit(CLUSTER, NUMBER)
        elif SCENARIO == "edit_same":
            side.edit_same(CLUSTER, NUMBER)
        elif SCENARIO == "act":
            side.act(cluster)
        elif SCENARIO == "history":
            assert side.history(NUMBER) == NUMBER
        else:
            side.spool(prepared)
        ended = now()
    if SCENARIO.startswith("spool"):
        cluster = prepared[0]["ClusterId"] if SIDE == "v1" else prepared.cluster()
    if cluster is not None:
        side.remove(cluster)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"wall": ended[0] - began[0], "cpu": ended[1] - began[1], "peak_mb": peak}))


if __name__ == "__main__":
    main()
