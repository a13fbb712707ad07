"""Lines of other programs: which stack speaks, what it means, and that nothing breaks the reading.

Here: the data file lines.toml beside this module, peers that are run, and bad input. Not here: what
an entry says (test_explanations.py).
"""

import re
import subprocess
import textwrap
import time
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtls_lab.common import UnknownName, read_facts
from mtls_lab.explaining import explain
from mtls_lab.explaining.excerpt import READ
from mtls_lab.explaining.explanation import Explanation
from mtls_lab.explaining.phrases import read_lines
from mtls_lab.explaining.raised import SHOWN
from mtls_lab.explaining.signs import LINE, stacks_in
from mtls_lab.explaining.symptoms import _entries
from mtls_lab.wire.names import CLOSURE_ALERTS, registry
from tests.unit.explaining import test_caught, test_explanations
from tests.unit.lab import unfolded


def read(name: str) -> list[dict[str, Any]]:
    (found,) = tomllib.loads(Path(__file__).with_name(name).read_text("utf-8")).values()
    return list(found)


LINES, REPORTS = read("lines.toml"), read("reports.toml")
#: Lines of which no piece of 40 characters says what the whole does.
BROKEN = [
    "2026/11/27 13:00:00 [crit] 1#1: *2 SSL_do_handshake() failed (SSL: error:0A000086:SSL "
    "routines::certificate verify failed) while SSL handshaking to upstream",
    "Post https://api.example:8443: net/http, x509: certificate signed by unknown authority",
    "Error: Client network socket disconnected before secure TLS connection was established",
]
#: Words of the course, which say nothing to whoever has never opened it.
COURSE = re.compile(
    r"\b[Dd]evice\b(?!:/dev/)|\b[Bb]ackend\b|\bMallory\b|\bParts? \d|serve\(|\bask\(|enter\("
    r"|wrap_socket"
    r"|client_ca\.pem|server_ca\.pem|client\.crt|server\.crt|the lab's|notebook|\bauthorize\b"
    r"|set_ciphers|minimum_version|maximum_version|verify_mode|server_hostname|a relay"
)
#: Entries about Python itself, whatever wrote the line.
OF_PYTHON = {
    *("wrong_kind_of_context", "wrap_socket_gone", "no_server_hostname", "argument_removed"),
    *("peer_certificate_missing", "tls_insecure_set_too_early", "patched_too_late"),
    *("arguments_of_wrap_socket", "argument_unknown", "context_wanted", "non_blocking"),
    *("socket_without_tls", "path_wanted", "ca_is_none", "socket_gone"),
    *("ssl_argument_missing", "python_deprecated", "python_wrong_side", "not_with_tls"),
}
#: Words of Python's ssl, which say nothing in other languages.
PYTHON = re.compile(r"\bload_cert_chain|\bload_verify_locations|create_default_context\(|cafile=")


@cache
def reported(text: str) -> Explanation:
    """What is told for a report, which more than one test asks."""
    return explain(text)


def has_words_for_others(told: Explanation, text: str) -> bool:
    """Whether it says nothing of the course, and of Python only to whoever uses it."""
    if told.entry in OF_PYTHON:
        return True
    words = f"{told.who} {told.what} {told.why} {told.where} {told.fix} {told.command}"
    ours = re.sub(r"explain\([^)]*\)", "", words.replace(told.says, ""))
    of_the_course = {word for word in COURSE.findall(ours) if word not in text}
    return not of_the_course and ("Python" in told.stack or not PYTHON.search(ours))


@pytest.mark.once  # a text of the data, looked up
def test_a_line_is_told(subtests: pytest.Subtests) -> None:
    for line in LINES:
        with subtests.test(line["text"][:60]):
            told = explain(line["text"])
            assert told.entry == line["entry"]
            assert told.known
            assert line["stack"] in told.stack
            assert bool(line["stack"]) is bool(told.stack)
            assert line["says"] in unfolded(told)
            assert has_words_for_others(told, line["text"])


