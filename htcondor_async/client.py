"""The identity and the limits with which daemons are spoken to."""

from __future__ import annotations

import contextvars
import itertools
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import attrs

from htcondor_async._cedar.identity import VERSION_STRING, platform_string
from htcondor_async._cedar.limits import Limits
from htcondor_async._core.avoidance import Avoidance
from htcondor_async._core.context import Context, TextView, Timeouts
from htcondor_async._core.overlay import Overlay, overlay_for
from htcondor_async._core.retry import RetryPolicy
from htcondor_async._runtime.base import Runtime
from htcondor_async._runtime.host import os_name
from htcondor_async._security.credentials import Credentials
from htcondor_async._security.effects import TrustDecision
from htcondor_async._security.known_hosts import ServerCertificate
from htcondor_async._security.policy import SecurityPolicy
from htcondor_async._security.sessions import SessionTable
from htcondor_async._security.settings import SecuritySettings
from htcondor_async.config import Config

if TYPE_CHECKING:
    from htcondor_async.submit import SubmitContext

__all__ = [
    "Client",
    "ConfigurationWarning",
    "RetryPolicy",
    "ServerCertificate",
    "Timeouts",
    "default_client",
    "load_config",
    "platform",
    "use_client",
    "version",
]

_numbers = itertools.count(1)
_current: contextvars.ContextVar[Client | None] = contextvars.ContextVar("htcondor_async_client", default=None)


