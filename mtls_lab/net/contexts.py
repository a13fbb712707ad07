"""Finished TLS contexts, as Parts 2 and 3 write them by hand.

Here: the same lines that the notebooks explain one by one, for tests, attacks and panels. Not
for a notebook that has not written them itself yet.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable

from mtls_lab.common import PathLike
from mtls_lab.net.tls import PeerCertificate

__all__ = [
    "client_context",
    "current",
    "forbid_resumption",
    "only",
    "only_trusted_client",
    "server_context",
]


def server_context(
    certfile: PathLike,
    keyfile: PathLike,
    *,
    client_ca: PathLike | None = None,
    crl: PathLike | None = None,
    password: Callable[[], str] | None = None,
) -> ssl.SSLContext:
    """Make the backend's context; with `client_ca` it requires a client certificate.

    With `crl`, a file that holds the client CA's revocation list, it refuses what is on it.
    `password` is asked for the key's, if it has one. Raises what
    `ssl.SSLContext.load_cert_chain` and `load_verify_locations` raise.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certfile, keyfile, password)
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cafile=client_ca)
    if crl is not None:
        context.load_verify_locations(cafile=crl)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return context


def client_context(
    server_ca: PathLike,
    certfile: PathLike | None = None,
    keyfile: PathLike | None = None,
    *,
    version: ssl.TLSVersion | None = None,
    password: Callable[[], str] | None = None,
) -> ssl.SSLContext:
    """Make the device's context; with `certfile` and `keyfile` it presents a certificate.

    `version` admits one TLS version only, `password` is asked for the key's, if it has one.
    Raises what `load_cert_chain` raises.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=os.fspath(server_ca))
    if certfile is not None:
        context.load_cert_chain(certfile, keyfile, password)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


def forbid_resumption(context: ssl.SSLContext) -> None:
    """Let a backend's context shake hands in full with everybody, every time.

    It takes both lines: in TLS 1.2, OpenSSL keeps sessions by their ID as well, and Python has
    no switch for that.

    Example:
        >>> context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        >>> forbid_resumption(context)
        >>> context.num_tickets
        0
    """
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0


def current(certificate: PeerCertificate) -> bool:
    """Authorize certificates whose dates hold now; as a rule, for resumed connections too.

    OpenSSL reads the dates in a full handshake only, so a session outlives them.

    Example:
        >>> dates = {
        ...     "notBefore": "Jan  1 00:00:00 2024 GMT",
        ...     "notAfter": "Jan  2 00:00:00 2024 GMT",
        ... }
        >>> current(dates), current(dates | {"notAfter": "Jan  1 00:00:00 2124 GMT"}), current(None)
        (False, True, False)
    """
    if not certificate:
        return False
    first, last = (ssl.cert_time_to_seconds(certificate[at]) for at in ("notBefore", "notAfter"))
    return first <= time.time() <= last


def only(*names: str) -> Callable[[PeerCertificate], bool]:
    """Return a rule that authorizes certificates with one of these common names, compared whole.

    Example:
        >>> rule = only("pump-1", "pump-2")
        >>> rule({"subject": ((("commonName", "pump-2"),),)}), rule(None)
        (True, False)
    """

    def rule(certificate: PeerCertificate) -> bool:
        subject = (certificate or {}).get("subject", ())
        found = [value for rdn in subject for key, value in rdn if key == "commonName"]
        return len(found) == 1 and found[0] in names

    return rule


def only_trusted_client(certificate: PeerCertificate) -> bool:
    """Authorize the one common name that the lab trusts.

    Example:
        >>> only_trusted_client({"subject": ((("commonName", "trusted-client"),),)})
        True
        >>> only_trusted_client({"subject": ((("commonName", "not-trusted-client"),),)})
        False
    """
    return only("trusted-client")(certificate)
