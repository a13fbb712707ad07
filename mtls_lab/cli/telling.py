"""What `ask` and `serve` say of a failure: their options in place of the lines of a notebook.

Here: what only the command knows, which is what it loaded and what it left out, and the words for
it. Not here: what a failure means (diagnosis/), and when it is told (asking.py, serving.py).
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mtls_lab.diagnosis import Explanation, explain
from mtls_lab.errors import FileProblem
from mtls_lab.program import typed
from mtls_lab.text import printable
from mtls_lab.wire import Direction, Message

__all__ = ["in_options", "not_loaded", "of_another_ca", "said", "without_certificate"]

#: What the notebooks write, and what does the same here.
WORDS = (
    (r", loaded by (load_\w+|create_default_context\(cafile=…\))", ""),
    (r"load_cert_chain is missing, or the option of its library \([^)]*\)", "none was given"),
    (r"Load both into the device's context before it connects\.", "Pass --certfile and --keyfile."),
    (r"load_cert_chain in the device's context", "--certfile and --keyfile"),
    (r"The order is load_cert_chain\(certfile, keyfile\)[^.]*\. What", "What"),
    (r"server_hostname in the device's wrap_socket", "HOST, or --server-name"),
    (r"backend\.address; the address", "the address that the backend prints; the address"),
    (r", or has been stopped: at the end of its with block[^;]*;", ", or has been stopped;"),
    (r"with port 0, each start takes a free one", "without --port, each start takes a free one"),
    (
        r"Start the backend with serve\(…\) and ask it by backend\.address\..*a port\.",
        "Start the backend with {serve}, and ask at the address that it prints. For two machines, "
        "give it --host 0.0.0.0 and --port.",
    ),
    (r"the backend with its context, serve\(server_context\),", "the backend without --plain"),
    (r"authorize in (the backend's )?serve\(…\)", "--allow of the backend"),
    (r"Give load_cert_chain\(…, password=…\) the right", "Pass --password-file with the right"),
    (r"as in load_cert_chain\([^)]*\)", "as in --certfile client.crt --keyfile client.key"),
    (r"load_cert_chain (looks|cannot)", r"OpenSSL \1"),
    (r"explain\([^)]*\)", "{explain}, which takes the files too,"),
    (r"the context that the device was given", "--plain, which one side has and the other has not"),
    (
        r"See whether the backend has a context\. If so, give the device one too\.",
        "See whether the backend was started with --plain. If not, leave it out here.",
    ),
    (r"serve\(…\) without a context", "a backend with --plain"),
    (r"enter\(…\) of mtls_lab makes what earlier parts made", "{certs} makes new ones in a folder"),
    (r"the password that load_cert_chain was given", "--password-file, or what was typed"),
    (r"Python does not say which file is missing; a look into the folder does\. ", ""),
)


def in_options(told: Explanation) -> Explanation:
    """Return an explanation in the words of the command line."""
    return replace(
        told,
        who=said(told.who),
        what=said(told.what),
        why=said(told.why),
        where=said(told.where),
        fix=said(told.fix),
        causes=tuple(map(said, told.causes)),
        files=tuple(map(said, told.files)),
    )


def said(text: str) -> str:
    """Return a text in the words of the command line.

    Example:
        >>> said("backend/server.crt, loaded by load_cert_chain")
        'backend/server.crt'
    """
    names = {name: typed(name) for name in ("serve", "certs", "explain")}
    for written, here in WORDS:
        if "{" in here:  # a path of Windows has backslashes
            here = here.format_map(names).replace("\\", r"\\")  # noqa: PLW2901
        text = re.sub(written, here, text)
    return text


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
    from mtls_lab.bench.served import Served  # noqa: PLC0415 - most failures need none of it
    from mtls_lab.pki import pem  # noqa: PLC0415
    from mtls_lab.pki.rules import told as named  # noqa: PLC0415

    shown = (m for m in messages if m.name == "Certificate" and m.direction is Direction.TO_DEVICE)
    served = Served.of(next(shown, None))
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
        command=f"openssl x509 -in {cafile} -noout -subject -ext subjectKeyIdentifier",
        causes=causes,
    )
