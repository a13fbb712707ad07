"""The faults of faults.toml, and what counts as found."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from mtls_lab.diagnosing import Diagnosis, diagnose
from tests.interop.peers.inside import asynchronous, plain, python
from tests.interop.peers.programs import STACKS
from tests.interop.peers.running import Setup

ALL = STACKS | {"python": python, "asyncio": asynchronous, "plain": plain}


@dataclass(frozen=True)
class Fault:
    """One entry of faults.toml."""

    stack: str
    cause: str
    says: str = ""
    server: str = "server"
    clients: str = "required"
    ca: str = "ca.pem"
    versions: str = ""
    extra: str = ""
    client: str = "client"
    name: str = "localhost"
    trust: str = "ca.pem"
    http: bool = False
    starttls: str = ""

    def __str__(self) -> str:
        parts = [self.stack, self.cause or "fine", self.client, self.server, self.clients]
        parts += [self.extra or self.versions, "http" * self.http]
        return "-".join(filter(None, parts)).replace(" ", "_")

    def setup(self, folder: Path) -> Setup:
        return Setup(folder, self.server, self.clients, self.ca, self.versions, self.extra)


FAULTS = [
    Fault(**entry)
    for entry in tomllib.loads((Path(__file__).parent / "faults.toml").read_text("utf-8"))["fault"]
]


def asked(fault: Fault, folder: Path) -> Diagnosis:
    """Start the server, diagnose it, end it."""
    with ALL[fault.stack](fault.setup(folder)) as server:
        return diagnose(
            ("127.0.0.1", server.port),
            cafile=folder / fault.trust if fault.trust else None,
            certfile=folder / f"{fault.client}.crt" if fault.client else None,
            keyfile=folder / f"{fault.client}.key" if fault.client else None,
            server_hostname=fault.name,
            http=fault.http,
            starttls=fault.starttls,
        )


def judged(fault: Fault, diagnosis: Diagnosis) -> str:
    """Return what is wrong with a diagnosis: another cause is first, or certain; or `""`."""
    names = [cause.name for cause in diagnosis.causes]
    if names[:1] != [fault.cause] * bool(fault.cause):
        return f"said {names}"
    first = diagnosis.causes[0] if names else None
    if first and fault.says not in f"{first.says} {first.fix}":
        return f"said {first.says}"
    certain = {cause.name for cause in diagnosis.causes if cause.certain} - {fault.cause}
    return f"certain of {certain}" if certain else ""
