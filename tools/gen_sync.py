"""Generate ``htcondor_sync/_generated`` from the async classes and ``sync_table.py``.

``python tools/gen_sync.py`` writes the files; with ``--check`` it compares them, whole and both ways, and writes
nothing. Run it after adding a public method to the core: it is either served, or listed with a reason.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import sync_table as table  # noqa: E402 - the path is set above

OUT = ROOT / "htcondor_sync" / "_generated"
HEADER = '''"""{doc}

Made by tools/gen_sync.py from tools/sync_table.py; do not edit.
"""

{noqa}from __future__ import annotations
'''
_PARAMETER = re.compile(r"\((?P<kind>\w+)\)(?P<name>\w+)(?:=(?P<default>.+))?\s*\Z", re.DOTALL)
_RESULTS = {"none": "{}", "plain": "{}", "ad": "ad_out({})", "ads": "ads_out({})", "found": "found_out({})"}
_RESULTS |= {"cred_status": "CredStatus._make({})", "cred_check": "CredCheck._make({})"}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a declared signature; ``default`` is source text, None where the argument must be given."""

    kind: str
    name: str
    default: str | None

    @property
    def unnamed(self) -> bool:
        """Whether v1 gives it no name, so that it can only be given by position."""
        return re.fullmatch(r"arg\d+", self.name) is not None

    def source(self) -> str:
        kind = {"object": "Any", "list": "list[Any]"}.get(self.kind, self.kind)
        if self.default == "UNSET":
            kind = f"{kind} | Unset"
        return f"{self.name}: {kind}" + (f" = {self.default}" if self.default is not None else "")


def parse_signature(text: str) -> list[Parameter]:
    """Return the parameters of a signature as v1 declares it, ``self`` left out."""
    found = []
    depth = 0
    optional_from: int | None = None
    parts: list[str] = [""]
    quote = ""
    for char in text:
        if quote:
            quote = "" if char == quote else quote
            parts[-1] += char
        elif char in "'\"":
            quote = char
            parts[-1] += char
        elif char == "[" and not parts[-1].rstrip().endswith("="):
            optional_from = len(parts) - (0 if parts[-1].strip() else 1) if optional_from is None else optional_from
        elif char == "]" and not parts[-1].rstrip().endswith("=["):
            depth -= 1
        elif char == ",":
            parts.append("")
        else:
            parts[-1] += char
    for index, part in enumerate(piece for piece in parts if piece.strip()):
        match = _PARAMETER.match(part.strip())
        if match is None:
            raise ValueError(f"{part!r} in {text!r} is not a parameter")
        default = match["default"].strip() if match["default"] else None
        if default is None and optional_from is not None and index >= optional_from:
            default = "UNSET"
        found.append(Parameter(match["kind"], match["name"], default))
    return found


def _signature(parameters: list[Parameter]) -> str:
    unnamed = [parameter.source() for parameter in parameters if parameter.unnamed]
    named = [parameter.source() for parameter in parameters if not parameter.unnamed]
    return ", ".join(["self", *unnamed, *(["/"] if unnamed else []), *named])


def _summary(core: object) -> str:
    """Return the docstring: the first paragraph of the core's."""
    text = inspect.getdoc(core) or ""
    return text.partition("\n\n")[0].split("; see :meth:")[0].replace("\n", " ").rstrip(". ") + "."


def _expectations(owner: str, name: str, parameters: list[Parameter]) -> list[str]:
    checked = [p for p in parameters if p.kind != "object"]
    if not checked:
        return []
    arguments = ", ".join(f'("{p.name}", {p.name}, {p.kind})' for p in checked)
    return [f'        expect("{owner}.{name}", {arguments})']


def _method(owner: str, spec: table.Method, core_class: type) -> list[str]:
    parameters = parse_signature(spec.signature)
    core = getattr(core_class, spec.core)
    signature = _signature(parameters)
    lines = []
    if spec.renamed:
        lines += [f"    @renamed({owner!r}, {dict(spec.renamed)!r})"]
    lines += [f"    def {spec.name}({signature}) -> {spec.returns}:", f'        """{_summary(core)}"""']
    lines += _expectations(owner, spec.name, parameters)
    call = spec.call[1:] if spec.call.startswith("=") else f"self._core.{spec.core}({spec.call})"
    if spec.result == "history":
        lines.append(f"        return HistoryIterator._make({call})")
        return lines
    called = f"call({call}, {spec.fails})"
    result = _RESULTS[spec.result].format(called)
    lines.append(f"        {result}" if spec.result == "none" else f"        return {result}")
    return lines


def _core_class(entry: table.Class) -> type:
    found: type = getattr(importlib.import_module(entry.home), entry.name)
    return found


def check_coverage(entry: table.Class, core: type) -> list[str]:
    """Return the public methods of the core's class that the table neither serves nor skips."""
    served = {spec.core for spec in entry.methods if isinstance(spec, table.Method)} | set(entry.skipped)
    public = [name for name, _ in inspect.getmembers(core, inspect.iscoroutinefunction) if not name.startswith("_")]
    return [f"{entry.name}.{name} of the core is neither served nor skipped" for name in public if name not in served]