@pytest.mark.once  # a text of the data, looked up
def test_the_true_cause_of_a_report_is_named_first(subtests: pytest.Subtests) -> None:
    for report in REPORTS:
        with subtests.test(report["text"][:60]):
            told = reported(report["text"])
            assert told.known
            assert report["stack"].lower() in told.stack.lower()
            first, *_ = str(told).partition("Who:")[2].partition("; (2) ")
            assert re.search(report["cause"], first, re.DOTALL | re.IGNORECASE)
            assert report.get("who", "") in told.who.lower()
            assert has_words_for_others(told, report["text"])


def test_no_entry_is_dead() -> None:
    """Each is told for a report or a line, or for what another test provokes."""
    reached = {reported(report["text"]).entry for report in REPORTS}
    reached |= {line["entry"] for line in LINES} | {"unknown_line"}
    reached |= test_explanations.told() | test_caught.TOLD
    reached |= {"strict_basic_constraints"} if test_explanations.LENIENT else set()
    assert reached == {entry["name"] for entry in _entries()}


#: Every alert that QUIC can carry, with its number.
ALERTS = [
    (name, number) for number, name in registry("alerts").items() if name not in CLOSURE_ALERTS
]


@pytest.mark.once  # a text of the data, looked up
@pytest.mark.parametrize(("alert", "number"), ALERTS)
def test_an_alert_in_quic_is_an_error_of_the_connection(alert: str, number: int) -> None:
    of_tls = explain(f"received alert {alert}")
    for line in (
        f"CRYPTO_ERROR (0x{0x100 + number:x}): handshake failed",
        f"the connection was closed: CRYPTO_ERROR 0x{0x100 + number:x} (remote)",
        f"QUIC Error: {0x100 + number}, reason: , frame_type: 6",
        f"aborted by peer: the cryptographic handshake failed: error {number}",
    ):
        told = explain(line)
        assert (told.entry, told.who) == (of_tls.entry, of_tls.who)


def test_an_alert_that_this_side_sends_in_quic() -> None:
    for line in (
        "CRYPTO_ERROR 0x130 (local): handshake failed",
        "ERR_QUIC_PROTOCOL_ERROR (TLS handshake failure (ENCRYPTION_HANDSHAKE) 48: unknown CA)",
    ):
        assert explain(line).entry == "unknown_issuer"


@pytest.mark.parametrize("line", ["CRYPTO_ERROR 0x099", "QUIC Error: 512", "error 298"])
def test_other_errors_are_no_alerts_of_quic(line: str) -> None:
    assert explain(line).entry == "unknown_line"


def test_the_words_of_python_are_for_python() -> None:
    found = "unable to get issuer certificate"
    python = explain(
        f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {found} (_ssl.c:1)"
    )
    nginx = explain(f"nginx: client SSL certificate verify error: (2:{found})")
    assert "from Python 3.13 on" in python.why
    assert "X509_V_FLAG" not in python.why
    assert "X509_V_FLAG_PARTIAL_CHAIN" in nginx.why
    assert "Python" not in nginx.why


@pytest.mark.parametrize("code", [2, 3, *range(80, 94)])
def test_flags_of_openssl_are_told_by_its_own_name(code: int) -> None:
    told = explain(f"nginx: client SSL certificate verify error: ({code}:of some kind)")
    assert not re.search(r"(?<!_)VERIFY_|create_default_context", f"{told.what} {told.why}")


def test_what_only_the_lab_does_is_told_to_nobody_else() -> None:
    own = explain(ConnectionResetError(104, "Connection reset by peer"), course=True)
    other = explain("curl: (35) Recv failure: Connection reset by peer")
    assert own.entry == other.entry == "reset"
    assert "this lab" not in other.why


