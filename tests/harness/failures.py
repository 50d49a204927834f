"""The golden table of failures on docs/failures.md, and messages made comparable with it."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["golden", "neutral"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "failures.md"
ROW = re.compile(r"^\| (?P<name>[^|]+?) \| `(?P<error>\w+)` \| (?P<text>.+?) \|$", re.MULTILINE)


def golden() -> dict[str, tuple[str, str]]:
    """Situation to the name of the error and its sentence."""
    return {found["name"]: (found["error"], found["text"]) for found in ROW.finditer(PAGE.read_text())}


def neutral(text: str) -> str:
    """Put words in place of what differs from run to run."""
    text = re.sub(r"after \d+\.\d s", "after N s", text)
    text = re.sub(r"<127\.0\.0\.1:\d+(\?[^>]*)?>", "ADDRESS", text)
    text = re.sub(r"<([^<> ]+):\d+>", r"<\1:PORT>", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "IP:PORT", text)
    text = re.sub(r"token [0-9a-f]{32} from", "token ID from", text)
    text = re.sub(r"[^\s(]*/tokens\.d/token", "FOLDER/tokens.d/token", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(Z| ?UTC|[+-]\d\d:?\d\d)?", "TIME", text)
    text = re.sub(r"\d+ (seconds|minutes|hours|days) ago", "SOME TIME ago", text)
    text = re.sub(r"\bcluster \d+\b", "cluster N", text)
    text = re.sub(r"/[^\s:'\"]*/(work|back|target)\b", "FOLDER", text)
    text = re.sub(r"(job |FOLDER/)\d+\.(\d+)", r"\1N.\2", text)
    text = re.sub(r"/[^\s:'\"]*/cluster\d+\.proc0\.subproc0(\.tmp)?/", "SPOOL/", text)
    text = re.sub(r"expired \d+ s ago", "expired SOME TIME ago", text)
    return text.replace("|", "/")
