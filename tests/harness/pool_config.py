"""Configuration of a real pool: one of everything, and schedds and collectors of several policies."""

from __future__ import annotations

from pathlib import Path

TRUST_DOMAIN = "testpool"
ALL_METHODS = "FS, IDTOKENS, KERBEROS, PASSWORD, SSL, CLAIMTOBE, ANONYMOUS"
REALM = "TEST.REALM"
REALM_MAP = f"# realms that are let in\n{REALM} = {TRUST_DOMAIN}\n"
SERVER_KEYTAB = "kerberos/server.keytab"
"""In the folder of the test run; it is there as soon as a test wants the realm, see realm.py."""

SCHEDD_POLICIES: dict[str, dict[str, str]] = {
    "integrity": {"SEC_DEFAULT_INTEGRITY": "REQUIRED"},
    "encryption": {"SEC_DEFAULT_ENCRYPTION": "REQUIRED"},
    "tokens": {"SEC_DEFAULT_AUTHENTICATION": "REQUIRED", "SEC_DEFAULT_AUTHENTICATION_METHODS": "IDTOKENS"},
    "fs": {"SEC_DEFAULT_AUTHENTICATION": "REQUIRED", "SEC_DEFAULT_AUTHENTICATION_METHODS": "FS"},
    "claim": {
        "SEC_DEFAULT_AUTHENTICATION": "REQUIRED",
        "SEC_DEFAULT_AUTHENTICATION_METHODS": "CLAIMTOBE, ANONYMOUS",
    },
    "ssl": {"SEC_DEFAULT_AUTHENTICATION": "REQUIRED", "SEC_DEFAULT_AUTHENTICATION_METHODS": "SSL, SCITOKENS"},
    "password": {"SEC_DEFAULT_AUTHENTICATION": "REQUIRED", "SEC_DEFAULT_AUTHENTICATION_METHODS": "PASSWORD"},
    "restart": {},
    "limited": {"MAX_JOBS_PER_OWNER": "3", "MAX_JOBS_PER_SUBMISSION": "2"},
}
"""Local name of a schedd to what it requires. Beside them runs `open`, which requires nothing.
`restart` and `limited` require nothing either; the one is meant to be killed, the other takes few jobs."""

MAP_FILE = r"""
# who is who; principals are regular expressions
SSL         ^/CN=([a-z]+)$                               \1@testpool
SCITOKENS   ^https://localhost:[0-9]+,(alice|bob)$        \1@testpool
SCITOKENS   "^https://localhost:[0-9]+,two words$"        "two words@testpool"
SCITOKENS   ^https://localhost:[0-9]+,short$              dora
"""

COLLECTOR_POLICIES: dict[str, dict[str, str]] = {
    "encryption": SCHEDD_POLICIES["encryption"],
    "tokens": SCHEDD_POLICIES["tokens"],
}
"""Local name of a collector beside the main one to what it requires. The schedd of the same name reports to it."""

