"""A call of the client that blocks a running asyncio loop fails the test."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import blockbuster
import pytest

import htcondor_async


def _sleep_in_the_client() -> None:
    file = Path(htcondor_async.__file__).with_name("pretended.py")
    names: dict[str, Any] = {}
    exec(compile("import time\ndef block():\n    time.sleep(0.001)\n", str(file), "exec"), names)
    names["block"]()


async def test_found(anyio_backend_name: str) -> None:
    if anyio_backend_name == "asyncio":
        with pytest.raises(blockbuster.BlockingError, match="sleep"):
            _sleep_in_the_client()


async def test_tests_may_block() -> None:
    time.sleep(0.001)  # noqa: ASYNC251  that is the point


@pytest.mark.allow_blocking
async def test_allowed_on_request() -> None:
    _sleep_in_the_client()


def test_nobody_is_blocked_without_a_loop() -> None:
    _sleep_in_the_client()
