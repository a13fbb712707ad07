"""One certificate or many? A fleet of devices, a stolen key, and who can still connect.

Here: real keys, certificates and a real CRL for a fleet, one real handshake for each identity,
and what it all costs. Not here: the grid (panels/fleet.py).
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.common import UnknownName, scratch_folder
from mtls_lab.enrolment import ask_all
from mtls_lab.net import Backend, client_context, forbid_resumption, server_context
from mtls_lab.pki import CertificateAuthority, Identity, pem
from mtls_lab.wire import Exchange

__all__ = ["SHARING", "STATES", "Device", "Fleet", "Report", "count"]

#: Devices that leave the factory in one go.
BATCH = 4
#: Every third device is of the variant "pro"; the others are "basic".
PRO = 3

#: Who has a key in common, each with its words.
SHARING = {
    "shared": "one key for all devices",
    "batch": "one key for each batch",
    "variant": "one key for each variant",
    "device": "one key for each device",
}

#: What has happened so far; each state includes those before it.
STATES = {
    "well": "no key was copied",
    "stolen": "the key of {device} was copied",
    "revoked": "the key of {device} was copied, and its certificate is revoked",
    "replaced": "the key of {device} was copied, revoked and replaced",
}


@dataclass(frozen=True, slots=True)
class Device:
    """One device, or the thief with the copy of one device's files.

    Attributes:
        name: "01" to "24", or "thief".
        identity: the common name of the certificate that it shows.
        exchange: what came of its asking for the secret.
    """

    name: str
    identity: str
    exchange: Exchange

    @property
    def served(self) -> bool:
        """Whether it got the secret."""
        return self.exchange.ok


@dataclass(frozen=True)
class Report:
    """A fleet in one state: who is served, and what it has cost so far.

    Attributes:
        sharing, state: as they were asked for.
        stolen: the number of the device whose key was copied.
        devices: the fleet, in order.
        thief: the copy; None as long as all is well.
        keys: how many keys and certificates were made, those for replacement included.
        revoked: how many entries the revocation list has.
        recalled: how many devices need a new key and a new certificate.

    Example:
        >>> print(Fleet(8, "batch").report("revoked", stolen=2))
        8 devices, one key for each batch: the key of 02 was copied, and its certificate is revoked
          served    05 06 07 08
          refused   01 02 03 04
          thief     refused
          cost      2 keys made and certified, 1 revoked, 4 devices to recall
    """

    sharing: str
    state: str
    stolen: int
    devices: tuple[Device, ...]
    thief: Device | None
    keys: int
    revoked: int
    recalled: int

    @property
    def served(self) -> tuple[Device, ...]:
        """The devices that get the secret, without the thief."""
        return tuple(device for device in self.devices if device.served)

    @property
    def refused(self) -> tuple[Device, ...]:
        """The devices that are refused."""
        return tuple(device for device in self.devices if not device.served)

    @property
    def cost(self) -> str:
        """What was made, revoked and has to be brought in, in words."""
        recalled = "recalled" if self.state == "replaced" else "to recall"
        return (
            f"{count(self.keys, 'key')} made and certified, {self.revoked} revoked, "
            f"{count(self.recalled, 'device')} {recalled}"
        )

    def __str__(self) -> str:
        happened = STATES[self.state].format(device=f"{self.stolen:02}")
        lines = [f"{count(len(self.devices), 'device')}, {SHARING[self.sharing]}: {happened}"]
        for title, devices in (("served", self.served), ("refused", self.refused)):
            lines.append(f"  {title:<9} {' '.join(d.name for d in devices) or 'none'}")
        if self.thief:
            lines.append(f"  thief     {'served' if self.thief.served else 'refused'}")
        lines.append(f"  cost      {self.cost}")
        return "\n".join(lines)


def count(number: int, thing: str) -> str:
    """Return "1 key" or "2 keys".

    Example:
        >>> count(1, "key"), count(0, "device")
        ('1 key', '0 devices')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _name(sharing: str, number: int) -> str:
    """The common name that a device has in its certificate."""
    return {
        "shared": "fleet",
        "batch": f"batch-{(number - 1) // BATCH + 1}",
        "variant": "variant-pro" if number % PRO == 0 else "variant-basic",
        "device": f"device-{number:02}",
    }[sharing]