_BASE = """\
LOCAL_DIR = {run}
LOG = $(LOCAL_DIR)/log
SPOOL = $(LOCAL_DIR)/spool
EXECUTE = $(LOCAL_DIR)/execute
LOCK = $(LOG)
RUN = $(LOCAL_DIR)
RELEASE_DIR = /usr
SBIN = /usr/sbin
BIN = /usr/bin
LIB = /usr/lib/condor
LIBEXEC = /usr/libexec/condor
LOCAL_CONFIG_DIR =
CONDOR_HOST = 127.0.0.1
NETWORK_INTERFACE = 127.0.0.1
HOST_ALIAS = pool.test
NETWORK_HOSTNAME = pool.test
BIND_ALL_INTERFACES = False
COLLECTOR_HOST = 127.0.0.1:{port}
USE_SHARED_PORT = True
SHARED_PORT_PORT = {port}
UID_DOMAIN = {domain}
FILESYSTEM_DOMAIN = {domain}
TRUST_DOMAIN = {domain}
SCHEDD_NAME = open@{domain}
SCHEDD_ADDRESS_FILE = $(LOG)/.schedd_address
SCHEDD_DAEMON_AD_FILE = $(LOG)/.schedd_classad
NEGOTIATOR_ADDRESS_FILE = $(LOG)/.negotiator_address
NUM_CPUS = 256
MEMORY = 262144
STARTD_NOCLAIM_SHUTDOWN = 0
NEGOTIATOR_INTERVAL = 5
NEGOTIATOR_CYCLE_DELAY = 1
UPDATE_INTERVAL = 5
NEGOTIATOR_UPDATE_INTERVAL = 5
MASTER_UPDATE_INTERVAL = 5
CREDD_UPDATE_INTERVAL = 5
RunBenchmarks = False
SCHEDD_INTERVAL = 5
SCHEDD_MIN_INTERVAL = 1
MASTER_BACKOFF_CONSTANT = 0
MASTER_BACKOFF_FACTOR = 1.0
JOB_TRANSFORM_NAMES =
MAX_JOBS_PER_OWNER = 10000000
MAX_JOBS_PER_SUBMISSION = 10000000
MAX_JOBS_SUBMITTED = 10000000
CREDD.SEC_CREDENTIAL_DIRECTORY_OAUTH = {run}/oauth
CREDD.SEC_CREDENTIAL_DIRECTORY_KRB = {run}/krb
CREDD_LOG = $(LOG)/CredLog
CREDD_ARGS = -sock credd
TRUST_CREDENTIAL_DIRECTORY = True
SCHEDD_DEBUG = D_COMMAND
COLLECTOR_DEBUG = D_COMMAND
MAX_SCHEDD_LOG = 100 Mb
MAX_COLLECTOR_LOG = 100 Mb
ALLOW_READ = *
ALLOW_WRITE = *
ALLOW_DAEMON = *
ALLOW_ADMINISTRATOR = *
ALLOW_NEGOTIATOR = *
ALLOW_CONFIG = *
ALLOW_CLIENT = *
ENABLE_RUNTIME_CONFIG = True
SETTABLE_ATTRS_ADMINISTRATOR = CONTRACT_*
SEC_DEFAULT_AUTHENTICATION = OPTIONAL
SEC_DEFAULT_ENCRYPTION = OPTIONAL
SEC_DEFAULT_INTEGRITY = OPTIONAL
SEC_DEFAULT_AUTHENTICATION_METHODS = {methods}
SEC_PASSWORD_DIRECTORY = $(LOCAL_DIR)/passwords.d
SEC_PASSWORD_FILE = $(LOCAL_DIR)/passwords.d/POOL
SEC_TOKEN_DIRECTORY = $(LOCAL_DIR)/tokens.d
SEC_TOKEN_SYSTEM_DIRECTORY = $(LOCAL_DIR)/tokens.d
SEC_TOKEN_POOL_SIGNING_KEY_FILE = $(LOCAL_DIR)/passwords.d/POOL
AUTH_SSL_SERVER_CERTFILE = {run}/ssl/server.pem
AUTH_SSL_SERVER_KEYFILE = {run}/ssl/server.key
AUTH_SSL_SERVER_CAFILE = {run}/ssl/ca.pem
AUTH_SSL_CLIENT_CAFILE = {run}/ssl/ca.pem
AUTH_SSL_CLIENT_CERTFILE = {run}/ssl/server.pem
AUTH_SSL_CLIENT_KEYFILE = {run}/ssl/server.key
CERTIFICATE_MAPFILE = {run}/mapfile
KERBEROS_SERVER_KEYTAB = {run}/../{keytab}
KERBEROS_SERVER_PRINCIPAL = host/localhost@{realm}
KERBEROS_MAP_FILE = {run}/realms
SEC_SCITOKENS_CACHE = {run}/cache
"""


def collector_address(port: int, name: str | None = None) -> str:
    """The address under which clients name a collector of the pool in COLLECTOR_HOST."""
    return f"127.0.0.1:{port}" + (f"?sock=collector_{name}" if name else "")


