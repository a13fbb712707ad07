"""What a text becomes on its way is undone, and what is nobody else's business left out."""

import html
import json
import time
from collections.abc import Callable

import pytest

from mtls_lab import explain
from mtls_lab.explaining.excerpt import READ, shortened
from mtls_lab.explaining.pasted import discreet


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("host=db sslpassword=hunter2 user=a", "host=db sslpassword=… user=a"),
        (
            "-Djavax.net.ssl.keyStorePassword=hunter2 -jar",
            "-Djavax.net.ssl.keyStorePassword=… -jar",
        ),
        ("jdbc:postgresql://h/db?user=a&password=hunter2&ssl=true", "user=a&password=…&ssl=true"),
        ('{"password": "hunter2, or not", "port": 1}', '{"password": …, "port": 1}'),
        ("{'password': 'hunter2'}", "{'password': …}"),
        ("> Authorization: Bearer hunter2", "> Authorization: Bearer …"),
        ("dial amqps://app:hunter2@mq:5671: EOF", "dial amqps://app:…@mq:5671: EOF"),
    ],
)
def test_secrets_are_left_out(line: str, shown: str) -> None:
    assert shown in discreet(line)
    told = explain(f"{line} remote error: tls: bad certificate")
    assert told.known
    assert "hunter2" not in str(told)
    assert "hunter2" not in str(explain(line))


@pytest.mark.parametrize(
    "line",
    [
        "enter password: no pin given",
        "https://db.example:5432/ refused the password: bad certificate",
        "connect to https://[::1]:443/ failed",
        "the key's password was not given",
        "http://proxy:3128 and user@host",
    ],
)
def test_the_rest_stays(line: str) -> None:
    assert discreet(line) == line


@pytest.mark.parametrize(
    "text", ["password=" * 1000, "a://" * 2000, "a" * 8000 + "password", "'password'" * 800]
)
def test_it_takes_no_longer_for_a_hostile_line(text: str) -> None:
    began = time.process_time()
    discreet(text)
    assert time.process_time() - began < 0.2


# --- On its way from a program to an explanation

LINE = (
    "Traceback (most recent call last):\n"
    '  File "client.py", line 4, in <module>\n'
    '    c.tls_set("ca.crt", tls_version="tlsv1.2")\n'
    '  File "paho/mqtt/client.py", line 1268, in tls_set\n'
    "    context = ssl.SSLContext(tls_version)\n"
    "TypeError: 'str' object cannot be interpreted as an integer"
)


def before(each: str) -> Callable[[str], str]:
    return lambda text: "\n".join(f"{each}{line}" for line in text.split("\n"))


WAYS: dict[str, Callable[[str], str]] = {
    "a page": lambda text: text.replace(" ", "\u00a0"),
    "the source of a page": html.escape,
    "a word processor": lambda text: text.replace("'", "\u2019").replace('"', "\u201d"),
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "JSON": lambda text: json.dumps({"level": "error", "msg": text}),
    "docker compose": before("api-1  | "),
    "syslog": before("Nov 27 20:11:01 vm app[123]: "),
    "a container": before("2026-11-27T20:00:00.000000000Z stderr F "),
    "CI": before("2026-11-27T20:00:00.0000000Z "),
    "another CI": before("2026-11-27T20:00:00.000000Z 01O "),
    "kubectl logs --prefix": before("[pod/api-7d4b9c6f5-x2x9k/api] "),
    "a platform": before("2026-11-27T20:00:00.000000+00:00 app[web.1]: "),
    "a cloud": before("2026-11-27T20:00:00.000Z\t3a7f0c1e-8d2b-4f6a-9c1d-0e2f3a4b5c6d\tERROR\t"),
    "times": before("20:00:00 "),
    "an answer to a mail": before("> "),
    "a list": before("- "),
    "grep -n": before("app.log:17:"),
    "an editor": before("  17\t"),
    "rsyslog": lambda text: f"Nov 27 20:11:01 vm app[123]: {text}".replace("\n", "#012"),
    "nginx": lambda text: text.replace("\n", r"\x0A").replace('"', r"\x22"),
    "XML": lambda text: html.escape(text).replace("\n", "&#10;"),
    "another page": lambda text: text.replace("\n", "<br/>\n"),
    "an annotation of CI": lambda text: "::error::" + text.replace("\n", "%0A"),
    "a container's own file": lambda text: "\n".join(
        json.dumps({"log": f"{line}\n", "stream": "stderr", "time": "2026-11-27T20:00:00Z"})
        for line in text.split("\n")
    ),
    "JSON among JSON": lambda text: "\n".join(
        json.dumps({"level": "error", "msg": each}) for each in ("it begins", text, "once more")
    ),
    "JSON in JSON": lambda text: json.dumps({"log": json.dumps({"msg": text})}),
    "repr": repr,
}


