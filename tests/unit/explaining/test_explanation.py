"""How an explanation is chosen and written. That each one is reached: test_explanations.py."""

import itertools
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.lib.pretty import pretty

from mtls_lab import Exchange, Failure, Relay, Side, Stage, ask, serve
from mtls_lab.common import FileProblem, NetworkProblem, ProtectionBroken, read_facts
from mtls_lab.explaining import Explanation, explain
from mtls_lab.explaining.cards import folded
from mtls_lab.explaining.phrases import read_stacks
from mtls_lab.explaining.symptoms import SEEN_BY, _entries
from mtls_lab.explaining.wording import typed_here
from mtls_lab.net import Chunk, Tamper
from mtls_lab.wire import Direction
from tests.unit.lab import VERSIONS, Lab, connect, spelled, unfolded

CVF = "CERTIFICATE_VERIFY_FAILED"
UNKNOWN_CA = Failure("SSLError", "TLSV1_ALERT_UNKNOWN_CA")
LATE = "In TLS 1.3 the device believed that it was connected until its first read"


def unverified(code: int, message: str = "") -> Failure:
    return Failure("SSLCertVerificationError", CVF, code, message)


def device(failure: Failure | None, version: str | None = "TLSv1.3") -> Side:
    stage = Stage.FIRST_READ if version == "TLSv1.3" else Stage.HANDSHAKE
    return Side("device", stage, failure, version, "CN=localhost" if version else None)


def backend(failure: Failure | None, who: str = "backend") -> Side:
    return Side(who, Stage.HANDSHAKE, failure)


# --- The text


def test_text() -> None:
    exchange = Exchange("PING", device(UNKNOWN_CA), backend(unverified(20, "unable to get …")))
    assert unfolded(explain(exchange)) == (
        "Who:   The backend refused the device.\n"
        "What:  The certificate of the device comes from a CA that the backend does not trust. "
        "In TLS 1.3 the device believed that it was connected until its first read "
        "(RFC 8446, section 2).\n"
        "Why:   One of these, which look the same from here: (1) another CA signed it, "
        "perhaps one of the same name: a name proves nothing, the key does; (2) "
        "backend/client_ca.pem holds the wrong CA; (3) there is an intermediate CA between them, "
        "and the device does not send it along.\n"
        "Where: backend/client_ca.pem, loaded by load_verify_locations\n"
        "Fix:   Compare the issuer of device/client.crt with the CA in backend/client_ca.pem, by "
        "key identifier and not by name: the authorityKeyIdentifier of the one with the "
        "subjectKeyIdentifier of the other. The command shows the first; with -ext "
        "subjectKeyIdentifier and the file of the CA, it shows the second. Codes 18 and 19 are the "
        "same fault in other words.\n"
        "Check: openssl x509 -in device/client.crt -noout -issuer -ext authorityKeyIdentifier"
    )


def test_long_lines_are_folded_below_their_first_word() -> None:
    exchange = Exchange("PING", device(UNKNOWN_CA), backend(unverified(20, "unable to get …")))
    lines = folded(explain(exchange)).splitlines()
    heads = [line[:7] for line in lines if line[0] != " "]
    assert heads == ["Who:   ", "What:  ", "Why:   ", "Where: ", "Fix:   ", "Check: "]
    below = [line for line in lines if line[:7] not in heads]
    assert all(re.match(r" {7}(?: {4})?\S", line) for line in below)
    listed = [number for number, line in enumerate(below) if line.startswith(" " * 7 + "(")]
    assert [below[number][7:11] for number in listed] == ["(1) ", "(2) ", "(3) "]
    assert below[listed[0] + 1].startswith(" " * 11)  # (1) needs two lines
    assert max(len(line) for line in lines[:-1]) <= 80
    command = lines[-1].removeprefix("Check: ")
    assert command == explain(exchange).command  # whole, to be copied


def test_no_line_for_what_is_empty() -> None:
    told = Explanation(known=True, who="a", what="b", why="c", where="d", fix="e")
    assert str(told) == "Who:   a\nWhat:  b\nWhy:   c\nWhere: d\nFix:   e"


