"""Files of sandboxes on this machine: what is sent, and that nothing is written outside of the target folder."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from htcondor_async._runtime.sandbox import SMALL, SandboxWriter, inputs, load, read_piece
from htcondor_async.classad import ClassAd
from htcondor_async.errors import HTCondorIOError, HTCondorValueError
from htcondor_async.schedd.job_files import input_files, output_writer


def receive(writer, name, data, mode=0o644):
    """What an exchange does for one file."""
    writer.begin(name)
    for start in range(0, len(data), 100_000):
        if not writer.hold(data[start : start + 100_000]):
            writer.spill()
    if not writer.end_small(mode):
        writer.end(mode)
    writer.flush()


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("size", [0, 1, SMALL, SMALL + 1, 5 * SMALL + 7])
def test_a_file_arrives_whole_with_its_mode(tmp_path, size):
    data = os.urandom(size)
    writer = SandboxWriter(str(tmp_path))
    receive(writer, "a b ü", data, 0o751)
    assert writer.problem is None
    assert (tmp_path / "a b ü").read_bytes() == data
    assert stat.S_IMODE((tmp_path / "a b ü").stat().st_mode) == 0o751
    assert tree(tmp_path) == ["a b ü"]


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/x", "", ".", "a\0b", "..", "a/..", "./..", "//x", "a/../b"]
)
@pytest.mark.parametrize("size", [3, SMALL * 2])
def test_names_that_leave_the_folder_are_refused(tmp_path, name, size):
    target = tmp_path / "target"
    target.mkdir()
    writer = SandboxWriter(str(target))
    receive(writer, name, bytes(size))
    writer.make_folder(name, 0o755)
    assert writer.problem is not None
    assert writer.problem[1] == errno.EPERM
    assert tree(tmp_path) == ["target"]
    receive(writer, "good", b"still in step")
    assert (target / "good").read_bytes() == b"still in step"


@pytest.mark.parametrize("size", [3, SMALL * 2])
def test_links_in_the_way_are_not_followed(tmp_path, size):
    target, outside = tmp_path / "target", tmp_path / "outside"
    target.mkdir()
    outside.mkdir()
    (outside / "precious").write_text("mine")
    (target / "folder").symlink_to(outside)
    (target / "file").symlink_to(outside / "precious")
    writer = SandboxWriter(str(target))
    receive(writer, "folder/planted", bytes(size))
    assert writer.problem is not None
    writer.make_folder("folder", 0o777)
    writer.make_folder("folder/inner", 0o777)
    receive(writer, "file", bytes(size))  # replaces the link, not what it points to
    assert tree(outside) == ["precious"]
    assert (outside / "precious").read_text() == "mine"
    assert not (target / "file").is_symlink()


@settings(max_examples=200, deadline=None)
@given(parts=st.lists(st.sampled_from(["..", ".", "", "a", "b", "lnk", "x y"]), min_size=1, max_size=6))
def test_nothing_is_ever_written_outside(tmp_path_factory, parts):
    base = tmp_path_factory.mktemp("any")
    target, outside = base / "target", base / "outside"
    target.mkdir()
    outside.mkdir()
    (target / "lnk").symlink_to(outside)
    writer = SandboxWriter(str(target))
    name = "/".join(parts)
    receive(writer, name, b"data")
    writer.make_folder(name, 0o755)
    assert tree(outside) == []
    assert sorted(path.name for path in base.iterdir()) == ["outside", "target"]


def test_what_is_not_complete_leaves_nothing(tmp_path):
    writer = SandboxWriter(str(tmp_path))
    writer.begin("large")
    assert not writer.hold(bytes(SMALL + 1))
    writer.spill()
    assert len(list(tmp_path.iterdir())) == 1
    writer.abandon()
    assert tree(tmp_path) == []


def test_a_folder_without_write_permission_or_a_full_disk(tmp_path):
    (tmp_path / "taken").mkdir()
    writer = SandboxWriter(str(tmp_path))
    receive(writer, "taken", bytes(SMALL * 2))
    text, number = writer.problem
    assert number in (errno.EISDIR, errno.ENOTEMPTY, errno.EEXIST)
    assert "taken" in text
    assert tree(tmp_path) == ["taken"]
    full = SandboxWriter("/dev/full")
    receive(full, "x", b"data")
    assert full.problem[1] == errno.ENOTDIR


def test_remaps_are_the_owners_choice(tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    writer = SandboxWriter(str(work), {"out": "sub/renamed", "abs": str(tmp_path / "elsewhere"), "dir": "other"})
    for name in ("out", "abs", "dir/inner", "plain"):
        receive(writer, name, name.encode())
    assert writer.problem is None
    assert (work / "sub/renamed").read_text() == "out"
    assert (tmp_path / "elsewhere").read_text() == "abs"
    assert (work / "other/inner").read_text() == "dir/inner"
    assert (work / "plain").read_text() == "plain"


def test_a_file_that_the_sender_could_not_read_is_told(tmp_path):
    writer = SandboxWriter(str(tmp_path))
    receive(writer, "gone", b"", None)
    assert "gone" in writer.problem[0]
    assert tree(tmp_path) == []


def test_inputs_as_htcondor_expands_them(tmp_path):
    (tmp_path / "d/e").mkdir(parents=True)
    (tmp_path / "d/e/f").write_text("f")
    (tmp_path / "d/link").symlink_to("e/f")
    (tmp_path / "plain").write_text("plain")
    os.mkfifo(tmp_path / "d/pipe")
    whole = inputs(str(tmp_path), ["d", "plain", "plain"])
    assert [(entry.name, entry.folder) for entry in whole] == [
        ("d", True),
        ("d/e", True),
        ("d/e/f", False),
        ("d/link", False),
        ("plain", False),
    ]
    content = inputs(str(tmp_path), ["d/"])
    assert [entry.name for entry in content] == ["e", "e/f", "link"]
    kept = inputs(str(tmp_path), ["d/e/f"], preserve=True)
    assert [(entry.name, entry.folder) for entry in kept] == [("d", True), ("d/e", True), ("d/e/f", False)]
    assert [entry.name for entry in inputs(str(tmp_path), ["d/e/f"])] == ["f"]
    with pytest.raises(FileNotFoundError):
        inputs(str(tmp_path), ["none"])
    (tmp_path / "loop").symlink_to("d")
    with pytest.raises(HTCondorValueError, match="link to a directory"):
        inputs(str(tmp_path), ["loop"])
    assert [entry.name for entry in inputs(str(tmp_path), ["loop/"])] == ["e", "e/f", "link"]


def test_files_are_loaded_many_at_a_time(tmp_path):
    for number in range(100):
        (tmp_path / f"{number:03}").write_bytes(bytes([number]) * number)
    (tmp_path / "large").write_bytes(bytes(SMALL + 1))
    entries = inputs(str(tmp_path), sorted(os.listdir(tmp_path)))
    first = load(entries)
    assert len(first) == 64
    assert first[9].data == bytes([9]) * 9
    (large,) = load(entries[100:])
    assert large.descriptor >= 0
    try:
        assert read_piece(large.descriptor, SMALL) == bytes(SMALL)
        assert read_piece(large.descriptor, SMALL) == bytes(1)
        assert read_piece(large.descriptor, SMALL) == b""
    finally:
        os.close(large.descriptor)
    (tmp_path / "000").unlink()
    gone = load(entries)[0]
    assert gone.mode is None
    assert gone.problem[1] == errno.ENOENT


def test_what_a_job_ad_says_about_its_files(tmp_path):
    for name in ("exe", "in", "a", "manifest"):
        (tmp_path / name).write_text(name)
    ad = ClassAd(
        {
            "ClusterId": 1,
            "ProcId": 0,
            "Iwd": str(tmp_path),
            "Cmd": str(tmp_path / "exe"),
            "In": "in",
            "TransferInput": "a, https://example.org/b ,a",
            "DataReuseManifestSHA256": "manifest",
        }
    )
    assert [entry.name for entry in input_files(ad, delegate=True).entries] == ["a", "in", "manifest", "exe"]
    ad["TransferExecutable"] = False
    assert [entry.name for entry in input_files(ad, delegate=True).entries] == ["a", "in", "manifest"]
    ad["In"] = "/dev/null"
    ad["TransferInput"] = "missing"
    with pytest.raises(HTCondorIOError, match="missing"):
        input_files(ad, delegate=True)
    ad["TransferOutputRemaps"] = r"a=b/c;d\;e=f\=g;url=https://example.org/x; broken ;h = /abs"
    ad["UserLog"] = "logs/job.log"
    writer = output_writer(ad, None)
    assert writer.remaps == {"a": "b/c", "d;e": "f=g", "h": "/abs", "job.log": "logs/job.log"}
    apart = output_writer(ad, str(tmp_path / "out"))
    assert apart.directory == str(tmp_path / "out/1.0")
    assert apart.remaps == {"a": "c", "d;e": "f=g", "h": "abs"}
    ad["Iwd"] = str(tmp_path / "nowhere")
    with pytest.raises(HTCondorIOError, match="no directory"):
        output_writer(ad, None)
    assert Path(tmp_path / "out/1.0").is_dir()