class Fleet:
    """So many devices, with keys shared in one way; made once, asked as often as you like.

    Args:
        size: how many devices.
        sharing: who has a key in common, one of `SHARING`.

    Raises:
        UnknownName: there is no such way of sharing.
    """

    def __init__(self, size: int, sharing: str) -> None:
        if sharing not in SHARING:
            raise UnknownName("sharing", sharing, SHARING)
        self.sharing = sharing
        self.names = {number: _name(sharing, number) for number in range(1, size + 1)}
        self._ca = CertificateAuthority.create("Device CA")
        # The backend has another CA, as in the other parts. With a root that both trust, OpenSSL
        # would check its own chain in each handshake, and send the root along.
        self._server_ca = CertificateAuthority.create("Backend CA")
        self._server = self._server_ca.issue_server(["localhost"])
        names = dict.fromkeys(self.names.values())
        self._certificates = {name: self._ca.issue_client(name) for name in names}
        self._contexts = self._present(self._certificates)
        #: Made when first needed: the backend's context by the name that is revoked, and that of
        #: a device with its new key.
        self._backends: dict[str | None, ssl.SSLContext] = {}
        self._replaced: dict[str, ssl.SSLContext] = {}

    def report(self, state: str = "well", *, stolen: int = 1) -> Report:
        """Let every identity ask the backend for the secret, in this state of affairs.

        Args:
            state: one of `STATES`.
            stolen: whose key was copied, from 1 on.

        Raises:
            UnknownName: there is no such state or device.
        """
        if state not in STATES:
            raise UnknownName("state", state, STATES)
        if stolen not in self.names:
            raise UnknownName("device", str(stolen), map(str, self.names))
        shared = self.names[stolen]
        revoked = shared if state in {"revoked", "replaced"} else None
        shows = dict(self._contexts)
        if state != "well":
            shows["thief"] = shows[shared]
        if state == "replaced":
            shows[shared] = self._with_a_new_key(shared)
        with Backend(self._backend(revoked)) as backend:
            exchanges = ask_all(shows, backend).exchanges
        devices = tuple(
            Device(f"{number:02}", name, exchanges[name]) for number, name in self.names.items()
        )
        return Report(
            self.sharing,
            state,
            stolen,
            devices,
            Device("thief", shared, exchanges["thief"]) if "thief" in exchanges else None,
            keys=len(self._certificates) + (state == "replaced"),
            revoked=0 if revoked is None else 1,
            recalled=0 if revoked is None else list(self.names.values()).count(revoked),
        )

    def _present(self, identities: dict[str, Identity]) -> dict[str, ssl.SSLContext]:
        """Make the context of each device."""
        contexts = {}
        with scratch_folder() as folder:
            root = Path(folder, "server_ca.pem")
            pem.write_certificate(root, self._server_ca.certificate)
            for name, identity in identities.items():
                contexts[name] = client_context(root)
                identity.load_into(contexts[name])
        return contexts

    def _with_a_new_key(self, name: str) -> ssl.SSLContext:
        if name not in self._replaced:
            self._replaced |= self._present({name: self._ca.issue_client(name)})
        return self._replaced[name]

    def _backend(self, revoked: str | None) -> ssl.SSLContext:
        """Return the backend's context, with the list on which this name's certificate is."""
        if revoked not in self._backends:
            # A CA of its own for this list: what is revoked in one state is not in another.
            ca = CertificateAuthority(self._ca.key, self._ca.certificate)
            if revoked is not None:
                ca.revoke(self._certificates[revoked].certificate)
            with scratch_folder() as folder:
                root, crl = Path(folder, "client_ca.pem"), Path(folder, "client_ca.crl")
                pem.write_certificate(root, ca.certificate)
                pem.write_crl(crl, ca.crl())
                files = self._server.save(folder, "server")
                context = server_context(*files, client_ca=root, crl=crl)
            forbid_resumption(context)  # each key is tried in a full handshake, every time
            self._backends[revoked] = context
        return self._backends[revoked]
