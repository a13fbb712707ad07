"""A thief with a device's session, and with neither its certificate nor its key.

Here: the theft in TLS 1.3 and 1.2, and the same after the device was revoked. Not here: the attack
of the table, which tells its evidence (attacks/attacks.py), and what a check says of it (part3/,
kata/mallory.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from mtls_lab.exercises.peers import VERSIONS
from mtls_lab.exercises.result import Unsafe
from mtls_lab.net import Backend, ask
from mtls_lab.wire import Exchange

__all__ = ["RULE", "Theft", "revoked_returns", "steal"]

#: What a backend breaks that serves a thief.
RULE = (
    "in a resumed handshake no certificate is presented, and no list is checked: see the notebook"
    " 3d_stolen_session"
)
#: A thief takes what there is. In TLS 1.3 all suites are offered anyway.
ANY_CIPHER = "ALL:@SECLEVEL=0"
WHOLE_LIST = ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF | ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN


@dataclass(frozen=True)
class Theft:
    """One attempt, in one TLS version.

    Attributes:
        version: such as "TLS 1.3".
        device: the context of the device from whose memory the session comes.
        own: that device's connection.
        stolen: the thief's; None if the device had no session.
    """

    version: str
    device: ssl.SSLContext
    own: Exchange
    stolen: Exchange | None

    @property
    def served(self) -> bool:
        """Whether the thief got an answer."""
        return self.stolen is not None and self.stolen.ok

    def again(self, backend: Backend) -> Exchange:
        """Let the thief present the same session once more."""
        return ask("GET_SECRET", backend, context=_nobody(), session=self.own.session)


def steal(
    backend: Backend,
    device: Callable[[], ssl.SSLContext],
    earlier: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> Iterator[Theft]:
    """Let a device connect and a thief take its session, once in each TLS version.

    Args:
        backend: a running one.
        device: makes the context of a device that knows both versions.
        earlier: around the device's own connection, and not around the thief's.
    """
    for name, version in reversed(VERSIONS.items()):
        context = device()
        context.minimum_version = context.maximum_version = version
        context.set_ciphers(ANY_CIPHER)
        with earlier():
            own = ask("GET_SECRET", backend, context=context)
        stolen = None
        if own.session is not None:
            stolen = ask("GET_SECRET", backend, context=_nobody(), session=own.session)
        yield Theft(name, context, own, stolen)


def revoked_returns(
    backend: Backend, context: ssl.SSLContext, device: Callable[[], ssl.SSLContext], who: str
) -> None:
    """Let a revoked device return with a session from before, and neither certificate nor key.

    One judgement for exercises and kata: a backend that has a list refuses who is on it, whatever
    they have kept. Lists are loaded while a backend runs, so the device was served before.

    Args:
        backend: a running one, which has the list with the device on it.
        context: the backend's.
        device: makes the context of the device.
        who: whoever returns, and with what, as a sentence names them.

    Raises:
        Unsafe: it was served.
    """
    for theft in steal(backend, device, lambda: _before_the_list(context)):
        if theft.stolen is not None and theft.stolen.ok:
            raise Unsafe(
                f"{theft.version}: {who}, and neither certificate nor key,"
                f" got {theft.stolen.reply!r}",
                RULE,
            )


@contextmanager
def _before_the_list(context: ssl.SSLContext) -> Iterator[None]:
    """For connections that begin in this block, nobody is on the list yet."""
    flags = context.verify_flags
    context.verify_flags &= ~WHOLE_LIST
    try:
        yield
    finally:
        context.verify_flags = flags


def _nobody() -> ssl.SSLContext:
    """A context without certificate and key: if its session does not speak for it, nothing does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers(ANY_CIPHER)
    return context
