"""Files of jobs, to the schedd and back."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from harness import observe
from harness.proxies import write_proxy

from htcondor_async import (
    ClassAd,
    Collector,
    DaemonError,
    DaemonTypes,
    HTCondorIOError,
    HTCondorTypeError,
    HTCondorValueError,
    JobAction,
    Schedd,
)
from htcondor_async._security.proxies import Proxy


@pytest.fixture
def connected(pool, make_client):
    """`await connected()`: the handle of alice, who proves who she is."""

    async def connect(identity="alice@testpool", **options):
        client = make_client(identity, SEC_CLIENT_AUTHENTICATION="REQUIRED", **options)
        return Schedd(await Collector(client=client).locate(DaemonTypes.Schedd, pool.schedds["open"]), client=client)

    return connect


@pytest.fixture
def folder(tmp_path):
    """A directory with all kinds of files, and the name that lists them."""
    (tmp_path / "work").mkdir()
    work = tmp_path / "work"
    (work / "run.sh").write_text("#!/bin/sh\ncat input.txt\n")
    (work / "run.sh").chmod(0o755)
    (work / "input.txt").write_text("hello\n")
    (work / "empty").touch()
    (work / "private").write_bytes(os.urandom(3000))
    (work / "private").chmod(0o600)
    (work / "größe ü.dat").write_bytes(b"unicode")
    (work / "large.bin").write_bytes(os.urandom(3 << 20) + b"end")
    (work / "edge.bin").write_bytes(bytes(262144))
    (work / "over.bin").write_bytes(bytes(262145))
    (work / "tree/inner/deep").mkdir(parents=True)
    (work / "tree/inner/leaf").write_text("leaf")
    (work / "tree/inner/deep/more").write_text("more")
    (work / "tree/hollow").mkdir(mode=0o750)
    (work / "flat").mkdir()
    (work / "flat/one").write_text("1")
    (work / "link").symlink_to("input.txt")
    os.mkfifo(work / "tree/pipe")
    return work


def job_of(work, **more):
    names = "input.txt, empty,private,größe ü.dat,large.bin,edge.bin,over.bin,tree,flat/,link"
    return {
        "Cmd": str(work / "run.sh"),
        "Iwd": str(work),
        "TransferInput": names,
        "Requirements": False,
        **more,
    }


def spool_of(pool, job):
    """The folder in which the schedd keeps a job's files, as this process sees it."""
    return Path(job["Iwd"])


def ids_of(result):
    return [f"{result.cluster()}.{proc}" for proc in range(result.num_procs())]


def test_spool_brings_everything(pool, connected, run, folder):
    told = []

    async def submit():
        return await (await connected()).submit(job_of(folder), spool=True)

    async def body():
        await (await connected()).spool(result, progress=lambda *about: told.append(about))

    result = run(submit)
    (held,) = observe.queue(pool, f"ClusterId == {result.cluster()}").values()
    run(body)
    assert (held["JobStatus"], held["HoldReasonCode"]) == (5, 16)
    assert held["SUBMIT_Iwd"] == str(folder)
    pool.wait_for(
        lambda: all(job["JobStatus"] == 1 for job in observe.queue(pool, f"ClusterId == {result.cluster()}").values()),
        "the job to be released",
        20,
    )
    (job,) = observe.queue(pool, f"ClusterId == {result.cluster()}").values()
    assert job["StageInFinish"] > 0
    spooled = spool_of(pool, job)
    for name in ("input.txt", "empty", "private", "größe ü.dat", "large.bin", "edge.bin", "over.bin", "link", "run.sh"):
        assert (spooled / name).read_bytes() == (folder / name).read_bytes(), name
    assert (spooled / "one").read_text() == "1"
    assert not (spooled / "link").is_symlink()
    assert (spooled / "tree/inner/leaf").read_text() == "leaf"
    assert (spooled / "tree/inner/deep/more").read_text() == "more"
    assert (spooled / "tree/hollow").is_dir()
    assert not (spooled / "tree/pipe").exists()
    assert stat.S_IMODE((spooled / "private").stat().st_mode) & 0o77 == 0
    assert os.access(spooled / "run.sh", os.X_OK)
    assert {about[0] for about in told} == {f"{result.cluster()}.0"}
    assert ("large.bin", (3 << 20) + 3) in {about[1:3] for about in told}
    sizes = [about[3] for about in told]
    assert sizes == sorted(sizes)


