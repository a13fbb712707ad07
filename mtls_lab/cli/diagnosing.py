"""The command `mtls-lab diagnose`: how its answer is printed.

Here: colours, JSON, and the log of `--listen`. Not here: its arguments (calls.py), and the
diagnosis (diagnosing/).
"""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import closing
from dataclasses import asdict, replace
from itertools import islice
from typing import TYPE_CHECKING

from mtls_lab.cli.ending import Events, code_for, noted
from mtls_lab.common import (
    FileProblem,
    LabError,
    Password,
    coloured,
    columns,
    host_and_port,
    json_text,
)

if TYPE_CHECKING:
    from pathlib import Path

    from mtls_lab.diagnosing import Client, Diagnosis

__all__ = ["run"]

BOLD, PLAIN = "\x1b[1m", "\x1b[0m"
#: Where a line goes on: one of what was seen, of a cause, of a label in it.
SEEN, CAUSE, LABEL = 16, 3, 7
COLOURS = {"✓": "\x1b[32m", "✗": "\x1b[31m", "!": "\x1b[33m"}


def run(options: argparse.Namespace) -> int:
    """Diagnose, print the answer, and return the exit code of its class.

    Raises:
        LabError: the arguments do not fit together, or a file does not load.
    """
    from mtls_lab.cli.place import refuse_pipes  # noqa: PLC0415 - it loads cryptography

    if options.fault == "list":
        return _faults(as_json=options.json)
    refuse_pipes(options.ca, options.cert, options.key, options.client_ca, once=False)
    if options.listen is not None:
        return _listen(options)
    if not options.target:
        raise LabError(
            "no server",
            "HOST:PORT, or --listen PORT to be the server",
            "name the server to diagnose, such as api.example:8443",
        )
    if options.fault:
        raise LabError("--fault without --listen", "a port to misbehave on", "add --listen PORT")
    from mtls_lab.diagnosing import diagnose  # noqa: PLC0415 - it loads cryptography

    told = diagnose(
        options.target,
        cafile=options.ca,
        certfile=options.cert,
        keyfile=options.key,
        password=_password(options),
        server_hostname=options.server_name,
        starttls=options.starttls,
        http=options.http,
        send=options.send,
        timeout=options.timeout,
    )
    causes = (
        replace(each, says=_in_options(each.says), fix=_in_options(each.fix))
        for each in told.causes
    )
    told = replace(told, causes=tuple(causes))
    if options.json:
        shown = {"class": told.kind, "code": told.code} | asdict(told)
        print(json_text(shown, indent=1))
    else:
        print(_for_a_terminal(told, width) if (width := columns(sys.stdout)) else told)
    return told.code


def _in_options(text: str) -> str:
    """Say it with the options of this command, which are shorter than those of the others."""
    from mtls_lab.explaining.wording import typed_here  # noqa: PLC0415 - see run

    return re.sub(r"--(cert|key|ca)file\b", r"--\1", typed_here(text))


def _password(options: argparse.Namespace) -> Password:
    """The password of the key, or of a PKCS #12 file, which is asked for at a terminal."""
    from mtls_lab.cli.passwords import password_for  # noqa: PLC0415 - see run

    files = (options.cert, options.key, options.ca, options.client_ca)
    return password_for(files, options.password_file) or ""


def _faults(*, as_json: bool) -> int:
    from mtls_lab.diagnosing import catalogue_of_faults  # noqa: PLC0415 - see run

    if as_json:
        print(json_text(catalogue_of_faults(), indent=1))
    else:
        for name, entry in catalogue_of_faults().items():
            print(f"{name:<22}{entry['does']}\n{'':<22}a careful client: {entry['right']}")
    return 0


def _listen(options: argparse.Namespace) -> int:
    """Tell of each client, until Ctrl-C or until there were enough."""
    from mtls_lab.diagnosing import listen  # noqa: PLC0415 - see run

    if options.target:
        raise LabError(
            f"{options.target} and --listen", "a server to call, or a port", "leave out one of them"
        )
    clients: Events[Client] = Events()
    try:
        with noted() as ends:
            with (
                listen(
                    host=options.host,
                    port=options.listen,
                    certfile=options.cert,
                    keyfile=options.key,
                    password=_password(options),
                    client_ca=options.client_ca,
                    fault=options.fault,
                    save_ca=options.save_ca,
                    tell=clients.put,
                ) as address,
                closing(clients),
            ):
                where = host_and_port(*address)
                print(f"Listening on {where}. Ctrl-C ends it.", file=sys.stderr, flush=True)
                for client in islice(clients.until(ends), options.count or None):
                    _tell(client, as_json=options.json)
            if ends:  # who was served a moment ago: known once its thread has ended
                for client in clients.left():
                    _tell(client, as_json=options.json)
    except BrokenPipeError:
        raise  # nobody reads on
    except FileProblem as error:
        raise FileProblem(error.found, error.expected, _in_options(error.todo)) from None
    except (OSError, ValueError) as error:
        from mtls_lab.cli.telling import not_loaded  # noqa: PLC0415 - see run

        ca = options.client_ca if _does_not_load(options.client_ca) else None
        told = not_loaded(error, options.cert, options.key, ca, "--client-ca")
        raise LabError(told.what, "files that load", _in_options(told.fix)) from None
    return code_for(ends)


def _does_not_load(cafile: Path | None) -> bool:
    from mtls_lab.diagnosing.own import look_into  # noqa: PLC0415 - see run

    return bool(look_into(cafile, None, None).problems)


def _tell(client: Client, *, as_json: bool) -> None:
    print(json_text(asdict(client)) if as_json else client, flush=True)


def _for_a_terminal(told: Diagnosis, width: int) -> str:
    """Lines that fit, and colours; what is copied, a command, stays on one line."""
    from mtls_lab.explaining.cards import fold  # noqa: PLC0415 - see run

    first, *rest = str(told).splitlines()
    lines = [first]
    for line in rest:
        sign = line[2:3] if line.startswith("  ") else ""
        indent = SEEN if sign.strip() else CAUSE + LABEL if line.startswith(" ") else CAUSE
        whole = line.lstrip().startswith("Check:")
        text = line if whole or not line else "\n".join(fold(line, width, indent))
        lines.append(_in_colours(text, sign) if coloured() else text)
    return "\n".join(lines)


def _in_colours(text: str, sign: str) -> str:
    if sign in COLOURS:
        return f"  {COLOURS[sign]}{sign}{PLAIN}{text[3:]}"
    return f"{BOLD}{text}{PLAIN}" if text[:1].isdigit() else text