@pytest.mark.parametrize("way", WAYS)
def test_what_becomes_of_a_text_on_its_way(way: str) -> None:
    assert explain(LINE).entry == "option_value"
    assert explain(WAYS[way](LINE)).entry == "option_value"


ONE = "ERROR 2026 (HY000): TLS/SSL error: self-signed certificate in certificate chain"
BROKEN: dict[str, Callable[[str], str]] = {
    "a mail": lambda text: text.replace("in certificate", "in\ncertificate"),
    "a terminal": lambda text: (
        text.replace("E", "On the machine db: E", 1)[:80]
        + "\n"
        + text.replace("E", "On the machine db: E", 1)[80:]
    ),
    "a PDF": lambda text: text.replace(" ", "  "),
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_line_that_was_broken_says_what_it_said(way: str) -> None:
    """The first half alone would say another thing: that the certificate is self-signed."""
    assert explain(ONE).entry == "unknown_root"
    assert explain(BROKEN[way](ONE)).entry == "unknown_root"


def test_a_log_that_a_terminal_has_broken_is_whole_again() -> None:
    log = [f"2026-11-27 20:00:0{n} INFO the worker has answered request number {n}" for n in (1, 2)]
    broken = [line[at : at + 75] for line in [*log, *[f"{ONE} (after 3 attempts)"] * 2, *log]
              for at in range(0, len(line), 75)]  # fmt: skip
    told = explain("\n".join(broken))
    assert told.entry == "unknown_root"
    assert told.says.startswith(ONE)


def test_lines_of_one_width_by_chance_stay_lines() -> None:
    """The same line twice, the widest of all: no terminal has broken it."""
    line = "OpenSSL Error[0]: error:0A00045C:SSL routines::tlsv13 alert certificate required"
    told = explain(f"bridge is connecting\n{line}\n{line}\nclient closed its connection")
    assert told.entry == "alert_certificate_required"
    assert told.says == line


def test_a_windows_path_has_no_line_ends() -> None:
    told = explain(r"open C:\\nginx\\new\\client.crt: no such file or directory")
    assert r"C:\\nginx\\new\\client.crt" in told.says


def test_what_rust_prints_over_lines_is_one_term() -> None:
    term = "error: Custom {\n    error: InvalidCertificate(\n        {},\n    ),\n}"
    assert explain(term.replace("{}", "UnknownIssuer")).entry == "unknown_issuer"
    assert explain(term.replace("{}", "Expired")).entry == "expired"


def test_lines_of_two_programs_stay_two() -> None:
    told = explain(f"{ONE}\nsshd: no such file or directory")
    assert told.says == ONE


def test_the_name_of_a_program_before_a_line_stays() -> None:
    told = explain("Nov 27 20:11:01 vm nginx[9]: SSL_do_handshake() failed: no shared cipher")
    assert "nginx" in told.stack


@pytest.mark.parametrize(
    "text",
    [
        "A(\n" + " " * 200_000,
        '{"log":"' + '","stream":"' * 20_000,
        "\\" * 200_000 + "n",
        ("a" * 100 + "\nb") * 2_400,
        " at \n" + "1234 " * 40_000,
    ],
    ids=lambda text: text[:12],
)
def test_what_is_undone_takes_no_longer_for_a_hostile_text(text: str) -> None:
    began = time.process_time()
    assert explain(text).entry == "unknown_line"
    assert time.process_time() - began < 3


@pytest.mark.parametrize("form", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_log_in_utf_16_is_read(form: str) -> None:
    """So PowerShell 5 writes what goes through its `>`."""
    line = "curl: (60) SSL: geschützt, certificate has expired\r\n"
    assert explain(line.encode(form)) == explain(line)
    long = "fine\r\n" * READ + line + "fine\r\n" * READ
    assert explain(long.encode(form)).says == line.strip()


def test_the_middle_of_a_long_log_is_read_where_it_speaks_of_a_failure() -> None:
    around = "10:00:00 INFO GET /tls/session 200\n" * (READ // 16)
    line = "10:00:01 ERROR tls: failed to verify certificate: x509: certificate has expired\n"
    told = explain(around + line + around)
    assert told.says == line.strip()
    assert told.entry == explain(line).entry
    parts = (f"{around}{line}{around}".encode()[at::3] for at in range(3))
    assert len(shortened(parts)) <= READ + READ // 8 + 2
    assert shortened([b"a" * READ, b"b" * READ]) == b"a" * (READ // 2) + b"\n" + b"b" * 4096 + (
        b"b" * (READ // 2)
    )