def generated_class(entry: table.Class) -> tuple[str, list[str]]:
    """Return the module of one class, and complaints."""
    core = _core_class(entry)
    complaints = check_coverage(entry, core)
    name = entry.generated_as or entry.name
    base = f"(Handle[Core{entry.name}])" if entry.kinds else ""
    body: list[str] = []
    for spec in entry.methods:
        body.append("")
        body += _method(entry.name, spec, core)
    doc = _summary(core)
    lines = [f"class {name}{base}:", f'    """{doc}"""']
    if entry.kinds:
        lines += ["", f"    _kinds = ({', '.join(f'DaemonTypes.{kind}' for kind in entry.kinds)},)"]
    if entry.default:
        lines.append(f"    _default = DaemonTypes.{entry.default}")
    if entry.kinds:
        lines += [
            "",
            f"    def _make(self, client: Client) -> Core{entry.name}:",
            f"        return Core{entry.name}(self._ad, client=client)",
        ]
    else:
        lines += [
            "",
            "    @property",
            f"    def _core(self) -> Core{entry.name}:",
            "        raise NotImplementedError  # the class that is used says which",
        ]
    text = "\n".join(lines + body) + "\n"
    imports = [
        "from typing import Any",
        "from htcondor_async.client import Client",
        "from htcondor_async.errors import HTCondorIOError, HTCondorReplyError",
        "from htcondor_sync._ads import ClassAd, ad_in, ad_out, ads_out",
        "from htcondor_sync._arguments import UNSET, Unset, attribute_names, expect, strings",
        "from htcondor_sync._calls import call, renamed",
        "from htcondor_sync._credentials import CredCheck, CredStatus",
        "from htcondor_sync._coercions import action_in, ad_type_in, callback_in, constraint_in, cred_type_in, "
        "credential_in, daemon_type_in, "
        "drain_type_in, "
        "found_out, history_constraint_in, job_spec_in, query_opts_in, reason_in, retrieved_in, since_in, spooled_in",
        "from htcondor_sync._generated.enums import AdTypes, DaemonTypes, JobAction, QueryOpts",
        "from htcondor_sync._handles import Handle",
        "from htcondor_sync._iterators import HistoryIterator",
    ]
    if entry.home:
        imports.insert(1, f"from {entry.home} import {entry.name} as Core{entry.name}")
    return _with_imports(f"v1's {entry.name}.", imports, [name], text), complaints


def _with_imports(doc: str, imports: list[str], exported: list[str], text: str) -> str:
    """Return a module with those imports that it uses."""
    words = set(re.findall(r"\w+", text))
    kept = []
    for line in imports:
        head, _, names = line.partition(" import ")
        used = [name for name in names.split(", ") if name.split(" as ")[-1] in words]
        if used:
            kept.append(f"{head} import {', '.join(used)}")
    noqa = "# ruff: noqa: B006 - the defaults are those of v1, and never changed\n\n" if "= []" in text else ""
    return "\n".join([HEADER.format(doc=doc, noqa=noqa), *kept, "", f"__all__ = {exported!r}", "", "", text])


def generated_enums() -> str:
    """Return the module of the enumerations."""
    lines = [HEADER.format(doc="The enumerations of v1.", noqa=""), "from htcondor_sync._enums import BoostEnum", ""]
    lines.append(f"__all__ = {sorted(table.ENUMS)!r}")
    for name, members in table.ENUMS.items():
        lines += [
            "",
            "",
            f"class {name}(BoostEnum, members={members!r}, shown_in='htcondor.htcondor'):",
            f'    """{name} of v1."""',
            "",
        ]
        lines += [f"    {member}: {name}" for member in members if member.isidentifier() and member != "None"]
    return "\n".join(lines) + "\n"


def generated_v2_enums() -> str:
    """Return the module of v2's enumerations, which are Python's own."""
    lines = [HEADER.format(doc="The enumerations of v2.", noqa=""), "import enum", ""]
    lines.append(f"__all__ = {sorted(table.V2_ENUMS)!r}")
    for name, members in table.V2_ENUMS.items():
        lines += ["", "", f"class {name}(enum.IntEnum):", f'    """{name} of v2."""', ""]
        lines += [f"    {member} = {value}" for member, value in members.items()]
    return "\n".join(lines) + "\n"


def generate() -> tuple[dict[str, str], list[str]]:
    """Return the files by name, and complaints."""
    files = {"__init__.py": '"""Made by tools/gen_sync.py; do not edit."""\n', "enums.py": generated_enums()}
    files["enums_v2.py"] = generated_v2_enums()
    complaints = []
    for entry in table.CLASSES:
        text, found = generated_class(entry)
        files[f"{entry.name.lower()}.py"] = text
        complaints += found
    for path in sorted((ROOT / "htcondor_sync").glob("_*.py")):
        if path.stem not in table.HAND_WRITTEN and path.stem not in ("__init__", "__main__"):
            complaints.append(f"{path.name} is neither generated nor listed as hand-written")
    complaints += [
        f"{name}.py is listed as hand-written and does not exist"
        for name in table.HAND_WRITTEN
        if not (ROOT / "htcondor_sync" / f"{name}.py").exists()
    ]
    return {name: _formatted(name, text) for name, text in files.items()}, complaints


def _formatted(name: str, text: str) -> str:
    ast.parse(text)
    ruff = str(Path(sys.executable).with_name("ruff"))
    where = ["--config", str(ROOT / "pyproject.toml"), "--stdin-filename", str(OUT / name), "-"]
    for command in (
        [ruff, "check", "-q", "--select", "I,UP,F401", "--fix-only", *where],
        [ruff, "format", "-q", *where],
    ):
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, cwd=ROOT)
        text = done.stdout
    return text


def main(arguments: list[str]) -> int:
    """Write or compare; return the exit code."""
    files, complaints = generate()
    if "--check" in arguments:
        present = {path.name: path.read_text() for path in OUT.glob("*.py")}
        complaints += [
            f"{name} is out of date: run tools/gen_sync.py" for name in files if present.get(name) != files[name]
        ]
        complaints += [f"{name} is not generated any more" for name in present if name not in files]
    else:
        OUT.mkdir(exist_ok=True)
        for stale in OUT.glob("*.py"):
            if stale.name not in files:
                stale.unlink()
        for name, text in files.items():
            (OUT / name).write_text(text)
    for line in complaints:
        print(line, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
