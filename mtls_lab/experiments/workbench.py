"""The workbench's values: a certificate to order, the trials of it, and what a refusal comes from.

Here: recipes, trials, and which choice a refusal comes from. Not here: the handshakes (trying.py),
the sentences (data/workbench.toml), the switches (panels), a refusal whose cause nobody knows
(diagnosing/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any

from cryptography import x509

from mtls_lab.common import UnknownName, read_facts
from mtls_lab.pki import Purpose
from mtls_lab.wire import Exchange, Failure, Side

__all__ = [
    "CHOICES",
    "DATES",
    "KEY_USAGES",
    "NAMES",
    "PURPOSES",
    "RULES",
    "Cause",
    "Recipe",
    "Trial",
    "Trials",
    "causes",
]

PURPOSES = {
    "server": [Purpose.SERVER],
    "client": [Purpose.CLIENT],
    "both": list(Purpose),
    "none": [],
}
KEY_USAGES = {
    "digitalSignature": ["digital_signature"],
    "keyEncipherment": ["key_encipherment"],
    "digitalSignature, keyCertSign": ["digital_signature", "key_cert_sign"],
    "none": None,
}
NAMES = {"localhost": ["localhost"], "another host": ["other.example"], "none": []}
DATES = {"valid": (0, 90), "expired": (-30, -1), "not yet valid": (1, 90)}

#: What each part of a recipe can be.
CHOICES: dict[str, Sequence[str | bool]] = {
    "purpose": list(PURPOSES),
    "key_usage": list(KEY_USAGES),
    "names": list(NAMES),
    "dates": list(DATES),
    "is_ca": [False, True],
    "authority_id": [True, False],
}

#: By whether they are strict, which `create_default_context` is from Python 3.13 on.
RULES = {False: "Python ≤ 3.12", True: "Python 3.13, strict"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to write into a certificate; by itself, the backend's certificate of Part 2.

    Attributes:
        purpose: the extended key usage, "server", "client", "both" or "none".
        key_usage: the key usage, "none" leaves it out.
        names: the subject alternative name, "localhost", "another host" or "none".
        dates: "valid", "expired" or "not yet valid".
        is_ca: whether its basic constraints say CA:TRUE.
        authority_id: whether it has an authority key identifier.

    Raises:
        UnknownName: a choice that does not exist.

    Example:
        >>> print(Recipe(dates="expired"))  # doctest: +NORMALIZE_WHITESPACE
        extended key usage serverAuth, key usage digitalSignature, SAN localhost, CA:FALSE, expired,
        with authority key identifier
    """

    purpose: str = "server"
    key_usage: str = "digitalSignature"
    names: str = "localhost"
    dates: str = "valid"
    is_ca: bool = False
    authority_id: bool = True

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if value not in CHOICES[part.name]:
                raise UnknownName(part.name, str(value), map(str, CHOICES[part.name]))

    def __str__(self) -> str:
        purpose = ", ".join(f"{purpose.name.lower()}Auth" for purpose in PURPOSES[self.purpose])
        return (
            f"extended key usage {purpose or 'none'}, key usage {self.key_usage}, "
            f"SAN {self.names}, CA:{str(self.is_ca).upper()}, {self.dates}, "
            f"{'with' if self.authority_id else 'without'} authority key identifier"
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """One handshake in which the certificate was presented.

    Attributes:
        role: "as a server", "as a client", or "as a CA": then a device showed a certificate
            that this one had signed.
        strict: whether the other side verified by the strict rules.
        exchange: what both sides saw.
    """

    role: str
    strict: bool
    exchange: Exchange

    @property
    def verifier(self) -> Side | None:
        """The side that refused it, or else the side that failed; None if it was accepted."""
        device, backend = self.exchange.device, self.exchange.backend
        first, second = (device, backend) if self.role == "as a server" else (backend, device)
        return next((side for side in (first, second) if side and side.failure), None)

    @property
    def failure(self) -> Failure | None:
        """The error of the side that verified, or None if it accepted."""
        return self.verifier.failure if self.verifier else None


@dataclass(frozen=True)
class Trials:
    """A certificate, and every trial it went through. Its text is the same on every run.

    Example:
        >>> from mtls_lab.experiments import Workbench
        >>> print(Workbench().judge(Recipe(authority_id=False)))  # doctest: +NORMALIZE_WHITESPACE
        extended key usage serverAuth, key usage digitalSignature, SAN localhost, CA:FALSE, valid,
        without authority key identifier
          as a server, Python ≤ 3.12: ✓ accepted
          as a server, Python 3.13, strict: ✗ Missing Authority Key Identifier (verify code 85)
          as a client, Python ≤ 3.12: ✗ unsuitable certificate purpose (verify code 26)
          as a client, Python 3.13, strict: ✗ Missing Authority Key Identifier (verify code 85)
    """

    recipe: Recipe | None
    certificate: x509.Certificate
    trials: tuple[Trial, ...]
    title: str = ""

    @property
    def roles(self) -> dict[str, tuple[Trial, ...]]:
        """The trials of each role, by the older rules first."""
        names = dict.fromkeys(trial.role for trial in self.trials)
        return {name: tuple(t for t in self.trials if t.role == name) for name in names}

    def __str__(self) -> str:
        lines = [self.title or str(self.recipe)]
        for trial in self.trials:
            words = "✓ accepted"
            if trial.failure:
                words = f"✗ {str(trial.failure).removeprefix('SSLCertVerificationError: ')}"
            lines.append(f"  {trial.role}, {RULES[trial.strict]}: {words}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Cause:
    """What in a recipe a refusal comes from.

    Attributes:
        name: its entry in data/workbench.toml.
        why: the cause, a sentence.
        change: the part and the choice that remove this cause; None if no choice does.
        fix: then, what would remove it.
    """

    name: str
    why: str
    change: tuple[str, str | bool] | None = None
    fix: str = ""


def causes(recipe: Recipe | None, trial: Trial) -> tuple[Cause, ...]:
    """Return what a trial was refused for; several, if one code stands for several mistakes.

    The recipe is known here, so that nothing has to be guessed from the error, as `explain` must.

    Example:
        >>> from mtls_lab.experiments import Workbench
        >>> verdict = Workbench().judge(Recipe(key_usage="keyEncipherment"))
        >>> client, _ = verdict.roles["as a client"]
        >>> [cause.name for cause in causes(verdict.recipe, client)]
        ['not_for_clients', 'client_cannot_sign']
    """
    if trial.failure is None or recipe is None:
        return ()
    chosen = asdict(recipe) | {"role": trial.role}
    return tuple(
        Cause(name, cause["why"], next(iter(cause["change"].items()), None), cause.get("fix", ""))
        for name, cause in _refused().items()
        if cause["code"] == trial.failure.verify_code
        and all(chosen[part] in wanted for part, wanted in cause["when"].items())
    )


@cache
def _refused() -> dict[str, dict[str, Any]]:
    refused: dict[str, dict[str, Any]] = read_facts("workbench")["refused"]
    return refused