def test_it_is_frozen() -> None:
    told = explain(UNKNOWN_CA)
    with pytest.raises(FrozenInstanceError):
        told.who = "nobody"  # type: ignore[misc]


@pytest.mark.parametrize("what", [["a text"], None, 3])
def test_what_it_does_not_take(what: Any) -> None:
    kind = type(what).__name__
    message = (
        "explain takes an Exchange, a Side, a Failure, an exception, a line or an HTTP answer, "
        f"not a {kind}"
    )
    with pytest.raises(TypeError, match=f"^{message}$"):
        explain(what)


# --- Which of two views


EOF = Failure("SSLEOFError", "UNEXPECTED_EOF_WHILE_READING")
REFUSAL = Failure("SSLError", "PEER_DID_NOT_RETURN_A_CERTIFICATE")
ODD = Failure("SSLError", "NEVER_HEARD_OF")
ODD_ALERT = Failure("SSLError", "TLSV1_ALERT_NEVER_HEARD_OF")


@pytest.mark.parametrize(
    ("one", "other", "entry"),
    [
        (unverified(10), UNKNOWN_CA, "expired"),
        (unverified(10), EOF, "expired"),
        (unverified(10), None, "expired"),
        (UNKNOWN_CA, EOF, "alert_unknown_ca"),
        (UNKNOWN_CA, None, "alert_unknown_ca"),
        (EOF, Failure("OSError", "-7"), "cut_in_handshake"),
        (unverified(10), ODD, "expired"),
        # Who refused knows why, also if the lab does not: an alert's usual causes would mislead.
        (ODD, UNKNOWN_CA, "unknown_tls"),
        (ODD_ALERT, EOF, "unknown_alert"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_side_that_knows_more_is_told(one: Failure, other: Failure | None, entry: str) -> None:
    exchange = Exchange("PING", device(one, None), backend(other))
    assert explain(exchange).entry == entry
    assert explain(Exchange("PING", device(other, None), backend(one))).entry == entry


def test_of_two_that_know_as_much_the_device_is_told() -> None:
    exchange = Exchange("PING", device(unverified(10), None), backend(unverified(18)))
    assert explain(exchange).who == "The device refused the backend."


def test_what_the_lab_does_not_know_is_told_from_both_sides() -> None:
    told = explain(Exchange("PING", device(ODD_ALERT), backend(ODD)))
    assert not told.known
    assert "device: SSLError: TLSV1_ALERT_NEVER_HEARD_OF" in told.what
    assert "backend: SSLError: NEVER_HEARD_OF" in told.what
    assert "both sides' logs" in told.fix
    assert "openssl s_client" in told.fix


def test_an_exchange_that_says_nothing() -> None:
    told = explain(Exchange("PING", device(None), backend(None)))
    assert (told.known, told.entry) == (False, "unknown")
    assert "(nothing)" in told.what


@pytest.mark.parametrize("who", ["strict", "mallory", "careful backend"])
def test_the_backend_may_have_any_name(who: str) -> None:
    assert explain(backend(REFUSAL, who)).who == "The backend refused the device."


# --- What the device believed


@pytest.mark.parametrize(
    ("side", "late"),
    [
        (device(UNKNOWN_CA), True),
        (device(UNKNOWN_CA, None), False),
        (replace(device(UNKNOWN_CA), version="TLSv1.2"), False),
        (backend(UNKNOWN_CA), False),
        # A record was changed later: the device was connected, and did not only believe it.
        (device(Failure("SSLError", "SSLV3_ALERT_BAD_RECORD_MAC")), False),
    ],
    ids=["1.3", "1.2 in handshake", "1.2 at first read", "backend", "bad_record_mac"],
)
def test_what_the_device_believed(side: Side, late: bool) -> None:  # noqa: FBT001
    assert (LATE in explain(side).what) is late


# --- An exception as it was caught


def test_in_the_handshake(lab: Lab, version: ssl.TLSVersion) -> None:
    """Only the object that ssl works on tells which side it is."""
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = version
    with (
        serve(lab.tls()) as server,
        connect(server.address) as raw,
        pytest.raises(ssl.SSLCertVerificationError) as caught,
    ):
        context.wrap_socket(raw, server_hostname="localhost")
    told = explain(caught.value)
    assert told.who == "The device refused the backend."
    assert told.command.startswith("openssl x509 -in backend/server.crt")


def test_at_the_first_read(lab: Lab) -> None:
    """As Part 3 does it by hand."""
    context = lab.device("untrusted", ssl.TLSVersion.TLSv1_3)
    with (
        serve(lab.mtls()) as server,
        connect(server.address) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as tls,
        pytest.raises(ssl.SSLError) as caught,
    ):
        tls.recv(1024)
    told = explain(caught.value)
    assert (told.entry, told.who) == ("alert_unknown_ca", "The backend refused the device.")
    assert LATE in told.what


def in_memory(lab: Lab, credential: str) -> Iterator[tuple[str, ssl.SSLError]]:
    """What each end raises in a handshake without a socket."""
    up, down, device_in, backend_in = (ssl.MemoryBIO() for _ in range(4))
    context = lab.device(credential, ssl.TLSVersion.TLSv1_2)
    ends = {
        "device": context.wrap_bio(device_in, up, server_hostname="localhost"),
        "backend": lab.mtls().wrap_bio(backend_in, down, server_side=True),
    }
    for who, _ in itertools.product(("device", "backend") * 3, (0,)):
        try:
            ends[who].do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            yield who, error
        backend_in.write(up.read())
        device_in.write(down.read())


def test_without_a_socket(lab: Lab) -> None:
    (first, refusal), (second, alert), *_ = in_memory(lab, "expired")
    assert (first, second) == ("backend", "device")
    assert explain(refusal).entry == "expired"
    assert explain(alert).entry == "alert_certificate_expired"
    assert {explain(refusal).who, explain(alert).who} == {"The backend refused the device."}


def test_elsewhere_only_the_side_is_known(lab: Lab) -> None:
    """In a call that is neither a handshake nor a read."""
    with (
        serve(lab.tls()) as server,
        connect(server.address) as raw,
        lab.device().wrap_socket(raw, server_hostname="localhost") as tls,
    ):
        tls.shutdown(socket.SHUT_RDWR)
        with pytest.raises((BrokenPipeError, ConnectionResetError)) as caught:
            tls.sendall(b"x" * 1_000_000)
    told = explain(caught.value)
    assert (told.entry, told.where) == ("reset", "the log of the backend")


def test_a_failure_alone_does_not_tell_the_side() -> None:
    told = explain(unverified(20))
    assert told.who == "The side that shows this error refused the other side."
    assert told.where == (
        "if the device shows it: device/server_ca.pem, loaded by "
        "create_default_context(cafile=…); if the backend does: backend/client_ca.pem, loaded "
        "by load_verify_locations"
    )
    assert told.command == ""
    assert explain(UNKNOWN_CA).who == "The other side refused the side that shows this error."


@pytest.mark.parametrize(
    ("failure", "who"),
    [
        (unverified(62), "The device refused the backend."),
        (unverified(64), "The device refused the backend."),
        (REFUSAL, "The backend refused the device."),
        (
            Failure("SSLError", "TLSV13_ALERT_CERTIFICATE_REQUIRED"),
            "The backend refused the device.",
        ),
    ],
    ids=["host", "address", "no certificate", "its alert"],
)
def test_some_failures_have_one_side_only(failure: Failure, who: str) -> None:
    told = explain(failure)
    assert told.who == who
    assert told.command


# --- Names of files


def test_the_files_that_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    certfile = tmp_path / "device" / "my own" / "client.crt"
    told = explain(backend(unverified(85)), certfile=certfile, cafile="ca one.pem")
    assert told.where == "device/my own/client.crt"
    assert told.command == (
        "openssl verify -x509_strict -purpose sslclient -CAfile 'ca one.pem' "
        "'device/my own/client.crt'"
    )
    # A failure alone: whose file it is need not be known.
    assert explain(unverified(10), certfile=certfile).command == (
        "openssl x509 -in 'device/my own/client.crt' -noout -dates"
    )


def test_a_file_elsewhere_is_shown_without_its_machine(tmp_path: Path) -> None:
    told = explain(backend(unverified(10)), certfile=tmp_path / "device" / "client.crt")
    assert str(tmp_path) not in told.why + told.where
    assert told.where.startswith("device/client.crt")
    assert told.command == f"openssl x509 -in {tmp_path}/device/client.crt -noout -dates"


# --- Names of errors


@pytest.mark.parametrize(
    ("error", "reason", "entry"),
    [
        ("ConnectionRefusedError", "WSAECONNREFUSED", "nobody_listens"),
        ("ConnectionResetError", "WSAECONNRESET", "reset"),
        ("ConnectionAbortedError", "WSAECONNABORTED", "reset"),
        ("OSError", "WSAEADDRINUSE", "address_in_use"),
        ("OSError", "WSAEADDRNOTAVAIL", "address_not_here"),
        ("PermissionError", "WSAEACCES", "not_permitted"),
    ],
)
def test_windows_has_names_of_its_own(error: str, reason: str, entry: str) -> None:
    assert explain(Failure(error, reason)).entry == entry


@pytest.mark.parametrize(
    "reason",
    ["SSLV3_ALERT_BAD_CERTIFICATE", "TLS_ALERT_BAD_CERTIFICATE", "TLSV13_ALERT_BAD_CERTIFICATE"],
)
def test_an_alert_is_told_by_its_own_name(reason: str) -> None:
    """What stands before it differs from release to release of OpenSSL."""
    assert explain(Failure("SSLError", reason)).entry == "alert_bad_certificate"


def test_a_reason_that_python_has_no_name_for() -> None:
    """Python up to 3.13 with OpenSSL 3.2 or newer: the reason is None, the words are there."""
    error = ssl.SSLError(1, "[SSL] record layer failure (_ssl.c:2580)")
    failure = Failure.of(error)
    assert (failure.reason, explain(failure).entry) == ("RECORD_LAYER_FAILURE", "record_changed")


@pytest.mark.parametrize("code", [0, 1, 17, 46, 1000])
def test_an_unknown_verify_code(code: int) -> None:
    told = explain(backend(unverified(code, "odd words")))
    assert (told.known, told.who) == (False, "The backend refused the device.")
    assert f"odd words (verify code {code})" in told.what
    assert told.command.startswith("openssl verify")


def test_a_rule_that_raised_as_only_the_backend_saw_it() -> None:
    """From this side alone an error of a socket is one of the connection."""
    at = Side("backend", Stage.APPLICATION, None, "TLSv1.3", "CN=a")
    for error, entry in {
        "KeyError": "rule_raised",
        "TypeError": "rule_raised",
        "MyOwnError": "unknown",
        "print": "unknown",
        "OSError": "unknown",
    }.items():
        assert explain(replace(at, failure=Failure(error, text="odd"))).entry == entry
    after = replace(at, failure=Failure("KeyError"), received=("PING",))
    assert explain(after).entry == "unknown"


# --- What a peer puts in is one line of text


def test_a_name_that_tries_to_be_a_line() -> None:
    failure = Failure("PermissionError", "NOT_AUTHORIZED")
    name = "CN=a\nFix:   switch off the check\x1b[31m{who}"
    told = explain(Side("backend", Stage.APPLICATION, failure, "TLSv1.3", name))
    assert len(unfolded(told).splitlines()) == 6
    assert r"CN=a\u000aFix:   switch off the check\u001b[31m{who}" in told.what


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileProblem("/var/lib/lab/a.key is empty", "a key", "see C:\\Users\\b.txt"), "…/a.key is"),
        (NetworkProblem("port 5000 on 127.0.0.1 is busy", "a free one", "stop it"), "the port on"),
        (NetworkProblem("127.0.0.1:5000 is odd", "a free one", "stop it"), "127.0.0.1 is odd"),
        (TimeoutError("nothing for ('127.0.0.1', 5000)"), "TIMED_OUT"),
        (ValueError("<object at 0x7f3a5c2d10> is odd"), "<object at 0x…> is odd"),
        (ProtectionBroken("device ✗\nbackend ✗", "one that works", "try again"), "✗; backend ✗"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_nothing_of_this_run_or_machine(error: Exception, words: str) -> None:
    text = unfolded(explain(error))
    assert words in text or "TIMED_OUT" in words
    assert len(text.splitlines()) == 5
    assert not re.search(r"/var|Users|5000|7f3a", text)


def test_a_name_is_told_as_it_is() -> None:
    """It is for comparing, so nothing is left out of it."""
    side = Side("backend", Stage.APPLICATION, Failure("PermissionError", "NOT_AUTHORIZED"))
    for name in ("CN=port 80", "CN=a1:2", "CN=/x/y/z", "O=Größe"):
        assert f"sees {name}," in explain(replace(side, peer=name)).what


TEXT = st.text(max_size=40)
FAILURES = st.builds(
    Failure,
    st.sampled_from(["SSLError", "SSLCertVerificationError", "FileProblem", "OSError"]) | TEXT,
    st.sampled_from(["", CVF, "TLSV1_ALERT_X", "NOT_AUTHORIZED"]) | TEXT,
    st.none() | st.integers(),
    TEXT,
    st.sampled_from(["Found:    a\nExpected: b\nTo do:    c", "[SSL] PEM lib"]) | TEXT,
)
SIDES = st.builds(
    Side,
    st.sampled_from(["device", "backend"]) | TEXT,
    st.sampled_from(list(Stage)),
    st.none() | FAILURES,
    st.none() | TEXT,
    st.none() | TEXT,
    st.lists(TEXT | st.just("ERROR no"), max_size=2).map(tuple),
)


@given(FAILURES | SIDES | st.builds(Exchange, TEXT, SIDES, st.none() | SIDES))
def test_anything_is_explained(what: Failure | Side | Exchange) -> None:
    told = explain(what)
    assert explain(what) == told
    assert str(told).isprintable() or "\n" in str(told)
    assert len(unfolded(told).splitlines()) == 5 + bool(told.command)
    assert all([told.who, told.what, told.why, told.where, told.fix, told.entry])


@given(st.from_type(Failure).map(lambda failure: replace(failure, reason="", verify_code=None)))
def test_what_is_unknown_is_not_guessed(failure: Failure) -> None:
    odd = replace(failure, error="Odd" + re.sub(r"\W", "", failure.error))
    assert not explain(odd).known


# --- Look-alikes: every bit that Mallory can flip in a handshake is explained


def flip_somewhere(direction: Direction, index: int, turn: int) -> Tamper:
    """Flip one bit of one record. Its header stays: with a wrong length a side waits for more."""

    def tamper(chunk: Chunk) -> bytes:
        data = bytearray(chunk.heard)
        if (chunk.direction, chunk.index) == (direction, index) and len(data) > 5:
            data[5 + turn * 31 % (len(data) - 5)] ^= 1 << turn % 8
        return bytes(data)

    return tamper


def flips(lab: Lab, version: ssl.TLSVersion) -> Iterator[Exchange]:
    """Every record of a handshake with one of its bits changed, four times."""
    context = lab.device("valid", version)
    with serve(lab.mtls(), handshake_timeout=0.5) as server:
        for target in itertools.product(Direction, range(5), range(4)):
            with Relay(server, tamper=flip_somewhere(*target)) as mallory:
                yield ask("PING", mallory, context=context, timeout=0.5)


@pytest.mark.parametrize("version", VERSIONS, ids=spelled)
def test_a_changed_handshake(lab: Lab, version: ssl.TLSVersion) -> None:
    told = [explain(exchange) for exchange in flips(lab, version)]
    assert {one.what for one in told if not one.known} == set()


# --- Pairs that look alike name each other


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (unverified(18), ["19", "20"]),
        (unverified(19), ["18", "20", "self-signed certificate in certificate chain"]),
        (unverified(20), ["18", "19", "intermediate"]),
        (UNKNOWN_CA, ["18", "19", "20", "CRL", "intermediate"]),
        (Failure("SSLError", "SSLV3_ALERT_BAD_CERTIFICATE"), ["62", "64", "not valid yet"]),
        (Failure("SSLError", "SSLV3_ALERT_CERTIFICATE_EXPIRED"), ["CRL", "clock"]),
        (Failure("SSLError", "SSLV3_ALERT_HANDSHAKE_FAILURE"), ["cipher", "TLS 1.2", "sent none"]),
        (Failure("SSLError", "TLSV1_ALERT_PROTOCOL_VERSION"), ["no certificate"]),
        (Failure("SSLError", "SSLV3_ALERT_CERTIFICATE_UNKNOWN"), ["5280", "34"]),
    ],
    ids=lambda value: str(value) if isinstance(value, Failure) else "",
)
def test_look_alikes(failure: Failure, words: list[str]) -> None:
    text = unfolded(explain(failure))
    assert [word for word in words if word not in text] == []


def test_the_device_is_not_told_of_host_names_when_it_was_refused() -> None:
    """Only a client checks a host: what bad_certificate means depends on who hears it."""
    alert = Failure("SSLError", "SSLV3_ALERT_BAD_CERTIFICATE")
    assert "host" not in explain(device(alert)).why
    assert "host" in explain(replace(backend(alert), version=None)).why


# --- The data file

MATCHES = {
    "alert", "error", "reason", "reply", "side", "stage", "state", "text", "verify_code",
    "version",
}  # fmt: skip
WORDS = {"what", "why", "where", "fix"}
OPTIONS = {"ask", "backend", "command", "device", "known", "late", "own", "seen_by", "when", "who"}
NAMES = {
    *("seer", "Seer", "other", "Other", "refuser", "Refuser", "refused", "Refused"),
    *("cert", "key", "ca", "load", "purpose", "file", "wanted", "found", "expected"),
    *("todo", "host", "verify", "peer", "client", "version", "reply", "text", "raw", "all"),
    *("tls", "unused"),
    *("signer", "Todo", "code", "lack"),
}


def texts(entry: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every text of an entry with the name of its field."""
    for part in (entry, entry.get("device", {}), entry.get("backend", {})):
        for field in (*sorted(WORDS), "who", "command"):
            value = part.get(field, [])
            for text in value if isinstance(value, list) else [value]:
                yield field, text if isinstance(text, str) else text["cause"]


@pytest.mark.once  # a text of the data, looked up
def test_form(subtests: pytest.Subtests) -> None:
    for entry in _entries():
        with subtests.test(entry["name"]):
            assert WORDS | {"name", "when", "seen_by"} <= set(entry) <= WORDS | OPTIONS | {"name"}
            assert entry["seen_by"] in SEEN_BY
            assert entry["seen_by"] != "nobody" or "who" in entry
            for side in ("device", "backend"):
                assert set(entry.get(side, {})) <= WORDS | {"who", "command"}
            when = entry["when"]
            for table in when if isinstance(when, list) else [when]:
                assert set(table) <= MATCHES
                assert table.get("side", "device") in {"device", "backend"}
                assert table.get("stage", "setup") in {stage.value for stage in Stage}
            for field, text in texts(entry):
                assert {name for _, name, _, _ in Formatter().parse(text) if name} <= NAMES
                assert text == text.strip()
                if field == "command":
                    assert text.startswith("openssl ")


#: What no command of this package runs into: its contexts are set up by itself.
OF_PROGRAMS = {
    *("served_unchecked", "served_not_asked", "served_tls", "served_resumed", "never_asked"),
    *("asked_in_vain", "no_server_certificate", "check_off_in_the_wrong_order", "no_such_cipher"),
    *("no_version_left", "post_handshake", "session_id_context", "http_no_certificate"),
    *("http_misdirected", "certificate_asked_for", "wrong_kind_of_context", "wrap_socket_gone"),
    *("no_server_hostname", "argument_removed", "peer_certificate_missing"),
    *("tls_insecure_set_too_early", "arguments_of_wrap_socket", "context_wanted"),
    *("non_blocking", "socket_without_tls", "path_wanted", "ca_is_none"),
    *("cadata_form", "socket_gone", "handshake_not_done", "python_deprecated"),
    *("python_wrong_side", "wrapped_twice", "key_by_uri", "host_refused"),
}
CALLS = re.compile(
    r"create_default_context|load_verify_locations|load_cert_chain|check_hostname|verify_mode"
    r"|server_hostname|wrap_socket|set_ciphers|m(?:in|ax)imum_version|set_alpn|\bthe context\b"
    r"|'s context|(?:enter|serve|ask|explain)\("
)


@pytest.mark.once  # a text of the data, looked up
def test_who_types_a_command_is_told_its_options(subtests: pytest.Subtests) -> None:
    for entry in _entries():
        with subtests.test(entry["name"]):
            if entry["name"] not in OF_PROGRAMS:
                assert not [text for _, text in texts(entry) if CALLS.search(typed_here(text))]


def sentences(data: object) -> Iterator[str]:
    """Every text in the data."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for each in data.values() if isinstance(data, dict) else data:
            yield from sentences(each)


@pytest.mark.once  # a text of the data, looked up
def test_every_rule_for_outsiders_has_a_sentence_to_change() -> None:
    """They are applied in turn: an earlier one may have taken the words of a later one."""
    left = rules = read_facts("words")["outside"]
    told = ("explanations", "findings", "causes", "faults", "diagnoses")
    notes = [each.get("note", "") for each in read_stacks().values()]
    for text in sentences([*map(read_facts, told), *notes]):
        for rule in rules:
            if rule.get("near", rule.get("said")) in text:
                left = [each for each in left if each != rule]
                said = rule.get("pattern") or re.escape(rule["said"])
                text = re.sub(said, rule["instead"], text)  # noqa: PLW2901 - one after the other
    assert left == []


@pytest.mark.once  # a text of the data, looked up
def test_voice(subtests: pytest.Subtests) -> None:
    for entry in _entries():
        with subtests.test(entry["name"]):
            for field, text in texts(entry):
                assert not re.search(r"\b([Ss]imply|[Jj]ust|[Ee]asy|[Oo]bviously)\b", text)
                for rfc in re.findall(r"RFC \d+\S*(?! \w+:)", text):
                    assert re.match(r"RFC \d{4}", rfc)
                if field in {"who", "what", "fix"}:
                    assert text.endswith(".")
            for part in (entry, entry.get("device", {}), entry.get("backend", {})):
                why = part.get("why", "…")
                if isinstance(why, list):
                    assert len(why) > 1
                    tables = [cause for cause in why if isinstance(cause, dict)]
                    known = {
                        "cause",
                        "check",
                        "measured",
                        "fault",
                        "to",
                        "verifiers",
                        "of",
                        "likely",
                    }
                    assert all({"cause"} < set(t) <= known for t in tables)
                    words = [
                        text
                        for cause in tables
                        for text in (cause["cause"], cause.get("check", ""))
                    ]
                    words += [cause for cause in why if isinstance(cause, str)]
                    assert not [cause for cause in words if cause.endswith(".")]


def test_the_last_entry_fits_everything_and_no_other_does() -> None:
    *rest, last = _entries()
    assert (last["name"], last["when"], last["known"]) == ("unknown", {}, False)
    assert all(entry["when"] for entry in rest)


# --- In a cell


def test_it_is_shown_as_a_card() -> None:
    told = Explanation(
        known=True, who="a", what="b <i>", why="c", where="d", fix="e", command="openssl x && y"
    )
    shown = told._repr_html_()
    assert "<b>a</b>" in shown
    assert "b &lt;i&gt;" in shown
    assert "openssl x &amp;&amp; y</pre>" in shown
    assert pretty(told) == str(told)  # type: ignore[no-untyped-call]