def test_the_code_of_a_tpm_alone_is_told() -> None:
    assert explain(" 0x1DF\n").entry == "tpm_another"
    assert explain("0x0").entry == explain("at 0xdeadbeef").entry == "unknown_line"


@pytest.mark.parametrize(
    ("text", "stack"),
    [
        ("eap_tls: (TLS) Alert read:fatal:unknown CA", "FreeRADIUS"),
        ("remote error: tls: unknown certificate authority", "Go (crypto/tls)"),
        ("SSL routines:SSL23_WRITE:ssl handshake failure:s23_lib.c:177:", "OpenSSL"),
        ("default: unable to get local issuer certificate", ""),
        ("flora-7: unable to get local issuer certificate", ""),
    ],
)
def test_a_sign_is_a_word_and_not_the_end_of_one(text: str, stack: str) -> None:
    assert explain(text).stack == stack


@pytest.mark.parametrize(
    ("text", "stack"),
    [
        ("received fatal alert: CertificateRequired", "Rust (rustls)"),
        ("SSLHandshakeException: Received fatal alert: certificate_required", "Java (JSSE)"),
        ("AWS_IO_TLS_ERROR_NEGOTIATION_FAILURE: TLS (SSL) negotiation failed", "AWS"),
    ],
)
def test_the_words_of_one_stack_are_no_sign_of_another(text: str, stack: str) -> None:
    assert explain(text).stack == stack


def test_the_name_of_an_alert_is_no_sign_of_a_stack() -> None:
    """RFC 8446 has them, and every stack writes them; in capitals without blanks, rustls does."""
    for name in registry("alerts").values():
        for text in (name, name.upper(), name.replace("_", " "), f"TLSV1_ALERT_{name.upper()}"):
            assert stacks_in(text, text.lower()) == set(), text
        camel = name.title().replace("_", "")
        assert stacks_in(camel, camel.lower()) <= {"rustls"}, camel


def test_s_client_goes_on_after_a_bad_certificate_also_where_its_first_line_was_cut_off() -> None:
    depth = "depth=0 CN = backend\nverify error:num=20:unable to get local issuer certificate\n"
    alert = "140:error:14094412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:s3_pkt.c:1"
    assert explain(f"{depth}verify return:1\n{alert}").entry == "alert_bad_certificate"
    assert explain(f"{depth}verify return:0\n{alert}").entry == "unknown_issuer"


def test_a_cause_that_only_one_side_has_is_not_told_of_the_other() -> None:
    """No client has the name that was called, and no server is refused for sending none."""
    said = "AuthenticationException: The remote certificate is invalid according to the validation"
    client = explain(f"HttpRequestException: The SSL connection ---> {said} procedure.")
    server = explain(f"Kestrel: Failed to authenticate HTTPS connection. {said} procedure.")
    assert (client.who, server.who) == (
        "The client refused the server.",
        "The server refused the client.",
    )
    assert "the name that was called" in client.why
    assert "sent none" not in client.why
    assert "the name that was called" not in server.why
    assert "sent none" in server.why


def test_the_options_are_those_of_the_program_that_wrote_the_line() -> None:
    """Docker is written in Go, and nobody who uses it can set Certificates in tls.Config."""
    daemon = 'Error response from daemon: Get "https://registry.example/v2/": '
    told = explain(f"{daemon}remote error: tls: handshake failure")
    assert "certs.d" in told.causes[0]
    assert "tls.Config" not in str(told)
    broker = explain(
        "org.apache.kafka: SSLHandshakeException: Received fatal alert: certificate_required"
    )
    assert "ssl.keystore.location" in broker.causes[0]
    unknown = explain("remote error: tls: certificate required")
    assert "Certificates in tls.Config" in unknown.causes[0]


def test_the_options_of_a_server_are_not_those_of_a_client_that_reads_its_page() -> None:
    """nginx 1.22.1 wrote this to curl: its proxy_ssl_certificate is not what curl lacks."""
    page = "<center>No required SSL certificate was sent</center> <hr><center>nginx/1.22.1</center>"
    assert explain(page).where == "the options for certificate and key of the client"


