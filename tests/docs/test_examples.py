"""Every Python example of the documentation is executed, page by page, from top to bottom."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import anyio
import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SYNC = ("v1",)  # pages whose examples block: they run in no event loop

PAGES = [page for page in sorted(DOCS.glob("*.md")) if BLOCK.search(page.read_text())]


def blocks(page: Path) -> list[Any]:
    """The compiled examples of a page, each with its place in the file."""
    text = page.read_text()
    found = []
    for block in BLOCK.finditer(text):
        line = text[: block.start()].count("\n") + 1
        tree = ast.parse("\n" * line + block[1], str(page))
        found.append(compile(tree, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
    return found


@pytest.mark.allow_blocking  # examples write a file now and then
@pytest.mark.parametrize("page", [page for page in PAGES if page.stem not in SYNC], ids=lambda page: page.stem)
async def test_examples_with_await(page: Path, anyio_backend: Any) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    with anyio.fail_after(60):
        for code in blocks(page):
            result = eval(code, names)
            if inspect.iscoroutine(result):
                await result


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem in SYNC], ids=lambda page: page.stem)
def test_examples_that_block(page: Path) -> None:
    from harness.v1 import configured

    names: dict[str, Any] = {"__name__": "example"}
    with configured({}):  # what examples write to `param` is not for other tests
        for code in blocks(page):
            assert not inspect.iscoroutine(eval(code, names)), f"{page.name} has an await in an example that blocks"


@pytest.mark.allow_blocking  # the default client reads the machine's configuration at its first use
def test_the_readmes_example_reads_a_pool(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from htcondor_async.testing import embedded_pool

    (source,) = BLOCK.findall((DOCS.parent / "README.md").read_text())
    with embedded_pool(jobs=[{"JobStatus": 5, "HoldReason": "disk full"}]) as running:
        exec(source.replace("pool.example.org", running.address), {"__name__": "example"})
    assert capsys.readouterr().out == "1.0: disk full\n"