def test_spool_then_retrieve_many_jobs(pool, connected, run, folder, tmp_path):
    async def body():
        schedd = await connected()
        own = [({"Args": str(number), "TransferOutput": "input.txt,private"}, 1) for number in range(4)]
        result = await schedd.submit_many(job_of(folder), own, spool=True)
        await schedd.spool(result)
        await schedd.act(JobAction.Hold, f"ClusterId == {result.cluster()}")
        fetched = await schedd.retrieve(f"ClusterId == {result.cluster()}", str(tmp_path / "back"))
        some = await schedd.retrieve(ids_of(result)[1:3], str(tmp_path / "some"))
        nothing = await schedd.retrieve("false")
        return result, fetched, some, nothing

    result, fetched, some, nothing = run(body)
    assert sorted(fetched) == ids_of(result)
    assert sorted(some) == ids_of(result)[1:3]
    assert nothing == []
    for job in ids_of(result):
        assert (tmp_path / "back" / job / "private").read_bytes() == (folder / "private").read_bytes()
        assert stat.S_IMODE((tmp_path / "back" / job / "private").stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "some").iterdir()) == ids_of(result)[1:3]


def test_retrieve_to_where_it_was_submitted(pool, connected, run, folder):
    async def body():
        schedd = await connected()
        remaps = f"input.txt=renamed.txt;private={folder / 'elsewhere.bin'}"
        more = {"TransferOutput": "input.txt,private,empty", "TransferOutputRemaps": remaps}
        result = await schedd.submit(job_of(folder, **more), spool=True)
        await schedd.spool(result)
        (folder / "empty").unlink()
        return await schedd.retrieve(f"ClusterId == {result.cluster()}")

    assert len(run(body)) == 1
    assert (folder / "renamed.txt").read_text() == "hello\n"
    assert (folder / "elsewhere.bin").read_bytes() == (folder / "private").read_bytes()
    assert (folder / "empty").exists()


def test_a_missing_file_is_found_before_anything_is_sent(pool, connected, run, folder):
    async def body():
        schedd = await connected()
        result = await schedd.submit_many(
            job_of(folder), [({}, 1), ({"TransferInput": "input.txt,nowhere"}, 1)], spool=True
        )
        with pytest.raises(HTCondorIOError, match=r"nowhere.*No such file"):
            await schedd.spool(result)
        return result

    jobs = observe.queue(pool, f"ClusterId == {run(body).cluster()}")
    assert [job["JobStatus"] for job in jobs.values()] == [5, 5]


def test_jobs_that_do_not_wait_for_files(pool, connected, run, folder):
    theirs = pool.submit(1, user="bob")

    async def spool():
        schedd = await connected()
        result = await schedd.submit(job_of(folder), spool=True)
        await schedd.spool(result)
        return result

    result = run(spool)
    done = f"ClusterId == {result.cluster()} && StageInFinish > 0"
    pool.wait_for(lambda: observe.queue(pool, done), "the end of the spooling", 20)

    async def body():
        schedd = await connected()
        foreign = job_of(folder, ClusterId=theirs, ProcId=0)
        for jobs in (result, [ClassAd(foreign)], [foreign | {"ClusterId": 999999}]):
            with pytest.raises(HTCondorIOError, match="not one's own"):
                await schedd.spool(jobs)
        assert await schedd.retrieve(f"ClusterId == {theirs}") == []
        with pytest.raises(HTCondorValueError, match="Iwd"):
            await schedd.spool([ClassAd({"ClusterId": 1, "ProcId": 0})])
        with pytest.raises(HTCondorValueError, match="ProcId"):
            await schedd.spool([ClassAd({"ClusterId": 1})])
        with pytest.raises(HTCondorTypeError):
            await schedd.spool("1.0")
        with pytest.raises(HTCondorValueError):
            await schedd.retrieve("((")
        await schedd.spool([])

    run(body)


@pytest.mark.allow_blocking  # the callback removes a file
def test_a_file_that_vanishes_on_the_way(pool, connected, run, folder):
    (folder / "last.txt").write_text("here for now")

    async def body():
        schedd = await connected()
        result = await schedd.submit(job_of(folder, TransferInput="large.bin,last.txt"), spool=True)

        def look(job, name, position, sent):
            (folder / "last.txt").unlink(missing_ok=True)

        with pytest.raises(DaemonError, match=r"(?s)last\.txt.*errno 2"):
            await schedd.spool(result, progress=look)
        return result

    cluster = run(body).cluster()
    # the schedd removes what it could not get the files of
    pool.wait_for(lambda: not observe.queue(pool, f"ClusterId == {cluster} && JobStatus != 3"), "the job to go", 20)