def test_openssl_has_words_of_its_own_for_what_others_call_an_unknown_ca() -> None:
    """An expired CA is code 10 there, a self-signed certificate 18 (crypto/x509/x509_vfy.c)."""
    said = explain("curl: (60) SSL certificate problem: unable to get local issuer certificate").why
    assert "server does not send it along" in said
    assert not any(other in said for other in ("GnuTLS", "rustls", "Chrome", "Go"))
    # OpenJDK 17.0.15, where javax.net.ssl.trustStore names a file that is not there, says this.
    java = explain("PKIX: unable to find valid certification path to requested target").why
    assert "Java where the file of javax.net.ssl.trustStore is missing" in java


def test_a_server_in_java_says_server_of_a_client_that_sent_none() -> None:
    told = explain("javax.net.ssl.SSLHandshakeException: Empty server certificate chain")
    assert told.entry == "no_certificate"
    assert told.who == "The server refused the client."


def test_what_is_special_about_a_server_is_not_told_of_it_as_a_client() -> None:
    """nginx refuses in HTTP, and what it calls refuses it by an alert."""
    failed = "SSL_do_handshake() failed (SSL: error:0A000410:SSL routines::sslv3 alert handshake "
    failed += "failure:SSL alert number 40) while SSL handshaking"
    assert "495" in explain(f"{failed}, client: 10.0.0.7, server: 0.0.0.0:443").what
    assert "495" not in explain(f"{failed} to upstream, client: 10.0.0.7").what


@pytest.mark.once  # a text of the data, looked up
def test_the_decisive_line_of_a_log(subtests: pytest.Subtests) -> None:
    """Between a hundred lines of a healthy day, in their capitals or not."""
    noise = "2026-03-01T10:00:00Z INFO GET /health 200 0.003 s, certificate of the day rotated\n"
    for line in LINES:
        with subtests.test(line["text"][:60]):
            assert explain(noise * 50 + line["text"] + "\n" + noise * 50).entry == line["entry"]
            assert explain(line["text"].encode()).entry == line["entry"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "everything is fine",
        "Verify return code: 0 (ok)",
        "* SSL certificate verify ok.",
        "TLSv1.3 (IN), TLS alert, close notify (256):",
        "SSL3 alert write:warning:close notify",
        # nghttpx 1.52.0, Jetty 9.4.57 at DEBUG, Monit 5.33.0, and haproxy 2.8.25 (option httpslog)
        # with crt-ignore-err, of requests that were served
        "INFO (shrpx_https_upstream.cc:571) [UPSTREAM:0x7f0d77205280] HTTP request completed",
        "DBUG: >fill HeapByteBuffer@69b6b4d0[p=0,l=5,c=17408]={<<<\\x16\\x03\\x01>>>}",
        "monitrc:7: please use ssl pemfile option",
        # FreeRADIUS of whatever a client has sent, which need not be trusted (src/main/tls.c)
        "(8) eap_tls: Warning: Certificate chain - 1 cert(s) untrusted",
        "Warning: (TLS) untrusted certificate with depth [1] subject name /CN=Device CA",
        'fe~ be/s 0/0/1/0/1 200 51 - - ---- 1/1/0/0/0 0/0 "GET /" 0/0000000000000000/10/0/0',
    ],
)
def test_what_is_not_an_error_is_not_explained(text: str) -> None:
    told = explain(text)
    assert (told.known, told.entry) == (False, "unknown_line")


def test_an_alert_that_was_sent_is_a_refusal() -> None:
    sent = "* TLSv1.3 (OUT), TLS alert, unknown CA (560):"
    assert explain(sent).entry == "unknown_issuer"
    assert explain("SSL3 alert read:fatal:unknown CA").entry == "alert_unknown_ca"


