"""How fast ads come out of a stream of bytes, against a bare reader that only splits and decrypts.

Nothing here touches a socket: the bytes are fed in pieces, as a socket would give them. Prints one JSON
object; times are of the processor, not of the clock.

    python benchmarks/cedar_stream.py [--ads 20000] [--chunk 131072]
"""

from __future__ import annotations

import argparse
import json
import struct
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from htcondor_async._cedar.ads import AdDecoder, Framing
from htcondor_async._cedar.connection import CedarConnection
from htcondor_async._cedar.values import Writer
from htcondor_async._secret import Secret

KEY = Secret(bytes(range(32)))
#: Bytes of plaintext in the frames HTCondor sends.
FRAME = 4091


def job(number: int) -> dict[str, str]:
    """An ad like a schedd's: 130 attributes, about 7 KB."""
    ad = {f"JobAttribute{i}": f'"{"value of it " * (i % 7)}{number + i}"' for i in range(90)}
    ad.update({f"JobCounter{i}": str(number * i) for i in range(38)})
    ad["Requirements"] = '(TARGET.Arch == "X86_64") && (TARGET.Memory >= RequestMemory) && HasDocker' * 4
    ad["Owner"] = '"alice"'
    return ad


def bare(stream: bytes, chunk: int, crypto: bool) -> int:
    """Split frames and decrypt, nothing else."""
    cipher = AESGCM(KEY.reveal())
    base, tail, counter, frames = 0, b"", 0, 0
    data = b""
    for start in range(0, len(stream), chunk):
        data = data + stream[start : start + chunk]
        position, size = 0, len(data)
        while position + 5 <= size:
            _, length = struct.unpack_from(">BI", data, position)
            stop = position + 5 + length
            if stop > size:
                break
            if crypto:
                header, body = data[position : position + 5], data[position + 5 : stop]
                if counter == 0:
                    base, tail = int.from_bytes(body[:4], "big"), body[4:16]
                    header, body = bytes(64) + header, body[16:]
                cipher.decrypt(((base + counter) & 0xFFFFFFFF).to_bytes(4, "big") + tail, body, header)
                counter += 1
            frames += 1
            position = stop
        data = data[position:]
    return frames


def ours(stream: bytes, chunk: int, crypto: bool, framing: Framing) -> int:
    """Everything up to ads."""
    connection = CedarConnection()
    if crypto:
        connection.start_crypto("AES", KEY)
    decoder = AdDecoder(crypto, framing=framing)
    count = 0
    for start in range(0, len(stream), chunk):
        connection.feed(stream[start : start + chunk])
        count += len(decoder.feed(connection.drain()))
    return count


def timed(run: Callable[[], int]) -> tuple[float, int]:
    best, result = float("inf"), 0
    for _ in range(5):
        begin = time.process_time()
        result = run()
        best = min(best, time.process_time() - begin)
    return best, result


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ads", type=int, default=20000)
    parser.add_argument("--chunk", type=int, default=131072)
    options = parser.parse_args()
    report = {}
    for crypto in (True, False):
        for framing in Framing:
            sender = CedarConnection()
            if crypto:
                sender.start_crypto("AES", KEY)
            ads = [Writer(crypto).ad(job(number)).getvalue() for number in range(50)]
            many = (ads[number % 50] for number in range(options.ads))
            if framing is Framing.MESSAGE:
                stream = b"".join(sender.send_message(ad, frame_size=FRAME) for ad in many)
            elif framing is Framing.SEQUENCE:
                stream = sender.send_message(b"".join(many), frame_size=FRAME)
            else:
                one, zero = struct.pack(">q", 1), struct.pack(">q", 0)
                stream = sender.send_message(b"".join(one + ad for ad in many) + zero, frame_size=FRAME)
            plain, _ = timed(lambda stream=stream, crypto=crypto: bare(stream, options.chunk, crypto))
            full, count = timed(
                lambda stream=stream, crypto=crypto, framing=framing: ours(stream, options.chunk, crypto, framing)
            )
            assert count == options.ads
            report[f"{framing.value}, {'AES' if crypto else 'clear'}"] = {
                "bytes_per_ad": round(len(stream) / options.ads),
                "bare_MB_per_s": round(len(stream) / plain / 1e6),
                "MB_per_s": round(len(stream) / full / 1e6),
                "ads_per_s": round(options.ads / full),
                "us_per_ad_bare": round(plain / options.ads * 1e6, 2),
                "us_per_ad": round(full / options.ads * 1e6, 2),
            }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
