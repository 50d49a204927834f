"""A Kerberos realm on loopback, with MIT's own key distribution centre: one for a whole test run.

The centre runs inside the root of Debian's stable release, beside the pool that is there, and ends with the test run.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import pool_config, pools, roots

SUITE = "trixie"
SERVER = "host/localhost"
"""What clients ask for: the name that 127.0.0.1 has."""

_CLIENT = """\
[libdefaults]
    default_realm = {realm}
    dns_lookup_realm = false
    dns_lookup_kdc = false
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    localhost = {realm}
"""
_CENTRE = """\
[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        max_life = 1d
    }}
[logging]
    kdc = FILE:{folder}/kdc.log
"""


class Realm:
    """The running realm.

    Attributes:
        folder: its database, keytabs and configuration.
        environ: variables by which Kerberos programs and libraries find it.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        self.environ = {"KRB5_CONFIG": str(folder / "krb5.conf"), "KRB5_KDC_PROFILE": str(folder / "kdc.conf")}
        self.server_keytab = folder.parent / pool_config.SERVER_KEYTAB

    def __repr__(self) -> str:
        return f"<realm {pool_config.REALM} in {self.folder}>"

    def tool(self, *command: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
        """Run a Kerberos program inside the root and return what it wrote."""
        result = subprocess.run(
            [*roots.inside(self.root), *command],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            cwd="/",
            env={"PATH": os.environ["PATH"], **self.environ, **(env or {})},
        )
        if result.returncode:
            raise AssertionError(f"{' '.join(command)}: status {result.returncode}\n{result.stdout}")
        return result.stdout

    def keytab(self, *principals: str) -> Path:
        """Return a new keytab with a key of each principal of the realm, which is made if it is not there."""
        path = Path(tempfile.mkdtemp(prefix="client-", dir=self.folder)) / "keytab"
        path.parent.chmod(0o755)
        self._export(path, *principals)
        return path

    def _export(self, path: Path, *principals: str) -> None:
        lines = [f"addprinc -randkey {name}\nktadd -norandkey -k {path} {name}\n" for name in principals]
        self.tool("kadmin.local", stdin="".join(lines))
        if not path.exists():
            raise AssertionError(f"kadmin.local made no keytab for {principals}")
        uid = roots.USERS[roots.DAEMON_USER]
        os.chown(path, uid, uid)

    def ticket(
        self,
        principal: str = "alice",
        lifetime: str = "10m",
        *,
        owner: str = "root",
        options: Sequence[str] = (),
        config: Path | None = None,
    ) -> str:
        """Log in and return the name of a new cache, for KRB5CCNAME.

        Args:
            principal: who logs in; made if the realm does not know it.
            lifetime: as kinit's `-l`.
            owner: the user that the cache belongs to, a key of `roots.USERS` or "root".
            options: further options of kinit.
            config: another krb5.conf than the realm's.
        """
        keytab = self.keytab(principal)
        cache = keytab.with_name("cache")
        env = {} if config is None else {"KRB5_CONFIG": str(config)}
        command = ["kinit", "-k", "-t", str(keytab), "-c", str(cache), "-l", lifetime, *options, principal]
        self.tool(*command, env=env)
        uid = roots.USERS.get(owner, 0)
        os.chown(cache, uid, uid)
        return f"FILE:{cache}"


def get_realm(run: pools.TestRun) -> Realm:
    """Return the realm of this test run, started if it is not there.

    Raises:
        roots.PoolUnavailableError: this machine cannot have it.
    """
    folder = run.folder / "kerberos"
    with roots.locked(run.folder / ".kerberos.lock"):
        realm = Realm(roots.ensure_root(SUITE), folder)
        if not realm.server_keytab.exists():
            _start(run, realm)
    return realm


def _start(run: pools.TestRun, realm: Realm) -> None:
    folder = realm.folder
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = {"realm": pool_config.REALM, "port": port, "folder": folder}
    (folder / "krb5.conf").write_text(_CLIENT.format(**words))
    (folder / "kdc.conf").write_text(_CENTRE.format(**words))
    realm.tool("kdb5_util", "create", "-s", "-r", pool_config.REALM, "-P", "of this run only")
    uid = roots.USERS[roots.DAEMON_USER]
    for path in [folder, *folder.iterdir()]:
        os.chown(path, uid, uid)
    variables = [f"{name}={value}" for name, value in realm.environ.items()]
    pools.keep(run, "kerberos", realm.root, ["env", *variables, "/usr/sbin/krb5kdc", "-n", "-r", pool_config.REALM])
    deadline = time.monotonic() + 20
    while not _listens(port):
        if time.monotonic() > deadline:
            raise AssertionError(f"the key distribution centre does not start:\n{(folder / 'master.out').read_text()}")
        time.sleep(0.02)
    realm._export(realm.server_keytab, SERVER)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