def test_a_verdict_counts_more_than_the_alert_that_it_led_to() -> None:
    log = (
        "* TLSv1.3 (OUT), TLS alert, unknown CA (560):\n"
        "* SSL certificate problem: certificate has expired\n"
        "curl: (60) SSL certificate problem: certificate has expired\n"
    )
    assert explain(log).entry == "expired"


# --- Who sent the alert


def test_an_alert_by_its_sender() -> None:
    alert = "remote error: tls: bad certificate"
    anybody = explain(alert)
    assert len(anybody.causes) > 5
    assert "Go 1.19, Java 17" in anybody.causes[0]
    java = explain(alert, peer="java")
    assert "was sent" in java.causes[0]
    assert not [cause for cause in java.causes if "does not trust" in cause]
    with pytest.raises(UnknownName):
        explain(alert, peer="cobol")


def test_an_alert_by_the_release_of_its_sender() -> None:
    """Go sends other alerts from 1.21 on, Java from 25 on."""
    alert = "remote error: tls: bad certificate"
    assert explain(alert, peer="go 1.19").causes[0].startswith("a certificate was asked for")
    for name in ("go 1.27", "go1.27", "Go/1.27.3", "go-v1.27"):
        assert explain(alert, peer=name).causes[0].startswith("it is not for this purpose")
    # Of one that was in no run, what its stack has sent in any.
    assert explain(alert, peer="go1.2") == explain(alert, peer="go")
    assert explain(alert, peer="OpenSSL/3.0") == explain(alert, peer="openssl 3")
    assert not [each for each in explain(alert, peer="java 25").causes if "was sent" in each]
    required = explain("tlsv13 alert certificate required", peer="go")
    assert "Go 1.27" in required.causes[0]
    assert "Go 1.19" not in str(required)


def test_every_alert_that_was_measured_is_explained_for_its_fault() -> None:
    """A fault that a stack reports with an alert is among the causes of that alert."""
    entries = read_facts("explanations")
    by_alert: dict[str, list[dict[str, Any]]] = {}
    for entry in entries.values():
        whens = entry["when"] if isinstance(entry["when"], list) else [entry["when"]]
        for when in whens:
            for alert in [when["alert"]] if isinstance(when.get("alert"), str) else []:
                by_alert.setdefault(alert, []).append(entry)
    single = {"certificate_expired", "bad_certificate", "certificate_unknown", "access_denied"}
    for peer, seen in read_facts("peers")["alerts"].items():
        for fault, alerts in seen.items():
            for alert in set(alerts) & single if fault != "name" else ():
                (entry,) = by_alert[alert]
                named = [cause.get("measured") for cause in entry["why"] if cause != str(cause)]
                assert fault in named, (peer, fault, alert)


def test_what_calls_another_library_is_no_speaker() -> None:
    said = "x509: certificate signed by unknown authority"
    told = explain(f"Traceback (most recent call last):\ntls_client.exceptions.E: {said}")
    assert told.stack == "Go (crypto/tls)"


@pytest.mark.parametrize(
    "text",
    [
        "deploy@edge1: Permission denied (publickey).\nfatal: Could not read from remote.",
        'authentication failed for user "app"\nerror: relation "certs" does not exist',
        "Hostkey verification failed.",
        "JsonWebTokenError: invalid signature\nTokenExpiredError: jwt expired",
        "INFO TLS handshake finished in 3ms\nERROR insufficient stock",
        "id_token rejected: token expired at 2026-11-27T22:00:00Z",
        "The certificate has been successfully issued",
        "request done in 403.16 ms",
        "GET /api 200 1403.7 kB",
        "Your subscription is not valid anymore. Expired on 2022-08-11",
        "Invalid gift certificate presented at checkout",
        "The new certificate is valid for 90 days, not 365",
        "Unable to access credentials: no valid providers in chain",
        "login failed for user admin: not_authorized",
        "unable to read file: /etc/hosts",
        "invalid coupon client certificate",
        "invalid client certificate count: expected integer",
        "did not get client certificates count metric",
        "The training certificate of employee 312 has expired",
        "Connection Refused: not authorized to view this page",
        "Connection refused: you are not authorized to read the forum",
        "Alert: unexpected message in queue",
        "The server certificate store report: 0 expired certificates",
        "S/MIME: no private key found for recipient certificate",
        "ALERT: access denied for user bob",
    ],
)
def test_what_is_no_failure_of_tls_is_not_told_as_one(text: str) -> None:
    assert explain(text).entry == "unknown_line"