def pool_config(run: Path, port: int, extra: str = "") -> str:
    """Text of the configuration file of a pool that keeps everything in `run` and listens on `port`."""
    words = {"domain": TRUST_DOMAIN, "methods": ALL_METHODS, "keytab": SERVER_KEYTAB, "realm": REALM}
    lines = [_BASE.format(run=run, port=port, **words)]
    daemons = ["MASTER", "SHARED_PORT", "COLLECTOR", "NEGOTIATOR", "SCHEDD", "STARTD", "CREDD"]
    for name, policy in COLLECTOR_POLICIES.items():
        daemon, prefix = f"COLLECTOR_{name.upper()}", f"collector_{name}"
        daemons.append(daemon)
        lines += [
            f"{daemon} = $(SBIN)/condor_collector",
            f"{daemon}_ARGS = -local-name {prefix} -sock collector_{name}",
            f"{prefix}.COLLECTOR_HOST = {collector_address(port, name)}",
            f"{prefix}.COLLECTOR_NAME = {name}",
            f"{prefix}.COLLECTOR_LOG = $(LOG)/CollectorLog.{name}",
            f"{prefix}.COLLECTOR_ADDRESS_FILE = $(LOG)/.collector_address.{name}",
            *(f"{prefix}.{key} = {value}" for key, value in policy.items()),
        ]
    for name, policy in SCHEDD_POLICIES.items():
        daemon, prefix = f"SCHEDD_{name.upper()}", f"schedd_{name}"
        daemons.append(daemon)
        hosts = [collector_address(port)]
        if name in COLLECTOR_POLICIES:
            hosts.append(collector_address(port, name))
        lines += [
            f"{daemon} = $(SBIN)/condor_schedd",
            f"{daemon}_ARGS = -local-name {prefix} -sock schedd_{name}",
            f"{prefix}.SCHEDD_NAME = {name}@{TRUST_DOMAIN}",
            f"{prefix}.COLLECTOR_HOST = {', '.join(hosts)}",
            f"{prefix}.SPOOL = $(LOCAL_DIR)/spool.{name}",
            f"{prefix}.SCHEDD_LOG = $(LOG)/SchedLog.{name}",
            f"{prefix}.SCHEDD_ADDRESS_FILE = $(LOG)/.schedd_address.{name}",
            f"{prefix}.SCHEDD_DAEMON_AD_FILE = $(LOG)/.schedd_classad.{name}",
            *(f"{prefix}.{key} = {value}" for key, value in policy.items()),
        ]
    # a schedd that registers with a broker: clients outside of its private network have to ask there
    daemons.append("SCHEDD_CCB")
    lines += [
        "SCHEDD_CCB = $(SBIN)/condor_schedd",
        "SCHEDD_CCB_ARGS = -local-name schedd_ccb",
        "schedd_ccb.USE_SHARED_PORT = False",
        f"schedd_ccb.CCB_ADDRESS = {collector_address(port)}",
        f"schedd_ccb.SCHEDD_NAME = ccb@{TRUST_DOMAIN}",
        "schedd_ccb.SPOOL = $(LOCAL_DIR)/spool.ccb",
        "schedd_ccb.SCHEDD_LOG = $(LOG)/SchedLog.ccb",
        "schedd_ccb.SCHEDD_ADDRESS_FILE = $(LOG)/.schedd_address.ccb",
        "schedd_ccb.SCHEDD_DAEMON_AD_FILE = $(LOG)/.schedd_classad.ccb",
    ]
    named = [daemon for daemon in daemons if "_" in daemon and daemon != "SHARED_PORT"]
    lines += [f"DAEMON_LIST = {' '.join(daemons)}", f"DC_DAEMON_LIST = + {' '.join(named)}", extra]
    return "\n".join(lines) + "\n"


def client_settings(port: int, folder: Path, ca: Path) -> dict[str, str]:
    """The configuration of a client that keeps its credentials in `folder` and knows no secret of the pool."""
    return {
        "COLLECTOR_HOST": collector_address(port),
        "CONDOR_HOST": "127.0.0.1",
        "SCHEDD_HOST": f"open@{TRUST_DOMAIN}",
        "UID_DOMAIN": TRUST_DOMAIN,
        "FILESYSTEM_DOMAIN": TRUST_DOMAIN,
        "TRUST_DOMAIN": TRUST_DOMAIN,
        "NETWORK_INTERFACE": "127.0.0.1",
        "LOCAL_CONFIG_DIR": "",
        "SEC_TOKEN_DIRECTORY": f"{folder}/tokens.d",
        "SEC_PASSWORD_DIRECTORY": f"{folder}/passwords.d",
        "SEC_PASSWORD_FILE": f"{folder}/passwords.d/POOL",
        "SEC_TOKEN_POOL_SIGNING_KEY_FILE": f"{folder}/passwords.d/POOL",
        "AUTH_SSL_CLIENT_CAFILE": str(ca),
        "SEC_KNOWN_HOSTS": f"{folder}/known_hosts",
        "AUTH_SSL_CLIENT_CERTFILE": f"{folder}/client.pem",
        "AUTH_SSL_CLIENT_KEYFILE": f"{folder}/client.key",
    }
