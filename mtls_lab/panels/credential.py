"""The credential panel of Part 3: flip the client certificate, see both sides and the wire.

Here: the controls, and one real exchange for each flip. Not here: what a credential is
(experiments/credentials.py), why it was refused (explaining/explanation.py), the handshake
(ladder.py).
"""

from __future__ import annotations

import ssl
from pathlib import Path

import ipywidgets

from mtls_lab.common import UnknownName, read_file
from mtls_lab.drawing import beside, escape
from mtls_lab.experiments import Credential, CredentialStore, catalogue
from mtls_lab.explaining import explain
from mtls_lab.explaining.cards import reasons
from mtls_lab.net import (
    Backend,
    ask,
    client_context,
    only_trusted_client,
    server_context,
    watch,
)
from mtls_lab.panels.base import WIDE, Panel, details, mark, need
from mtls_lab.panels.ladder import Ladder
from mtls_lab.pki import CertificateAuthority
from mtls_lab.wire import Exchange
from mtls_lab.wire.ladder import draw

__all__ = ["MEANS", "NOT_SENT", "CredentialPanel"]

#: What is said where nothing was sent.
NOT_SENT = (
    "No handshake took place: the device could not load what it would present, so it never "
    "connected."
)
#: Over an explanation that is folded.
MEANS = "What the error means"
MAIN = ("valid", "none", "untrusted")
#: The learner's files that a flip depends on, in the order in which they are read.
FILES = (
    "ca/ca.crt",
    "ca/ca.key",
    "backend/server.crt",
    "backend/server.key",
    "backend/client_ca.pem",
)
DEVICE_CA = "device/server_ca.pem"
VERSIONS = {"TLS 1.3": ssl.TLSVersion.TLSv1_3, "TLS 1.2": ssl.TLSVersion.TLSv1_2}


