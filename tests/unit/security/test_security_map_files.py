"""Map files: which user an authenticated name is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htcondor_async._security.map_files import MAX_FILES, MapFile, load_map_file, parse_map_file, split_user
from htcondor_async.classad.functions._user_maps import Entry, Include
from tests.helpers.security_world import File, Machine


def load(machine: Machine, path: str = "/etc/map", *, literal_names: bool = False) -> MapFile | None:
    steps = load_map_file(path, literal_names=literal_names)
    answer: Any = None
    try:
        effect = next(steps)
        while True:
            try:
                answer = machine.carry_out(effect, 0)
            except OSError as error:
                effect = steps.throw(error)
            else:
                effect = steps.send(answer)
    except StopIteration as done:
        found: MapFile | None = done.value
        return found


def mapped(text: str, method: str, principal: str, *, literal_names: bool = False) -> str | None:
    found = load(Machine(files={"/etc/map": File(text.encode())}), literal_names=literal_names)
    assert found is not None
    return found.find(method, principal)


@pytest.mark.parametrize(
    ("line", "method", "principal", "user"),
    [
        (r"SSL ^/CN=([a-z]+)$ \1@pool", "SSL", "/CN=alice", "alice@pool"),
        (r"ssl ^/CN=([a-z]+)$ \1@pool", "SSL", "/CN=alice", "alice@pool"),
        (r"SSL CN=([a-z]+) \1@pool", "SSL", "/O=x/CN=alice/OU=y", "alice@pool"),
        (r'SSL "^/CN=(.*) (.*)$" "\2, \1"', "SSL", "/CN=Alice Adams", "Adams, Alice"),
        (r"SSL ^/CN=(.*)$ \1@pool", "KERBEROS", "/CN=alice", None),
        (r"SSL ^/CN=(.*)$ \1@pool", "SSL", "CN=alice", None),
        (r"FS (.*) \1@\0", "FS", "alice", "alice@alice"),
        (r"FS (.*) \2@pool", "FS", "alice", r"\2@pool"),
        (r"FS (.*) a\\b", "FS", "alice", r"a\\b"),
        ("# FS (.*) x", "FS", "alice", None),
        ("FS alice", "FS", "alice", None),
        ("FS ( x", "FS", "(", None),
        (r"FS /alice/ x", "FS", "alice", None),
        (r"SCITOKENS ^https://i\.org,([^,]*)$ \1@pool", "SCITOKENS", "https://i.org,alice", "alice@pool"),
        ("KERBEROS ^([a-z]+)@REALM$ \\1@pool\r", "KERBEROS", "alice@REALM", "alice@pool"),
        ('FS "al\\"ice" x', "FS", 'al"ice', "x"),
    ],
)
def test_patterns(line: str, method: str, principal: str, user: str | None) -> None:
    assert mapped(f"\n{line}\n", method, principal) == user


@pytest.mark.parametrize(
    ("line", "principal", "user"),
    [
        ("SSL /CN=alice x", "/CN=alice", None),
        ('SSL "/CN=alice" x', "/CN=alice", "x"),
        ('SSL "/CN=alice" x', "/CN=alice2", None),
        (r"SSL /^\/CN=([a-z]+)$/ \1@pool", "/CN=alice", "alice@pool"),
        (r"SSL /^\/cn=([a-z]+)$/i \1@pool", "/CN=Alice", "Alice@pool"),
        ("SSL al.ce x", "alice", None),
        (r"SSL alice \0@pool", "alice", "alice@pool"),
    ],
)
def test_literal_names(line: str, principal: str, user: str | None) -> None:
    assert mapped(line, "SSL", principal, literal_names=True) == user


def test_the_first_line_that_fits_counts() -> None:
    text = "FS al.* first\nFS alice second\nFS .* third\nFS bob fourth"
    assert [mapped(text, "FS", name) for name in ("alice", "bob", "al")] == ["first", "third", "first"]


def test_includes() -> None:
    files = {
        "/etc/map": "FS a first\n@include more\n@include /else/dir\n@include missing\nFS z last\n@include\n",
        "/etc/more": "FS b second\n@include /etc/third\n",
        "/etc/third": "FS never never\n",
        "/else/dir/2": "FS c fourth\n",
        "/else/dir/1": "FS c third\nFS z earlier\n",
        "/else/dir/.hidden": "FS never never\n",
        "/else/dir/old~": "FS never never\n",
    }
    machine = Machine(
        files={path: File(text.encode()) for path, text in files.items()}, directories={"/else/dir": (0, 0o755)}
    )
    found = load(machine)
    assert found is not None
    users = [found.find("FS", name) for name in ("a", "b", "c", "z", "never")]
    assert users == ["first", "second", "third", "earlier", None]


def test_no_end_of_includes() -> None:
    machine = Machine(files={"/etc/map": File(b"@include /etc/map\n" * (3 * MAX_FILES) + b"FS a last\n")})
    found = load(machine)
    assert found is not None and found.find("FS", "a") == "last"
    assert machine.reads == MAX_FILES + 1


def test_a_file_that_is_not_there() -> None:
    assert load(Machine()) is None


def test_a_user_without_a_domain_has_the_pools() -> None:
    assert split_user("alice", "pool") == "alice@pool"
    assert split_user("alice@x", "pool") == "alice@x"
    assert split_user("alice", None) == "alice"


@given(st.text(max_size=200), st.booleans(), st.text(max_size=20))
def test_any_text_is_read(text: str, literal: bool, principal: str) -> None:
    lines = parse_map_file(text, literal_names=literal)
    assert all(isinstance(line, (Entry, Include)) for line in lines)
    entries = tuple(line for line in lines if isinstance(line, Entry))
    user = MapFile(entries).find("FS", principal)
    assert user is None or isinstance(user, str)


@given(st.from_regex(r"[a-z0-9/=@. -]{1,30}", fullmatch=True), st.from_regex(r"[a-z@. ]{1,20}", fullmatch=True))
def test_quoted_fields_are_kept(principal: str, user: str) -> None:
    assert mapped(f'FS "{principal}" "{user}"', "FS", principal, literal_names=True) == user