def test_a_package_in_a_path_has_not_written_the_line() -> None:
    told = explain("site-packages/redis/connection.py: [SSL: CERTIFICATE_VERIFY_FAILED] x")
    assert "Redis" not in told.stack


# --- The data file


def test_the_words_are_written_as_they_are_looked_for() -> None:
    facts = read_lines()
    for name, stack in facts["stacks"].items():
        known = {"name", "signs", "cased", "note", "library", "says", "note_of", "note_near"}
        known |= {"only"}
        assert set(stack) <= known, name
        signs = [*stack["signs"], *stack.get("cased", ())]
        assert len(signs) == len(set(signs)), f"{name} has a sign twice"
        words = [*stack["signs"], *stack.get("says", {})]
        assert words == [word.lower() for word in words], name
    meanings = [*facts["alike"].values(), *facts["sent"].values()]
    meanings += [
        each for stack in facts["stacks"].values() for each in stack.get("says", {}).values()
    ]
    for meaning in meanings:
        kind, value = re.sub(" @(device|backend)$", "", meaning).split(" ", 1)
        assert kind in {"verify", "alert", "reason", "error", "state", "text"}, meaning
        assert kind != "alert" or value in registry("alerts").values(), meaning
        assert kind != "verify" or int(value) < 100


def test_what_is_known_is_not_told_as_if_it_were_not() -> None:
    """Whoever searches an answer for "does not know" is to find those of the lab alone."""
    known = {k: v for k, v in read_facts("explanations").items() if v.get("known", True)}
    assert [name for name, entry in known.items() if "does not know" in str(entry)] == []


def test_a_meaning_has_an_explanation(subtests: pytest.Subtests) -> None:
    """No word of a stack leads to "the lab does not know"."""
    says: dict[str, str] = {}
    for stack in read_lines()["stacks"].values():
        for words, meaning in stack.get("says", {}).items():
            text = f"{stack['signs'][0]} {words.replace('…', 'x')}"
            says.setdefault(re.sub(" @(device|backend)$", "", meaning), text)
    for meaning, text in says.items():
        with subtests.test(meaning):
            assert explain(text).known, text


# --- What runs here


def openssl(*arguments: str) -> str:
    run = subprocess.run(
        ["openssl", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return run.stdout + run.stderr


def test_what_openssl_prints_of_a_file_that_is_not_pem(tmp_path: Path) -> None:
    (tmp_path / "page.pem").write_text("<html></html>", encoding="utf-8")
    printed = openssl("verify", "-CAfile", str(tmp_path / "page.pem"), str(tmp_path / "page.pem"))
    assert explain(printed).known


# --- Bad input


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=400), st.binary(max_size=400)))
def test_any_text_gets_one_clear_answer(text: str | bytes) -> None:
    told = str(explain(text))
    assert told.startswith(("Who:", "Says:"))
    assert all(character.isprintable() or character == "\n" for character in told)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([line["text"] for line in LINES]),
    st.integers(0, 200),
    st.text(max_size=5),
)
def test_a_damaged_line_gets_one_clear_answer(line: str, place: int, instead: str) -> None:
    damaged = line[:place] + instead + line[place + 3 :]
    told = unfolded(explain(damaged))
    assert all(character.isprintable() or character == "\n" for character in told)
    assert 5 <= len(told.splitlines()) <= 8


