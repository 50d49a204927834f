"""One measurement of benchmarks/query.py with htcondor_async; prints one line of JSON."""

from __future__ import annotations

import asyncio
import json
import resource
import struct
import sys
import time
from typing import Any

PROJECTION = ["ClusterId", "ProcId", "Owner", "JobStatus"]
SECURITY = {
    "SEC_CLIENT_AUTHENTICATION": "REQUIRED",
    "SEC_CLIENT_ENCRYPTION": "REQUIRED",
    "SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def drain(schedd: Any, scenario: str) -> int:
    count = 0
    projection = PROJECTION if scenario in ("projected", "eight") else None
    async with schedd.xquery(projection=projection) as stream:
        async for ad in stream:
            count += 1
            if scenario == "all":
                for _ in ad.values():
                    pass
            else:
                ad["ClusterId"]
                ad["ProcId"]
            if scenario == "first":
                return count
    return count


async def heartbeat(gaps: list[float]) -> None:
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        gaps.append(now - last - 0.001)
        last = now


async def ours(schedd: Any, scenario: str) -> dict[str, float]:
    gaps: list[float] = []
    beat = asyncio.create_task(heartbeat(gaps))
    await asyncio.sleep(0.01)
    gaps.clear()
    started = time.perf_counter()
    if scenario == "eight":
        counts = await asyncio.gather(*(drain(schedd, scenario) for _ in range(8)))
        count = sum(counts)
    else:
        count = await drain(schedd, scenario)
    wall = time.perf_counter() - started
    beat.cancel()
    return {"wall": wall, "ads": count, "stall": max(gaps, default=0.0)}


def bare(client: Any, address: str) -> dict[str, float]:
    """Split frames and decrypt, nothing else: the floor for any reader in Python."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from htcondor_async._cedar.commands import Command
    from htcondor_async._cedar.sinful import Sinful
    from htcondor_async._core.command import open_command
    from htcondor_async._core.context import Target
    from htcondor_async._dialogues.jobs import JobQuery
    from htcondor_async._runtime.blocking import drive

    context = client._context()
    target = Target(Sinful.parse(address), "schedd")
    started = time.perf_counter()
    channel = drive(open_command(context, target, Command.QUERY_JOB_ADS, float("inf")))
    drive(channel.send(channel.writer().ad(JobQuery().ad()).getvalue(), float("inf")))
    opener = channel.cedar._opener
    decrypt = AESGCM(channel.session.key.reveal()).decrypt
    first, rest, counter = opener._base, opener._tail, opener._counter
    receive = channel.stream.receive
    buffer, position, messages, size = b"", 0, 0, 0
    while True:
        data = drive(receive(256 * 1024, float("inf")))
        if not data:
            break
        buffer, position = buffer[position:] + data, 0
        while len(buffer) - position >= 5:
            end, length = buffer[position], int.from_bytes(buffer[position + 1 : position + 5], "big")
            stop = position + 5 + length
            if stop > len(buffer):
                break
            nonce = struct.pack(">I", (first + counter) & 0xFFFFFFFF) + rest
            size += len(decrypt(nonce, buffer[position + 5 : stop], buffer[position : position + 5]))
            messages += end != 0
            counter += 1
            position = stop
    return {"wall": time.perf_counter() - started, "ads": messages - 1, "bytes": size}


def main() -> None:
    side, scenario, address, tokens = sys.argv[1:5]
    from htcondor_async import Client, Schedd

    config = dict(SECURITY, SEC_TOKEN_DIRECTORY=tokens)
    before = peak_mb()
    if side == "async":
        result = asyncio.run(ours(Schedd(address, client=Client(config)), scenario))
    else:
        from htcondor_async._runtime.blocking import BlockingRuntime, drive

        client = Client(config, runtime=BlockingRuntime())
        if side == "bare":
            result = bare(client, address)
        else:
            started = time.perf_counter()
            count = drive(drain(Schedd(address, client=client), scenario))
            result = {"wall": time.perf_counter() - started, "ads": count}
    used = resource.getrusage(resource.RUSAGE_SELF)
    result["cpu"] = used.ru_utime + used.ru_stime
    result["peak_mb"] = peak_mb() - before
    print(json.dumps(result))


if __name__ == "__main__":
    main()