def test_output_that_was_never_made(pool, connected, run, folder, tmp_path):
    async def body():
        schedd = await connected()
        result = await schedd.submit(job_of(folder, Out="out.txt", TransferOutput="input.txt"), spool=True)
        await schedd.spool(result)
        with pytest.raises(DaemonError, match=r"could not be fetched.*out\.txt"):
            await schedd.retrieve(ids_of(result), str(tmp_path))

    run(body)


@pytest.mark.allow_blocking  # the test moves a directory
def test_a_directory_that_is_not_there(pool, connected, run, folder):
    async def body():
        schedd = await connected()
        result = await schedd.submit(job_of(folder, TransferOutput="input.txt"), spool=True)
        await schedd.spool(result)
        folder.rename(folder.with_name("moved"))
        try:
            with pytest.raises(HTCondorIOError, match="no directory"):
                await schedd.retrieve(ids_of(result))
        finally:
            folder.with_name("moved").rename(folder)

    run(body)


def test_without_encryption(pool, connected, run, folder, tmp_path):
    async def body():
        schedd = await connected(SEC_CLIENT_ENCRYPTION="NEVER", SEC_CLIENT_INTEGRITY="NEVER")
        result = await schedd.submit(job_of(folder, TransferOutput="large.bin,empty"), spool=True)
        await schedd.spool(result)
        return await schedd.retrieve(f"ClusterId == {result.cluster()}", str(tmp_path / "back"))

    (job,) = run(body)
    assert (tmp_path / "back" / job / "large.bin").read_bytes() == (folder / "large.bin").read_bytes()
    assert (tmp_path / "back" / job / "empty").read_bytes() == b""


# -- proxies


@pytest.mark.parametrize("flavour", ["asyncio"], indirect=True)  # making keys takes long
@pytest.mark.parametrize("delegate", ["true", "false"])
def test_a_proxy_goes_with_the_files_and_is_renewed(pool, connected, run, folder, delegate):
    first = write_proxy(folder / "proxy.pem", 3600)
    second = write_proxy(folder / "renewed.pem", 7200)
    lifetime = {"DELEGATE_JOB_GSI_CREDENTIALS": delegate, "DELEGATE_JOB_GSI_CREDENTIALS_LIFETIME": "0"}
    job = job_of(folder, TransferInput="input.txt", x509userproxy=str(first))

    async def spool():
        schedd = await connected(**lifetime)
        result = await schedd.submit(job, spool=True)
        await schedd.spool(result)
        return result.cluster()

    if pool.id == "real-23.9" and delegate == "true":
        # this build asks OpenSSL for a version of requests that there is not: no client can delegate to it
        with pytest.raises(DaemonError, match="DELEGATE_JOB_GSI_CREDENTIALS = false"):
            run(spool)
        return
    cluster = run(spool)
    done = f"ClusterId == {cluster} && StageInFinish > 0"
    pool.wait_for(lambda: observe.queue(pool, done), "the end of the spooling", 20)
    (ad,) = observe.queue(pool, done).values()
    kept = spool_of(pool, ad) / "proxy.pem"
    before = Proxy.read(kept.read_bytes(), "kept")
    given = Proxy.read(first.read_bytes(), "given")
    assert before.expires == given.expires
    assert (before.certificate == given.certificate) is (delegate == "false")
    if delegate == "true":
        assert before.certificate.issuer == given.certificate.subject

    async def renew():
        schedd = await connected(**lifetime)
        left = await schedd.refresh_gsi_proxy(cluster, 0, str(second))
        with pytest.raises(HTCondorIOError, match=r"(?i)must be one's own"):
            await schedd.refresh_gsi_proxy(999999, 0, str(second))
        return left

    assert 7000 < run(renew) <= 7200
    after = Proxy.read(kept.read_bytes(), "kept")
    assert after.expires == Proxy.read(second.read_bytes(), "given").expires


def test_proxies_that_are_none_or_have_expired(pool, connected, run, folder):
    expired = write_proxy(folder / "old.pem", -60)

    async def body():
        schedd = await connected()
        result = await schedd.submit(job_of(folder, TransferInput="input.txt", x509userproxy=str(expired)), spool=True)
        with pytest.raises(HTCondorValueError, match="expired"):
            await schedd.spool(result)
        wrong = ((expired, "expired"), (folder / "input.txt", "no proxy"), (folder / "none", "No such file"))
        for name, words in wrong:
            with pytest.raises((HTCondorValueError, HTCondorIOError), match=words):
                await schedd.refresh_gsi_proxy(result.cluster(), 0, str(name))
        return result

    (job,) = observe.queue(pool, f"ClusterId == {run(body).cluster()}").values()
    assert (job["JobStatus"], job["HoldReasonCode"]) == (5, 16)
