"""What `ask` and `serve` say of a failure: their options in place of the lines of a notebook.

Here: what only the command knows, which is what it loaded and what it left out. Not here: what a
failure means, and its words (explaining/), and when it is told (asking.py, serving.py).
"""

from __future__ import annotations

import shlex
import ssl
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mtls_lab.common import FileProblem, columns, printable
from mtls_lab.explaining import Explanation, explain
from mtls_lab.explaining.cards import folded
from mtls_lab.explaining.wording import typed_here
from mtls_lab.wire import Direction, Message

__all__ = ["complain", "in_options", "not_loaded", "of_another_ca", "without_certificate"]


def complain(told: Explanation) -> None:
    """Print an explanation to standard error: in a terminal, lines that fit it."""
    width = columns(sys.stderr)
    print(folded(told, width) if width else told, file=sys.stderr)


def in_options(told: Explanation) -> Explanation:
    """Return an explanation in the words of the command line."""
    return replace(
        told,
        who=typed_here(told.who),
        what=typed_here(told.what),
        why=typed_here(told.why),
        where=typed_here(told.where),
        fix=typed_here(told.fix),
        causes=tuple(map(typed_here, told.causes)),
        files=tuple(map(typed_here, told.files)),
    )


def not_loaded(
    error: Exception,
    certfile: Path | None,
    keyfile: Path | None,
    cafile: Path | None,
    option: str,
) -> Explanation:
    """Explain why files do not load: the pair, or the CAs that `option` names."""
    if cafile is not None and not isinstance(error, FileNotFoundError):
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile)
        except (OSError, ValueError) as alone:
            return in_options(_of_one_file(explain(alone, cafile=cafile), option))
    return in_options(explain(error, certfile=certfile, keyfile=keyfile, cafile=cafile))


def _of_one_file(told: Explanation, option: str) -> Explanation:
    """Say of a file that was given alone what is wrong: there is nothing to exchange it with."""
    fix = told.fix.replace("Exchange the two names, or name the right file.", "Name the right file")
    fix = f"{fix} ({option})." if fix != told.fix else fix
    why = "" if "load_cert_chain(certfile, keyfile)" in told.why else told.why
    return replace(told, why=why, fix=fix)


def without_certificate(told: Explanation) -> Explanation:
    """Say why the backend got no certificate: it was told so on this command line."""
    return replace(
        told,
        why="This command showed no certificate, because of --no-certificate.",
        where="--no-certificate",
        fix="Leave out --no-certificate, or start the backend with --tls.",
        command="",
        causes=(),
    )


def of_another_ca(told: Explanation, cafile: Path, messages: Sequence[Message]) -> Explanation:
    """Say which CAs were loaded, and which chain the backend showed.

    Both are seen here; who answers at the address is not.
    """
    from mtls_lab.diagnosing.attempts import Served, first  # noqa: PLC0415 - most failures need none
    from mtls_lab.pki import pem  # noqa: PLC0415
    from mtls_lab.pki.rules import told as named  # noqa: PLC0415

    served = Served.of(first(messages, "Certificate", Direction.TO_DEVICE))
    try:
        loaded = sorted({named(each.subject) for each in pem.read_certificates(cafile)})
    except FileProblem:
        return told
    if not served.chain or not loaded:
        return told
    top = named(served.chain[-1].issuer)
    same = (
        f" Both are called {top}, which proves nothing: what counts is the key."
        if top in loaded
        else ""
    )
    causes = (
        f"{cafile} is the file of another CA",
        "the backend was started with a certificate of another CA, or another program answers "
        "at this address",
    )
    numbered = "; ".join(f"({number}) {each}" for number, each in enumerate(causes, 1))
    seen = f"{cafile} was loaded and holds {', '.join(loaded)}. The backend showed {served.path}, "
    seen += f"and no chain leads from there to {cafile}.{same} "
    return replace(
        told,
        why=printable(f"{seen}One of these, which look the same from here: {numbered}."),
        where=f"{cafile} (--server-ca)",
        fix="Get the CA file that belongs to this backend from its owner, and pass it: "
        "--server-ca FILE.",
        command=f"openssl x509 -in {shlex.quote(str(cafile))} -noout -subject"
        " -ext subjectKeyIdentifier",
        causes=causes,
    )
