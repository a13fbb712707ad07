"""The workbench: what really happens to whoever shows a certificate.

Here: one real handshake for each role and each set of rules, with a certificate made to order or
with somebody's own. Not here: the recipes and what a refusal comes from (workbench.py), how a
certificate is signed (pki/authority.py).
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import LabError
from mtls_lab.experiments.own import Own
from mtls_lab.experiments.workbench import (
    DATES,
    KEY_USAGES,
    NAMES,
    PURPOSES,
    RULES,
    Recipe,
    Trial,
    Trials,
)
from mtls_lab.net import Backend, ask
from mtls_lab.pki import CertificateAuthority, Identity, create_key

__all__ = ["STRICT", "Workbench"]

SERVER, CLIENT = ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT

#: `create_default_context` adds these from Python 3.13 on; a context from `SSLContext(…)` has
#: neither. Set or removed here by hand, so that both verdicts are real on every Python.
STRICT = ssl.VerifyFlags.VERIFY_X509_STRICT | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN


class Workbench:
    """A CA that signs what it is told to, and two counterparts that look at the result."""

    def __init__(self) -> None:
        self._ca = CertificateAuthority.create("Lab CA")
        self._key = create_key()
        self._server = self._ca.issue_server(["localhost"])

    def make(self, recipe: Recipe) -> Identity:
        """Sign a certificate for CN=localhost that follows the recipe."""
        return self._ca.issue(
            "localhost",
            PURPOSES[recipe.purpose],
            names=NAMES[recipe.names],
            valid_days=DATES[recipe.dates],
            key=self._key,
            key_usage=KEY_USAGES[recipe.key_usage],
            is_ca=recipe.is_ca,
            authority_id=recipe.authority_id,
        )

    def judge(self, recipe: Recipe) -> Trials:
        """Make the certificate and try it in every role, by both sets of rules.

        The role of a CA is tried only if the certificate says that it is one.
        """
        identity = self.make(recipe)
        root = self._ca.certificate
        return Trials(
            recipe, identity.certificate, tuple(self._try(identity, [root], recipe.is_ca))
        )

    def judge_own(self, own: Own, title: str = "") -> Trials:
        """Try somebody's own certificate in both roles, by both sets of rules.

        Its counterparts trust the CAs that are with it, and call it by the first name in it.

        Args:
            own: the certificate with its chain, its key and the CAs.
            title: what to call it.

        Raises:
            LabError: the key or the CAs are missing, or the key is another one's.
        """
        for there, missing in ((own.key, "private key"), (own.cas, "CA's certificate")):
            if not there:
                raise LabError(
                    "; ".join(own.unread) or f"no {missing}",
                    f"the {missing} of this certificate, which a handshake needs",
                    "give keyfile= and cafile=, and password= if the key has one",
                )
        leaf, *chain = own.certificates
        identity = Identity(own.key, leaf, tuple(chain))
        try:
            found = tuple(self._try(identity, own.cas, False, name=_own_name(leaf)))  # noqa: FBT003
        except ssl.SSLError:
            raise LabError(
                "; ".join(own.findings_told) or "a certificate that ssl does not load",
                "a certificate and its own key, of a strength that OpenSSL accepts",
                "take the pair that was made together",
            ) from None
        return Trials(None, leaf, found, title)

    def _try(
        self,
        identity: Identity,
        cas: Sequence[x509.Certificate],
        is_ca: bool,  # noqa: FBT001 - of the recipe
        name: str = "localhost",
    ) -> Iterator[Trial]:
        server, client = (ssl.SSLContext(each) for each in (SERVER, CLIENT))
        identity.load_into(server, client)
        presented = {"as a client": client}
        if is_ca:
            below = CertificateAuthority(identity.key, identity.certificate)
            device_below = below.issue_client("trusted-client")
            presented["as a CA"] = _presenting(
                CLIENT, replace(device_below, chain=(identity.certificate,))
            )
        ours = [self._ca.certificate]
        with Backend(server) as backend:
            for strict in RULES:
                device = _trusting(ssl.SSLContext(CLIENT), cas, strict=strict)
                exchange = ask("PING", backend, context=device, server_hostname=name)
                yield Trial("as a server", strict, exchange)
        for role, context in presented.items():
            device = _trusting(context, ours, strict=False)
            for strict in RULES:
                asking = _presenting(SERVER, self._server)
                asking.verify_mode = ssl.CERT_REQUIRED
                with Backend(_trusting(asking, cas, strict=strict)) as backend:
                    exchange = ask("PING", backend, context=device)
                yield Trial(role, strict, exchange)


def _trusting(
    context: ssl.SSLContext, cas: Sequence[x509.Certificate], *, strict: bool
) -> ssl.SSLContext:
    roots = "".join(each.public_bytes(Encoding.PEM).decode("ascii") for each in cas)
    context.load_verify_locations(cadata=roots)
    context.verify_flags &= ~STRICT
    if strict:
        context.verify_flags |= STRICT
    return context


def _own_name(leaf: x509.Certificate) -> str:
    """A name that the certificate has, to call it by."""
    with suppress(x509.ExtensionNotFound, ValueError):
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = names.get_values_for_type(x509.DNSName)
        found += map(str, names.get_values_for_type(x509.IPAddress))
        if found:
            return found[0].replace("*", "www")
    return "localhost"


def _presenting(protocol: int, identity: Identity) -> ssl.SSLContext:
    """Make a context that presents this certificate."""
    context = ssl.SSLContext(protocol)
    identity.load_into(context)
    return context