@pytest.mark.parametrize(
    "text",
    [
        "A" * (4 * READ),
        "alert " * READ,
        "error:" * READ,
        "\n" * (4 * READ),
        "tls: x509: …" * READ,
        "certificate for " * READ,
        "\x1b[31mremote error: tls: bad certificate\x1b[0m\r\x00" * 1000,
    ],
    ids=["one line", "alert", "error", "lines", "signs", "wildcard", "colours"],
)
def test_a_hostile_log_is_bounded(text: str) -> None:
    begun = time.thread_time()
    told = explain(text)
    assert time.thread_time() - begun < 20, "a guard against quadratic time, not a figure"
    assert len(told.says) <= SHOWN * 6 + 1
    assert "\x1b" not in str(told)
    assert LINE < READ


@pytest.mark.parametrize(
    "line",
    [
        "Client <unknown> disconnected: error:0A000086:SSL routines::certificate verify failed.",
        ":e=>#<OpenSSL::SSL::SSLError: certificate verify failed>",
        "{badmatch,{error,{bad_header,<<22,3,1,2,0,1,0,1>>}}}",
    ],
)
def test_only_the_tags_of_a_page_are_left_out(line: str) -> None:
    assert explain(line).says == line
    assert explain(f"<center><h1>{line}</h1></center><hr>").says == line


@pytest.mark.parametrize("escape", ["\x1b", r"\u001b", r"\x1b", r"\033", "^[", "␛", ""])
def test_the_colours_of_a_log_are_left_out(escape: str) -> None:
    line = "ERR dial failed error=remote error: tls: certificate required"
    coloured = line.replace("ERR", f"{escape}[1;31mERR{escape}[0m")
    coloured = coloured.replace(
        "tls: certificate", f"tls:{escape}[0m {escape}[38;5;208mcertificate"
    )
    assert explain(coloured) == explain(line)
    assert explain(f"rate(errors[5m]) {line}").says.endswith(f"rate(errors[5m]) {line}")


@pytest.mark.parametrize(
    "log",
    [
        "Error: socket hang up\n    at TLSSocket.onSocketClose (node:_tls_wrap:1244:23)\n"
        "    at node:net:343:12\n    at TCP.<anonymous> (node:net:343:12) {",
        "java.nio.channels.ClosedChannelException: null\n"
        "\tat io.netty.handler.ssl.SslHandler.channelInactive(SslHandler.java:1073)",
    ],
)
def test_of_a_stack_the_line_that_says_what_was_raised_is_shown(log: str) -> None:
    """The call below it may be what decides."""
    told = explain(log)
    assert told.known
    assert told.says == log.partition("\n")[0]


@pytest.mark.parametrize("line", BROKEN)
@pytest.mark.parametrize("broken", ["terminal", "mail"])
def test_a_line_that_was_broken_is_read_as_one(line: str, broken: str) -> None:
    if broken == "terminal":
        pieces = [line[at : at + 40] for at in range(0, len(line), 40)]
    else:
        pieces = [f"> {piece}" for piece in textwrap.wrap(line, 40)]
    told, whole = explain("\n".join(pieces)), explain(line)
    assert len(pieces) > 1
    assert (told.who, told.what) == (whole.who, whole.what)


@pytest.mark.parametrize(
    ("line", "stack"),
    [
        ('Get "https://vault.example.com:8200/": x509: certificate has expired', "Go"),
        (
            "javax.net.ssl.SSLHandshakeException: PKIX path building failed: ldap.example.com",
            "Java",
        ),
        ('Get "https://redis:6380/": x509: certificate has expired', "Go"),
        ("redis.exceptions.ConnectionError: certificate verify failed", "Redis"),
        ("nginx.conf: cannot load certificate", "nginx"),
    ],
)
def test_a_host_that_is_called_has_not_written_the_line(line: str, stack: str) -> None:
    assert explain(line).stack.startswith(stack)