class CredentialPanel(Panel):
    """A switch for the device's certificate, in front of a backend that requires one.

    It uses the files of the learner's folder, as Part 3 has made them: `ca/ca.crt`,
    `ca/ca.key`, `backend/server.crt`, `backend/server.key`, `backend/client_ca.pem`,
    `device/server_ca.pem`. Each flip opens one connection; `value` is its `Exchange`. If a file
    has changed since the last flip, the panel begins again with what is there now. One that is
    missing or does not fit is named in the panel, and `value` is its FileProblem.
    """

    name = "credential"
    looks = ("credential", "ladder")

    def __init__(self) -> None:
        super().__init__(
            "What does the device present?",
            "Choose a certificate: the device connects at once, and you see both sides.",
        )
        self._contents: list[bytes] = []
        self._build_controls()
        self.guard(self._flip)

    def _read_files(self) -> None:
        """Make the CA, the credentials and the backend's context from the files as they are."""
        need(*FILES, DEVICE_CA)
        contents = [read_file(file) for file in FILES]
        if contents == self._contents:
            return
        *ca_files, certfile, keyfile, client_ca = FILES
        self._store = CredentialStore(CertificateAuthority.load(*ca_files), "device/credentials")
        self._context = server_context(
            certfile, keyfile, client_ca=client_ca, crl=self._store.crl()
        )
        watch(self._context)
        self._contents = contents

    def _build_controls(self) -> None:
        titles = {name: credential.title for name, credential in catalogue().items()}
        self._main = ipywidgets.ToggleButtons(
            options=[(titles[name], name) for name in MAIN],
            description="Client certificate:",
            style=WIDE,
        )
        others = [(title, name) for name, title in titles.items() if name not in MAIN]
        self._more = ipywidgets.Dropdown(
            options=[("more…", ""), *others], description="Others:", style=WIDE
        )
        self._version = ipywidgets.ToggleButtons(
            options=list(VERSIONS), description="Version:", style=WIDE
        )
        self._by_name = ipywidgets.Checkbox(
            value=True, indent=False, description="Only CN=trusted-client may speak"
        )
        self.on_change(self._main, self._main_chosen)
        self.on_change(self._more, self._more_chosen)
        self.on_change(self._version, self._flip)
        self.on_change(self._by_name, self._flip)
        self.add(self._main, self._more)
        self.add(self._version, self._by_name)

        self._ladder = Ladder(self)
        self.add_beside(self._ladder.box)

    def select(
        self, credential: str, *, version: str = "TLS 1.3", by_name: bool = True
    ) -> Exchange:
        """Set the switches as a hand would, and return the exchange.

        Args:
            credential: a name of the catalogue, such as "none".
            version: "TLS 1.3" or "TLS 1.2".
            by_name: whether the backend serves CN=trusted-client only.

        Raises:
            UnknownName: there is no such credential or version.
        """
        if credential not in catalogue():
            raise UnknownName("credential", credential, catalogue())
        if version not in VERSIONS:
            raise UnknownName("version", version, VERSIONS)
        with self.turn:
            with self.quietly():
                self._main.value = credential if credential in MAIN else None
                self._more.value = "" if credential in MAIN else credential
                self._version.value, self._by_name.value = version, by_name
            self.guard(self._flip)
            exchange: Exchange = self.value
            return exchange

    def _main_chosen(self) -> None:
        if self._main.value is not None:
            with self.quietly():
                self._more.value = ""
            self._flip()

    def _more_chosen(self) -> None:
        with self.quietly():
            self._main.value = None if self._more.value else "valid"
        self._flip()

    def _flip(self) -> None:
        # Read once: a hand may be at the next switch already.
        name, spelled = self._main.value or self._more.value, self._version.value
        by_name = self._by_name.value
        self._read_files()
        credential, files = catalogue()[name], self._store.files(name)
        exchange = self._ask(files, spelled, by_name=by_name)
        chosen = f"{credential.title}, {spelled}"
        if not by_name:
            chosen += ", any name may speak"
        self._ladder.show(exchange.handshake, NOT_SENT)
        self.show(
            exchange,
            f"{chosen}\n{exchange}",
            self._body(credential, files, chosen, exchange, by_name=by_name),
            outcome="served" if exchange.ok else "refused",
        )

    def _ask(self, files: tuple[Path, ...], spelled: str, *, by_name: bool = True) -> Exchange:
        def present() -> ssl.SSLContext:
            context = client_context(DEVICE_CA, *files, version=VERSIONS[spelled])
            watch(context)
            return context

        authorize = only_trusted_client if by_name else None
        with Backend(self._context, authorize=authorize) as backend:
            return ask("GET_SECRET", backend, context=present)

    def still(self) -> str:
        """Return both sides and the handshake of each of the main credentials, from real runs."""
        return "".join(map(self._shown_still, MAIN))

    def _shown_still(self, name: str) -> str:
        credential, files, (version, *_) = catalogue()[name], self._store.files(name), VERSIONS
        exchange = self._ask(files, version)
        body = self._body(credential, files, f"{credential.title}, {version}", exchange)
        ladder = draw(exchange.handshake, told=(), inline=True, moving=False, page=f"still-{name}-")
        return beside(body, ladder)

    def _body(
        self,
        credential: Credential,
        files: tuple[Path, ...],
        chosen: str,
        exchange: Exchange,
        *,
        by_name: bool = True,
    ) -> str:
        certfile, keyfile = files or (None, None)
        explanation = explain(exchange, certfile=certfile, keyfile=keyfile)
        why = "" if exchange.ok else details(MEANS, reasons(explanation))
        wrong = credential.wrong if by_name else credential.without_rule or credential.wrong
        verdict = "the device gets the secret." if exchange.ok else explanation.who
        return "".join(
            [
                mark(exchange.ok, f"{chosen}: {verdict}"),
                f"<p>{escape(wrong)}</p>" if wrong else "",
                exchange._repr_html_(),
                why,
            ]
        )
