"""One side of benchmarks/classad.py: ``_classad_child.py SIDE`` prints the seconds of each operation as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

DATA = Path(__file__).resolve().parent / "data"
FIVE = ("ClusterId", "ProcId", "Owner", "JobStatus", "RequestMemory")
JOBS, SLOTS, ROUNDS = 400, 5000, 5
EXPRESSION = (
    '(TARGET.Arch == "X86_64") && (TARGET.Memory >= {0}) && (member("{0}", {{"a", "b", TARGET.Machine}}) || '
    'ifThenElse(isUndefined(MY.Limit), {0} * 2 > Cpus, -1 < {0}.5)) && (Owner =?= "user{0}")'
)


class Side:
    """The operations in the spelling of one module."""

    def __init__(self, name: str) -> None:
        if name == "async":
            import htcondor_async.classad as module

            self.parse = module.ClassAd.parse_old
            self.match = "symmetric_match"
            self.in_match = lambda expr, ad, target: expr.eval(ad, target)
        else:
            if name == "sync":
                import htcondor_sync.classad as module
            elif name == "v1":
                import warnings

                warnings.simplefilter("ignore")
                import classad as module
                import htcondor

                assert htcondor
            else:
                import classad2 as module
                import htcondor2

                assert htcondor2
            self.parse = lambda text: module.parseOne(text, old)
            old = module.Parser.Old if name != "v2" else module.ParserType.Old
            self.match = "symmetricMatch"
            self.in_match = lambda expr, ad, target: expr.simplify(ad, target)
        self.expression = module.ExprTree


def jobs_of(lines: list[str], salt: int) -> list[str]:
    """Return the texts of jobs that differ in what jobs of a queue differ in."""
    texts = []
    for number in range(salt * JOBS, (salt + 1) * JOBS):
        own = {
            "ClusterId": f"{1000 + number // 50}",
            "ProcId": f"{number}",
            "QDate": f"{1795500189 + number}",
            "GlobalJobId": f'"submit.example.org#{number}.0#{1795500189 + number}"',
            "Args": f'"--run {number} --seed {number * 7919}"',
            "Out": f'"out/{number}.txt"',
            "Err": f'"err/{number}.txt"',
            "EnteredCurrentStatus": f"{1795500189 + number * 3}",
            "RemoteWallClockTime": f"{number * 1.5}",
            "RemoteUserCpu": f"{number * 1.25}",
            "DAGNodeName": f'"analyse_{number:06d}"',
            "ResidentSetSize": f"{800000 + number}",
            "RemoteHost": f'"slot1_{number % 64}@node{number:03d}.example.org"',
        }
        texts.append("\n".join(f"{n} = {own.get(n, v)}" for n, _, v in (line.partition(" = ") for line in lines)))
    return texts


def slots_of(lines: list[str]) -> list[str]:
    """Return the texts of slots of different sizes."""
    texts = []
    for number in range(SLOTS):
        own = {
            "Name": f'"slot1@node{number:04d}.example.org"',
            "Machine": f'"node{number:04d}.example.org"',
            "Memory": f"{64 << number % 8}",
            "Cpus": f"{1 + number % 16}",
            "KeyboardIdle": f"{number}",
            "Disk": f"{900_000 + 100 * number}",
        }
        texts.append("\n".join(f"{n} = {own.get(n, v)}" for n, _, v in (line.partition(" = ") for line in lines)))
    return texts


def timed(run: Callable[[], Any], count: int) -> float:
    start = time.process_time()  # nothing here waits: other programs on the machine are not to count
    run()
    return (time.process_time() - start) / count


def main(name: str) -> dict[str, float]:
    side = Side(name)
    job_lines = (DATA / "job.ad").read_text().splitlines()
    slot_lines = (DATA / "slot.ad").read_text().splitlines()
    found: dict[str, list[float]] = {}

    def note(what: str, run: Callable[[], Any], count: int) -> None:
        found.setdefault(what, []).append(timed(run, count))

    def five(texts: list[str]) -> None:
        for text in texts:
            ad = side.parse(text)
            for attribute in FIVE:
                ad[attribute]

    def everything(texts: list[str]) -> None:
        for text in texts:
            list(side.parse(text).items())

    def expressions(numbers: range) -> None:
        for number in numbers:
            side.expression(EXPRESSION.format(number))

    slots = [side.parse(text) for text in slots_of(slot_lines)]
    job = side.parse(jobs_of(job_lines, 99)[0])
    requirements = job.lookup("Requirements")
    match = getattr(job, side.match)
    note("first match of 5000 slots, each", lambda: [match(slot) for slot in slots], SLOTS)
    some = slots[:1000]
    for salt in range(ROUNDS):
        first, second = jobs_of(job_lines, 2 * salt), jobs_of(job_lines, 2 * salt + 1)
        numbers = range(salt * 1000, salt * 1000 + 1000)
        ad = side.parse(jobs_of(job_lines, 50 + salt)[0])
        names = list(ad)
        note("job ad, 5 attributes", partial(five, first), JOBS)
        note("job ad, all attributes", partial(everything, second), JOBS)
        note("new expression", partial(expressions, numbers), 1000)
        note("Requirements", lambda: [side.in_match(requirements, job, slot) for slot in some], 1000)
        note("match of 5000 slots, each", lambda: [match(slot) for slot in slots], SLOTS)
        note("get", lambda ad=ad, names=names: [ad[name] for _ in range(50) for name in names], 50 * len(names))
        note("set", lambda ad=ad: [ad.__setitem__("JobPrio", number) for number in range(5000)], 5000)
        note("set text", lambda ad=ad: [ad.__setitem__("Comment", "abc") for _ in range(5000)], 5000)
        note("names", lambda ad=ad: [list(ad) for _ in range(200)], 200)
        note("items", lambda ad=ad: [list(ad.items()) for _ in range(100)], 100)
        note("str", lambda ad=ad: [str(ad) for _ in range(50)], 50)
    return {what: min(times) for what, times in found.items()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