class Client:
    """A configuration snapshot, credentials, limits and timeouts, and the security sessions made with them.

    Two clients in one process are two identities: they never share a session. A client may be used by many tasks
    and threads at once and holds no socket.

    Parameters
    ----------
    config
        A :class:`~htcondor_async.config.Config`, or a mapping of parameters over HTCondor's defaults.
    credentials
        Where tokens come from; by default where the configuration says.
    limits
        Bounds on what a daemon may send.
    timeouts
        What holds where a call gives no ``timeout`` of its own.
    retries
        How queries that fail on the way are tried again; not at all by default.
    trust_server
        Called with a :class:`ServerCertificate` when a daemon that is met for the first time shows, for SSL or
        SCITOKENS, a certificate for which no trusted authority answers: returns whether to trust it from now on, or an
        awaitable of that (a plain ``bool`` for the blocking API). Either answer is written to the file of known hosts.
        Without it the parameter BOOTSTRAP_SSL_SERVER_TRUST decides. Nobody is ever asked at a terminal.
    version, platform
        What daemons are told of this client: they adapt to it.
    """

    def __init__(
        self,
        config: Config | Mapping[str, Any] | None = None,
        *,
        credentials: Credentials | None = None,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        retries: RetryPolicy | None = None,
        trust_server: TrustDecision | None = None,
        version: str = VERSION_STRING,
        platform: str | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        self._config = config if isinstance(config, Config) else Config(config or {})
        text = TextView(self._config)
        self._trust_server = trust_server
        self._settings = self._read_settings(text)
        self._credentials = credentials if credentials is not None else Credentials.from_settings(self._settings)
        self._own_credentials = credentials is None
        self._limits = limits if limits is not None else Limits()
        self._timeouts = timeouts if timeouts is not None else Timeouts()
        self._policy = SecurityPolicy.from_config(text, "CLIENT")
        self._sessions = SessionTable(lock=threading.Lock())
        self._retries = retries if retries is not None else RetryPolicy()
        self._version = version
        self._platform = platform if platform is not None else platform_string(*os_name())
        self._runtime = runtime
        self._avoidance = Avoidance(threading.Lock())
        self._streams: WeakSet[Any] = WeakSet()
        self._tag = f"client{next(_numbers)}"
        self._last_overlaid: tuple[str, Context] | None = None  # assigned whole: threads may race for it

    def __repr__(self) -> str:
        return f"<Client {self._tag}>"

    @property
    def config(self) -> Config:
        """The configuration snapshot."""
        return self._config

    @property
    def timeouts(self) -> Timeouts:
        """The default limits in seconds."""
        return self._timeouts

    def submit_context(self, schedd_version: str | None = None) -> SubmitContext:
        """Return the world of submit descriptions as this client knows it: this machine, and the configuration.

        ``Submit(text, client.submit_context())`` reads ``include``, templates and ``$(ARCH)`` by this configuration,
        and its :meth:`~htcondor_async.Submit.preview` shows the ads that :meth:`Schedd.submit
        <htcondor_async.Schedd.submit>` would send. Submissions use it anyway for descriptions that were made without a
        context.

        Parameters
        ----------
        schedd_version
            For which schedd previews are made, as "23.9.6"; by default a recent one.
        """
        from htcondor_async._submit_world import submit_world
        from htcondor_async.submit import LATEST, Version

        version = LATEST if schedd_version is None else Version.parse(schedd_version)
        return submit_world(self._config, self._version, self._platform, version)

    def forget_sessions(self) -> None:
        """Drop all security sessions: the next command to each daemon negotiates anew."""
        self._sessions.clear()

    def _read_settings(self, text: TextView) -> SecuritySettings:
        return attrs.evolve(SecuritySettings.from_config(text), trust_server=self._trust_server)

    def _context(self) -> Context:
        runtime = self._runtime
        if runtime is None:
            from htcondor_async._runtime.anyio_ import AnyioRuntime

            runtime = self._runtime = AnyioRuntime()
        context = Context(
            runtime=runtime,
            config=self._config,
            policy=self._policy,
            settings=self._settings,
            credentials=self._credentials,
            sessions=self._sessions,
            limits=self._limits,
            timeouts=self._timeouts,
            retries=self._retries,
            tag=self._tag,
            version=self._version,
            platform=self._platform,
            avoidance=self._avoidance,
            streams=self._streams,
        )
        overlay = overlay_for(self)
        return context if overlay is None else self._overlaid(context, overlay)

    def _overlaid(self, context: Context, overlay: Overlay) -> Context:
        """Return the context with what this task alone has set; see :class:`~htcondor_async.secman.SecMan`."""
        tag = f"{self._tag}/{overlay.identity()}"
        if self._last_overlaid is not None and self._last_overlaid[0] == tag:
            return self._last_overlaid[1]
        if overlay.config:
            config = self._config.replace(overlay.config)
            text = TextView(config)
            settings = self._read_settings(text)
            credentials = context.credentials
            if settings != context.settings and self._own_credentials:
                credentials = Credentials.from_settings(settings)
            policy = SecurityPolicy.from_config(text, "CLIENT")
            context = attrs.evolve(context, config=config, settings=settings, policy=policy, credentials=credentials)
        context = attrs.evolve(context, tag=tag, credentials=overlay.credentials(context.credentials))
        self._last_overlaid = (tag, context)
        return context


def version() -> str:
    """Return what this package says it is, as HTCondor writes it; daemons are told the same."""
    return VERSION_STRING


def platform() -> str:
    """Return what this package says it runs on, as HTCondor writes it."""
    return platform_string(*os_name())


class ConfigurationWarning(UserWarning):
    """This machine's configuration is missing, or HTCondor would complain of it."""


_default: list[Client] = []
_making = threading.Lock()


def default_client() -> Client:
    """Return the client of the current context; without one, that of the process, made at the first call.

    That one is configured by this machine's files, as HTCondor's own tools are: read at the first call, which blocks
    for it; where that matters call this before the event loop starts, or make a ``Client``. A machine without a
    configuration gives a ``ConfigurationWarning`` and a client with HTCondor's defaults.

    Raises
    ------
    ConfigError
        The configuration is wrong.
    """
    client = _current.get()
    if client is not None:
        return client
    with _making:
        if not _default:
            _default.append(Client(load_config()))
    return _default[0]


def load_config(*, subsystem: str = "TOOL") -> Config:
    """Return this machine's configuration, as HTCondor's tools read it; see :meth:`Config.load`.

    Parameters
    ----------
    subsystem
        For whom, as ``"TOOL"`` or ``"SCHEDD"``.
    """
    from htcondor_async._system import SystemEnvironment

    environment = SystemEnvironment()
    config = Config.load(environment, subsystem=subsystem, allow_commands=True, detected=environment.detected())
    for warning in config.warnings:
        warnings.warn(warning, ConfigurationWarning, stacklevel=3)
    return config


@contextmanager
def use_client(client: Client) -> Iterator[Client]:
    """Make ``client`` the one that handles made inside, by this task, belong to."""
    token = _current.set(client)
    try:
        yield client
    finally:
        _current.reset(token)
