"""Exercise of Part 3: give a thief no session to steal.

Here: the check, before and after the device is revoked. Not here: the theft (thief.py in the
folder above).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

from mtls_lab.common import scratch_folder
from mtls_lab.exercises.devices import ForDevices
from mtls_lab.exercises.judging import exercise
from mtls_lab.exercises.peers import SECRET
from mtls_lab.exercises.result import NotYet, Unsafe
from mtls_lab.exercises.thief import RULE, Theft, steal
from mtls_lab.net import ask
from mtls_lab.pki import Identity, pem

__all__ = ["hardened_backend"]


@exercise("a function hardened_backend(folder)")
def hardened_backend(function: Callable[..., Any]) -> Iterator[str]:
    """Give a thief no session to steal."""
    with ForDevices.of(function) as made:
        list(made.examine())
        yield "devices are served, and nobody else, as in exercise 2"
        identity = made.devices.issue_client("trusted-client")
        for theft in steal(made.backend, lambda: made.device(identity)):
            if theft.served:
                found = f"{theft.version}: a thief with the device's session, and neither"
                found += f" certificate nor key, got {SECRET!r}"
                raise Unsafe(found + _after_revocation(made, identity, theft), RULE)
            yield f"{theft.version}: {_why_not(theft)}"
            _come_back(made, theft)


def _why_not(theft: Theft) -> str:
    if theft.stolen:
        return "a thief with the device's session is refused"
    if theft.own.ok:
        return "the device has no session that could be stolen"
    return "the backend does not speak it, so nobody has a session"


def _after_revocation(made: ForDevices, identity: Identity, theft: Theft) -> str:
    """Put the device on the list, load that, and let the thief try once more."""
    made.devices.revoke(identity.certificate)
    with scratch_folder() as folder:
        pem.write_crl(folder / "client_ca.crl", made.devices.crl())
        made.context.load_verify_locations(cafile=folder / "client_ca.crl")
    made.context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    device = ask("GET_SECRET", made.backend, context=theft.device)
    if theft.again(made.backend).ok and not device.ok:
        return ", and again after the device's certificate was revoked"
    return ""


def _come_back(made: ForDevices, theft: Theft) -> None:
    """Let the device itself present what it kept. Raises NotYet if that is held against it."""
    if theft.own.session is None:
        return
    back = ask("GET_SECRET", made.backend, context=theft.device, session=theft.own.session)
    if not back.ok:
        raise NotYet(
            f"{theft.version}: the device came back with its session, and was refused",
            "a session is an offer: a backend that declines it shakes hands in full",
        )
