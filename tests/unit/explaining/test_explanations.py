"""Every explanation of data/explanations.toml, reached by a failure that was provoked for real.

How an explanation is chosen and written is in test_explanation.py, how to fail in failures.py.
"""

import base64
import os
import re
import shlex
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from mtls_lab import Exchange, Side, ask, pki, serve
from mtls_lab.explaining import Explanation, explain
from mtls_lab.explaining.symptoms import _entries
from mtls_lab.net import Backend, cut, server_context
from mtls_lab.pki import pem
from mtls_lab.wire.names import alert_of
from tests.unit import failures
from tests.unit.failures import (
    BACKEND_FILES,
    CA,
    CLIENT,
    CLIENT_CA,
    DEVICE_FILES,
    LEAF,
    MAY_SIGN,
    SERVER_CA,
    TLS_1_2,
    TLS_1_3,
    World,
    aki,
    caught,
    load,
    ski,
    trust,
    usage,
)
from tests.unit.lab import ROOT, VERSIONS, spelled, unfolded
from tests.unit.requests import create_csr

Provoke = Callable[[World], Exchange | Side | BaseException]

CLIENT_CRT, SERVER_CRT = DEVICE_FILES[0], BACKEND_FILES[0]
LATE = "In TLS 1.3 the device believed that it was connected until its first read"

REFUSED = "The backend refused the device."
HUNG_UP = "The device refused the backend."
NOBODY = "Nobody was refused."
ITSELF = "Nobody was refused: the device stopped before anything was sent."
UNSENT = "Nobody was refused: nothing was sent yet."
EITHER = "Nobody was refused: the side that shows this error stopped before anything was sent."
STARTED = "Nobody was refused: the backend could not start."
LAB = "Nobody was refused: the lab stopped by itself."
FINE = "This side refused nobody and was not refused."
ENDED = "The {} ended the {}; it refused what arrived, not who sent it."
GONE = "Nobody said no: the {} was gone in the middle of the handshake."
CUT = "Nobody said no: the connection was cut."
SILENT = "Nobody said no: the {} is silent."
HUNG_UP_ON = (
    "The backend hung up on the device without a word, after the handshake as the device saw it."
)
RESET = "Nobody said no in words: {} tore the connection down."


@dataclass(frozen=True)
class Told:
    """The explanation that is expected.

    `where` stands in the file or line that is named, `command` in the command; "" is no command.
    `late` is whether it says what a TLS 1.3 device believed.
    """

    entry: str
    who: str
    where: str
    command: str = ""
    late: bool = False
    known: bool = True


@dataclass(frozen=True)
class Case:
    """One way to fail: what the whole exchange says, and what each side says alone.

    `device_1_2` is for a device that is told something else in TLS 1.2.
    """

    whole: Told
    provoke: Provoke
    device: Told | None = None
    backend: Told | None = None
    versions: tuple[ssl.TLSVersion, ...] = (TLS_1_3,)
    device_1_2: Told | None = None


def present(name: str) -> Provoke:
    return lambda world: world.credential(name)


def refused(
    entry: str,
    alert: str,
    provoke: Provoke,
    *,
    where: str = CLIENT_CRT,
    command: str = CLIENT_CRT,
    alert_1_2: str = "",
    known: bool = True,
) -> Case:
    """The backend refuses the device's certificate."""
    return Case(
        Told(entry, REFUSED, where, command, late=True, known=known),
        provoke,
        Told(alert, REFUSED, CLIENT_CRT, CLIENT_CRT, late=True),
        Told(entry, REFUSED, where, command, known=known),
        VERSIONS,
        Told(alert_1_2 or alert, REFUSED, CLIENT_CRT, CLIENT_CRT),
    )


def hung_up(
    entry: str, alert: str, provoke: Provoke, *, where: str = SERVER_CRT, command: str = SERVER_CRT
) -> Case:
    """The device refuses the backend's certificate: in the handshake, in both versions."""
    whole = Told(entry, HUNG_UP, where, command)
    return Case(whole, provoke, whole, Told(alert, HUNG_UP, SERVER_CRT, SERVER_CRT), VERSIONS)


UNKNOWN_CA = "alert_unknown_ca"
EXPIRED = "alert_certificate_expired"
BAD = "alert_bad_certificate"
UNSUPPORTED = "alert_unsupported_certificate"
UNKNOWN = "alert_certificate_unknown"
DECRYPT = "alert_decrypt_error"


def refused_over_ca(entry: str, alert: str, provoke: Provoke) -> Case:
    """What is wrong is in the backend's file of CAs, or missing beside it."""
    return refused(entry, alert, provoke, where=CLIENT_CA, command=CLIENT_CA)


def hung_up_over_ca(entry: str, alert: str, provoke: Provoke) -> Case:
    return hung_up(entry, alert, provoke, where=SERVER_CA, command=SERVER_CA)


def root_ski(world: World) -> failures.Extension:
    return ski(world.key("Root"))


def wrong_key_usage(world: World) -> Exchange:
    leaf = world.leaf(LEAF, usage(data_encipherment=True), CLIENT)
    return world.shows([leaf], world.key("leaf"), trusted=world.root())


def signs_and_is_no_ca(world: World) -> Exchange:
    key, both = world.key("leaf"), usage(digital_signature=True, key_cert_sign=True)
    leaf = (LEAF, both, ski(key), aki(world.key("Root")), CLIENT)
    return failures.fails_strictly(world, leaf=leaf)


def root_without_ski(world: World) -> Exchange:
    return failures.fails_strictly(world, CA, MAY_SIGN)


def root_not_critical(world: World) -> Exchange:
    return failures.fails_strictly(world, (CA[0], False), MAY_SIGN, root_ski(world))


def by_root_not_critical(world: World) -> Exchange:
    return failures.from_root(world, (CA[0], False), MAY_SIGN, root_ski(world))


def root_without_key_usage(world: World) -> Exchange:
    return failures.fails_strictly(world, CA, root_ski(world))


#: From version 4 on, OpenSSL takes a CA whose basicConstraints are not critical, however strict.
LENIENT = ssl.OPENSSL_VERSION_INFO >= (4,)


CLIENT_CERTIFICATES = [
    refused(
        "no_certificate",
        "alert_certificate_required",
        present("none"),
        alert_1_2="alert_handshake_failure",
    ),
    refused("unknown_root", UNKNOWN_CA, present("untrusted"), where=CLIENT_CA),
    refused("unknown_issuer", UNKNOWN_CA, present("same_named_ca"), where=CLIENT_CA),
    refused("unknown_issuer", UNKNOWN_CA, failures.missing_intermediate, where=CLIENT_CA),
    refused("missing_root", UNKNOWN_CA, failures.missing_root, where=CLIENT_CA),
    refused_over_ca("too_many_cas", UNKNOWN_CA, failures.no_further_ca),
    refused("may_not_sign", UNKNOWN_CA, failures.device_as_ca),
    refused("self_signed", UNKNOWN_CA, present("self_signed")),
    refused("expired", EXPIRED, present("expired")),
    refused("not_yet_valid", BAD, present("not_yet_valid")),
    refused("wrong_purpose", UNSUPPORTED, present("wrong_purpose")),
    refused("wrong_purpose", UNSUPPORTED, wrong_key_usage),
    refused("revoked", "alert_certificate_revoked", present("revoked")),
    refused("no_crl", UNKNOWN_CA, failures.no_crl, where=CLIENT_CA),
    refused_over_ca("crl_unusable", EXPIRED, lambda world: failures.with_crl(world, -9, -1)),
    refused_over_ca("crl_unusable", BAD, lambda world: failures.with_crl(world, 1, 9)),
    refused_over_ca(
        "crl_unusable",
        DECRYPT,
        lambda world: failures.with_crl(world, -1, 9, signer="stranger"),
    ),
    refused("signature_does_not_fit", DECRYPT, failures.same_name_without_aki),
    refused("too_weak", BAD, failures.weak_key),
    refused("strict_no_aki", UNKNOWN, failures.no_aki),
    refused_over_ca("strict_no_ski", UNKNOWN, root_without_ski),
    *([] if LENIENT else [refused_over_ca("strict_basic_constraints", UNKNOWN, root_not_critical)]),
    refused_over_ca("strict_no_key_usage", UNKNOWN, root_without_key_usage),
    refused("strict", UNKNOWN, signs_and_is_no_ca),
    refused("critical_extension", UNKNOWN, failures.critical_extension),
    refused("unknown_verification", UNKNOWN, failures.foreign_addresses, known=False),
    refused("no_policy", UNKNOWN, failures.no_policy),
    refused("suite_b", UNKNOWN, failures.suite_b),
    refused("proxy_certificate", UNKNOWN, failures.by_proxy),
    refused("crl_for_others", UNKNOWN, failures.crl_for_cas, where=CLIENT_CA),
    refused_over_ca("ca_signs_no_crl", UNKNOWN, failures.ca_signs_no_crl),
    refused("name_constraints", UNKNOWN, failures.outside_its_names),
]


def no_ca_loaded(world: World) -> Exchange:
    return world.ask(world.server(mutual=False), ssl.create_default_context())


def signed_by_itself(world: World) -> Exchange:
    identity = pki.self_signed("localhost", pki.Purpose.SERVER, names=["localhost"])
    return failures.impostor(world, identity)


def dated(first: int, last: int) -> Provoke:
    return lambda world: failures.from_the_ca(world, pki.Purpose.SERVER, (first, last))


def called(name: str) -> Provoke:
    return lambda world: world.ask(world.server(), world.valid(), server_hostname=name)


def forged(world: World) -> Exchange:
    device = world.device()
    return failures.from_root(world, device=device, has_aki=False, signer="stranger")


SERVER_CERTIFICATES = [
    hung_up(
        "unknown_issuer",
        UNKNOWN_CA,
        lambda world: failures.stranger(world, send_ca=False),
        where=SERVER_CA,
    ),
    hung_up(
        "unknown_root",
        UNKNOWN_CA,
        lambda world: failures.stranger(world, send_ca=True),
        where=SERVER_CA,
    ),
    hung_up("unknown_issuer", UNKNOWN_CA, no_ca_loaded, where=SERVER_CA),
    hung_up("self_signed", UNKNOWN_CA, signed_by_itself),
    hung_up("expired", EXPIRED, dated(-9, -1)),
    hung_up("not_yet_valid", BAD, dated(1, 9)),
    hung_up(
        "wrong_purpose",
        UNSUPPORTED,
        lambda world: failures.from_the_ca(world, pki.Purpose.CLIENT, (0, 90)),
    ),
    hung_up("wrong_host", BAD, called("backend.example")),
    hung_up("wrong_address", BAD, called("192.0.2.1")),
    hung_up("signature_does_not_fit", DECRYPT, forged),
    hung_up("strict_no_aki", UNKNOWN, lambda world: failures.from_root(world, has_aki=False)),
    hung_up_over_ca(
        "strict_no_ski",
        UNKNOWN,
        lambda world: failures.from_root(world, CA, MAY_SIGN),
    ),
    *(
        []
        if LENIENT
        else [hung_up_over_ca("strict_basic_constraints", UNKNOWN, by_root_not_critical)]
    ),
    hung_up_over_ca(
        "strict_no_key_usage",
        UNKNOWN,
        lambda world: failures.from_root(world, CA, root_ski(world)),
    ),
]


def rule_fails(world: World) -> Exchange:
    """A rule that forgets CERT_OPTIONAL: it gets None."""
    return world.ask(
        failures.welcomes_nobody_too(world),
        world.device(),
        authorize=lambda certificate: certificate["subject"] == "trusted",
    )


def by_name(certificate: object) -> bool:
    return "trusted-client" in str(certificate)


def never_asks(rule: Callable[..., object]) -> Provoke:
    """A right device, and a backend that forgets to ask."""
    return lambda world: world.ask(world.server(mutual=False), world.valid(), authorize=rule)


def rule_misspells(world: World) -> Exchange:
    return world.ask(
        world.server(), world.valid(), authorize=lambda certificate: certificate["subjct"]
    )


def rule_reads_a_file(world: World) -> Exchange:
    """The error could be a file of the backend's own, and it is the rule's."""
    allowed = Path("allowed.txt")
    return world.ask(world.server(), world.valid(), authorize=lambda _: allowed.read_text())


NO = Told("told_not_authorized", REFUSED, "authorize in the backend's serve", CLIENT_CRT)
RULE_SAYS_NO = Told("not_authorized", REFUSED, "authorize in serve", CLIENT_CRT)
RULE_RAISED = Told("rule_raised", REFUSED, "authorize in serve", CLIENT_CRT)
PLAIN_RULE = Told("plain_rule", REFUSED, "without a context")
NEVER_ASKED = Told("never_asked", REFUSED, "verify_mode in the backend's context", "s_client")
IN_VAIN = Told("asked_in_vain", REFUSED, "verify_mode in the backend's context", CLIENT_CRT)

RULES = [
    Case(RULE_SAYS_NO, present("unauthorized_name"), NO, RULE_SAYS_NO, VERSIONS),
    Case(IN_VAIN, rule_fails, NO, IN_VAIN, VERSIONS),
    Case(NEVER_ASKED, never_asks(by_name), NO, NEVER_ASKED, VERSIONS),
    Case(NEVER_ASKED, never_asks(lambda certificate: certificate["subject"]), NO),
    Case(PLAIN_RULE, lambda world: world.ask(None, None, authorize=by_name), NO, PLAIN_RULE),
    Case(RULE_RAISED, rule_misspells, NO, RULE_RAISED, VERSIONS),
    Case(RULE_RAISED, rule_reads_a_file, NO, versions=VERSIONS),
    Case(
        Told(
            "error_reply",
            "Nobody refused the device: the backend refused the command.",
            "the command",
        ),
        lambda world: world.ask(None, None, command="DANCE"),
    ),
    Case(
        Told("not_a_line", REFUSED, "the command"),
        lambda world: world.ask(None, None, command="x" * 2000),
    ),
]


def plain_device(world: World) -> Exchange:
    return world.ask(world.server(), None)


def plain_backend(world: World) -> Exchange:
    return world.ask(None, world.valid())


def browser(world: World) -> Side:
    request = b"GET / HTTP/1.1\r\n\r\n"
    return failures.raw(world.server(), lambda client: client.sendall(request))


def falls_back(world: World) -> Side:
    """A hello for TLS 1.2 with TLS_FALLBACK_SCSV (RFC 7507)."""
    return says_hello(world, 0x56, 0x00, 1, 0)


def renegotiates_at_once(world: World) -> Side:
    """A first hello as of a second handshake (RFC 5746, section 3.6): no entry is about that."""
    return says_hello(world, 0x00, 0x9E, 1, 0, 0, 6, 0xFF, 1, 0, 2, 1, 65)


def says_hello(world: World, *ends: int) -> Side:
    """A hello for TLS 1.2 with one cipher suite, and what it ends in: another one, and more."""
    server = world.server()
    server.minimum_version, server.maximum_version = VERSIONS[1], VERSIONS[0]
    hello = bytes([3, 3, *bytes(33), 0, 4, 0xC0, 0x2B, *ends])
    record = bytes([22, 3, 1, 0, len(hello) + 4, 1, 0, 0, len(hello)]) + hello
    return failures.raw(server, lambda client: client.sendall(record))


def only_1_3_and_no_certificate(world: World) -> Exchange:
    return world.ask(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), world.device())


def alert(name: str) -> Provoke:
    number = ssl.AlertDescription[f"ALERT_DESCRIPTION_{name}"]
    return lambda world: failures.alert_of_choice(world, number)


VERSION = Told("no_common_version", REFUSED, "minimum_version")
CIPHER = Told("nothing_in_common", REFUSED, "load_cert_chain", SERVER_CRT)
FAILURE = Told("alert_handshake_failure", REFUSED, "load_cert_chain", CLIENT_CRT)
DEVICE_ENDED = ENDED.format("device", "handshake")
LOG = "the log of the backend"
NO_SUCH_NAME = (
    "The backend ended the handshake; it serves nobody by the server name that was asked for."
)
UNTOLD = Told(
    "unknown_tls",
    "The backend ended the connection; it cannot be told whether it refused the device.",
    "not known",
    known=False,
)
CALLBACK = Told(
    "callback_failed",
    "The backend ended the handshake by its own code, before any certificate of the device was"
    " looked at.",
    "sni_callback of the backend",
)
TOLD_UNKNOWN = Told("unknown_alert", REFUSED, LOG, known=False)

WITHOUT_A_WORD = "Nobody said no: the backend hung up without a word."
HANGS_UP = Told("closed_without_reply", WITHOUT_A_WORD, "the context that the device was given")
HANGS_UP_LATE = Told("closed_after_handshake", WITHOUT_A_WORD, "the backend's log")

PROTOCOLS = [
    Case(
        VERSION,
        failures.versions_apart,
        Told("alert_protocol_version", REFUSED, "minimum_version"),
        VERSION,
        VERSIONS,
    ),
    # With a device that speaks TLS 1.3 only, a missing certificate looks like that.
    Case(VERSION, only_1_3_and_no_certificate),
    Case(CIPHER, failures.backend_without_certificate, FAILURE, CIPHER),
    Case(CIPHER, failures.ciphers_apart, FAILURE, CIPHER),
    Case(
        Told(
            "no_version_left",
            "Nobody was refused: the device has no TLS version to offer.",
            "context of the device",
        ),
        failures.no_version_left,
    ),
    Case(
        Told("not_tls", REFUSED, "ask(…) without a context"),
        plain_device,
        HANGS_UP,
    ),
    Case(Told("not_tls", REFUSED, "another program that calls this port"), browser),
    Case(
        Told("not_tls", "The device hung up on the backend.", "serve(…) without a context"),
        plain_backend,
        backend=Told("tls_at_a_plain_backend", REFUSED, "serve(…) without a context"),
        versions=VERSIONS,
    ),
    Case(
        Told("not_a_reply", ENDED.format("device", "connection"), "the address"),
        failures.changed_plain_reply,
    ),
    Case(
        Told("record_changed", ENDED.format("device", "connection"), "on the wire"),
        failures.changed_record,
        backend=Told("alert_bad_record_mac", ENDED.format("device", "connection"), "on the wire"),
        versions=VERSIONS,
    ),
    Case(
        Told("handshake_changed", DEVICE_ENDED, "on the wire"),
        failures.changed_signature,
        backend=Told("alert_decrypt_error", HUNG_UP, "the wire", SERVER_CRT),
        versions=(TLS_1_2,),
    ),
    Case(
        Told("handshake_garbled", DEVICE_ENDED, "on the wire"),
        failures.changed_hello,
        backend=Told("alert_garbled", DEVICE_ENDED, "on the wire"),
        versions=VERSIONS,
    ),
    Case(Told("cut_off", CUT, LOG), failures.cut_reply, versions=VERSIONS),
    Case(
        Told(
            "reply_lost",
            "Nobody said no: the backend answered, and the reply did not arrive.",
            "between the two",
        ),
        failures.cut_plain_reply,
        HANGS_UP,
    ),
    Case(
        Told("hung_up_on_the_device", HUNG_UP_ON, "the backend's log", CLIENT_CRT, late=True),
        failures.hangs_up_after_the_handshake,
        HANGS_UP_LATE,
    ),
    Case(
        Told("cut_in_handshake", GONE.format("backend"), LOG),
        lambda world: world.through(cut(0)),
        backend=Told("cut_in_handshake", GONE.format("device"), "the log of the device"),
        versions=VERSIONS,
    ),
    Case(UNTOLD, renegotiates_at_once),
    Case(Told("inappropriate_fallback", REFUSED, "the first attempt"), falls_back),
    Case(CALLBACK, alert("UNKNOWN_PSK_IDENTITY"), TOLD_UNKNOWN, CALLBACK, VERSIONS),
    Case(CALLBACK, alert("BAD_CERTIFICATE_STATUS_RESPONSE"), TOLD_UNKNOWN, CALLBACK, VERSIONS),
    *(
        Case(CALLBACK, alert(name.upper()), Told(f"alert_{name}", who, where, command), CALLBACK)
        for name, who, where, command in (
            ("access_denied", REFUSED, CLIENT_CRT, CLIENT_CRT),
            ("internal_error", "The backend ended the connection by its own fault.", LOG, ""),
            ("unrecognized_name", NO_SUCH_NAME, "server_hostname", ""),
        )
    ),
]

NO_PROGRAM = Told(
    "nobody_listens", "Nobody refused the device: no program was there to do so.", "backend.address"
)
IN_USE = Told("address_in_use", STARTED, "port in serve")
NOT_OURS = Told("not_our_address", STARTED, "host in serve")
NOT_HERE = Told(
    "address_not_here",
    "Nobody was refused: the operating system does not have this address.",
    "the address that is listened on or called",
)


def blank() -> ssl.SSLContext:
    """A context whose calls are made without a function in between that names their files."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


TOO_LONG = "timed_out_in_handshake"
OTHER_PROGRAM = "the program on the other side"

SOCKETS = [
    Case(
        Told("another_user", REFUSED, "who runs the two programs"),
        lambda _: failures.of_another_user(),
    ),
    Case(NO_PROGRAM, failures.nobody_there),
    Case(NO_PROGRAM, lambda _: caught(lambda: socket.create_connection(("127.0.0.1", 1)))),
    Case(IN_USE, lambda _: failures.twice(socket.create_server)),
    Case(IN_USE, lambda _: failures.twice(lambda address: serve(port=address[1]))),
    Case(NOT_HERE, lambda _: caught(lambda: socket.create_server(("192.0.2.1", 0)))),
    Case(NOT_OURS, lambda _: caught(lambda: serve(host="192.0.2.1"))),
    Case(
        Told("no_such_host", "Nobody was refused: the name has no address.", "the address"),
        failures.no_such_host,
    ),
    Case(
        Told("reset", RESET.format("the device"), "the log of the device"),
        lambda _: failures.raw(None, failures.reset),
    ),
    Case(
        Told(
            "reset", RESET.format("the other side"), "the device shows it: the log of the backend"
        ),
        failures.broken_pipe,
    ),
    Case(
        Told(
            "timed_out_connecting",
            "Nobody said no: nobody answered at all.",
            "the address that the device calls",
        ),
        failures.full_queue,
    ),
    Case(
        Told(TOO_LONG, SILENT.format("backend"), OTHER_PROGRAM),
        lambda world: failures.silent_listener(world.valid()),
    ),
    Case(
        Told(TOO_LONG, SILENT.format("device"), OTHER_PROGRAM),
        lambda world: failures.says_nothing(world.server()),
    ),
    Case(
        Told("timed_out", SILENT.format("backend"), OTHER_PROGRAM),
        lambda _: failures.silent_listener(None),
    ),
    Case(
        Told("timed_out", SILENT.format("device"), OTHER_PROGRAM),
        lambda _: failures.says_nothing(None),
    ),
    Case(
        Told(
            "not_permitted",
            "Nobody was refused: the operating system refused this account.",
            "private.key",
            "" if ROOT else "ls -l private.key",  # root may read it again by now
        )
        if sys.version_info < (3, 15)  # from then on, the error has the name
        else Told("named_file_closed", EITHER, "private.key"),
        failures.unreadable_key,
    ),
]


def mixed_up(world: World, certfile: str, keyfile: str | None = None) -> Exchange:
    """The device's own setup fails, in the function that makes its context."""

    def make() -> ssl.SSLContext:
        context = world.device()
        context.load_cert_chain(certfile, keyfile)
        return context

    with serve(world.server()) as backend:
        return ask("GET_SECRET", backend, context=make)


def no_checks() -> None:
    ssl.create_default_context().verify_mode = ssl.CERT_NONE


SETUP = [
    Case(Told("key_mismatch", ITSELF, CLIENT_CRT, CLIENT_CRT), present("wrong_key")),
    Case(
        Told("key_mismatch", EITHER, "device/client.crt, backend/server.key", CLIENT_CRT),
        lambda _: caught(lambda: load(CLIENT_CRT, BACKEND_FILES[1])),
    ),
    Case(
        Told("key_mismatch", EITHER, "backend does: backend/server.crt and backend/server.key"),
        lambda _: caught(lambda: blank().load_cert_chain(CLIENT_CRT, BACKEND_FILES[1])),
    ),
    Case(Told("pem_lib", ITSELF, CLIENT_CRT, CLIENT_CRT), lambda world: mixed_up(world, SERVER_CA)),
    Case(
        Told("pem_lib", EITHER, CLIENT_CRT),
        lambda _: caught(lambda: blank().load_cert_chain(*DEVICE_FILES[::-1])),
    ),
    Case(
        Told("file_swapped", UNSENT, DEVICE_FILES[1]),
        lambda _: caught(lambda: load(*DEVICE_FILES[::-1])),
    ),
    Case(
        Told("no_ca_in_file", EITHER, "backend does: backend/client_ca.pem, loaded by load"),
        lambda _: caught(lambda: blank().load_verify_locations(DEVICE_FILES[1])),
    ),
    Case(
        Told("file_swapped", UNSENT, DEVICE_FILES[1]),
        lambda _: caught(lambda: trust(DEVICE_FILES[1])),
    ),
    Case(Told("no_such_file", ITSELF, CLIENT_CRT), lambda world: mixed_up(world, "nope.crt")),
    Case(Told("argument_missing", EITHER, "nope.pem"), lambda _: caught(lambda: trust("nope.pem"))),
    Case(
        Told("too_weak_to_load", EITHER, "odd.crt", "odd.crt"),
        lambda world: caught(lambda: failures.weak_key(world, weak=False)),
    ),
    Case(
        Told("no_server_hostname", ITSELF, "server_hostname", SERVER_CRT),
        lambda world: world.ask(world.server(), world.valid(), server_hostname=None),
    ),
    Case(
        Told(
            "check_off_in_the_wrong_order",
            "Nobody was refused: the context kept its checks.",
            "CERT_NONE",
            SERVER_CRT,
        ),
        lambda _: caught(no_checks),
    ),
    Case(
        Told(
            "no_such_cipher",
            "Nobody was refused: the context kept its ciphers.",
            "set_ciphers",
            "openssl ciphers",
        ),
        lambda world: caught(lambda: world.server().set_ciphers("NONSENSE")),
    ),
    Case(Told("lab_error", LAB, "the error"), lambda _: caught(lambda: pem.read_key("nope.key"))),
    Case(Told("lab_error", LAB, "the error"), lambda _: caught(lambda: serve(port=-1))),
    Case(
        Told("unknown", "It cannot be told from this who refused whom.", "traceback", known=False),
        lambda _: caught(lambda: os.environ["NO_SUCH_NAME"]),
    ),
]


def not_checked(world: World) -> Exchange:
    device = world.device()
    device.check_hostname, device.verify_mode = False, ssl.CERT_NONE
    return world.ask(world.server(mutual=False), device)


def elsewhere(world: World) -> Exchange:
    with serve(world.server()) as backend:
        return ask("GET_SECRET", backend.address, context=world.valid())


ONE_SIDE = Told("one_side_fine", FINE, "the other side")
NOT_ASKED = Told("served_tls", NOBODY, "verify_mode in the backend's context", SERVER_CRT)

SERVED = [
    Case(Told("served_plain", NOBODY, "without a context"), lambda world: world.ask(None, None)),
    Case(
        Told("served_unchecked", NOBODY, "verify_mode", SERVER_CRT), not_checked, versions=VERSIONS
    ),
    Case(
        Told("served_elsewhere", NOBODY, "the backend's log", CLIENT_CRT),
        elsewhere,
        versions=VERSIONS,
    ),
    Case(
        NOT_ASKED,
        lambda world: world.ask(world.server(mutual=False), world.device()),
        versions=VERSIONS,
    ),
    Case(
        NOT_ASKED,
        lambda world: world.ask(failures.welcomes_nobody_too(world), world.device()),
        versions=VERSIONS,
    ),
    Case(
        Told("served_mutual", NOBODY, "device/client.key", CLIENT_CRT),
        lambda world: world.ask(world.server(), world.valid()),
        ONE_SIDE,
        ONE_SIDE,
        VERSIONS,
    ),
    Case(
        Told("served_resumed", NOBODY, "num_tickets and minimum_version"),
        lambda world: world.resume(world.server(), world.valid()),
        ONE_SIDE,
        ONE_SIDE,
        VERSIONS,
    ),
]

CASES = [
    *CLIENT_CERTIFICATES,
    *SERVER_CERTIFICATES,
    *RULES,
    *PROTOCOLS,
    *SOCKETS,
    *SETUP,
    *SERVED,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.create(tmp_path_factory.mktemp("learner"))


@pytest.fixture
def world(folder: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The learner's folder, as the current one."""
    monkeypatch.chdir(folder.folder)
    return folder


@cache
def works(command: str) -> bool:
    """Whether a command ends with exit code 0; each is run once, for it runs on the same files."""
    with serve(server_context(*BACKEND_FILES)) as backend:
        return said(command, backend).returncode == 0


def said(command: str, backend: Backend) -> "subprocess.CompletedProcess[str]":
    """Run a command as a learner would, who puts in the address of the backend."""
    assert command.startswith(("openssl ", "ls -l "))
    host, port = backend.address
    return subprocess.run(
        shlex.split(command.replace("HOST:PORT", f"{host}:{port}")),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def check(explanation: Explanation, told: Told, version: ssl.TLSVersion) -> None:
    assert explanation.entry == told.entry
    assert explanation.known is told.known
    assert explanation.who == told.who
    assert told.where in explanation.where
    assert (LATE in explanation.what) is (told.late and version is TLS_1_3)
    assert told.command in explanation.command
    assert bool(explanation.command) is bool(told.command)
    assert not explanation.command or works(explanation.command)
    # Nothing of this run or this machine, no name left to fill in, and files that are there.
    text = unfolded(explanation)
    assert not re.search(r"127\.0\.0\.1:|/tmp|_ssl\.c|[{}]", text)
    assert len(text.splitlines()) == 5 + bool(told.command)
    for file in re.findall(r"\b(?:ca|backend|device)/\w+\.\w+", text):
        assert Path(file).exists(), file


@pytest.mark.parametrize(
    ("case", "version"),
    [
        pytest.param(case, version, id=f"{number} {case.whole.entry} {spelled(version)}")
        for number, case in enumerate(CASES)
        for version in case.versions
    ],
)
def test_it_is_explained(world: World, case: Case, version: ssl.TLSVersion) -> None:
    world.version = version
    seen = case.provoke(world)
    explanation = explain(seen)
    check(explanation, case.whole, version)
    device = case.device_1_2 if version is TLS_1_2 and case.device_1_2 else case.device
    if device is not None:
        assert isinstance(seen, Exchange)
        check(explain(seen.device), device, version)
    if case.backend is not None:
        assert isinstance(seen, Exchange)
        assert seen.backend is not None
        check(explain(seen.backend), case.backend, version)
    assert explain(case.provoke(world)) == explanation


def told() -> set[str]:
    """The entries that are told for what is provoked here, for test_lines.py."""
    told = [told for case in CASES for told in (case.whole, case.device, case.backend) if told]
    told += [case.device_1_2 for case in CASES if case.device_1_2]
    return {one.entry for one in told} | {entry for entry, *_ in (*MISTAKES, *SIGNERS)}


@pytest.mark.parametrize("version", VERSIONS, ids=spelled)
@pytest.mark.parametrize("asks", [ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED])
def test_the_check_tells_whether_a_backend_asks(
    world: World, version: ssl.TLSVersion, asks: ssl.VerifyMode
) -> None:
    world.version = version
    context = world.server()
    context.verify_mode = asks
    (entry,) = [entry for entry in _entries() if entry["name"] == "never_asked"]
    with serve(context) as backend:
        printed = said(entry["command"], backend).stdout
    line = "Requested Signature Algorithms"
    assert line in entry["fix"]
    assert (line in printed) == (asks is not ssl.CERT_NONE)
    assert "Verify return code: 0 (ok)" in printed


# --- The numbers in the explanations of an alert are those that the other side really had

#: Siblings of codes that are provoked: OpenSSL gives each group one alert (ssl_x509err2alert).
NOT_PROVOKED = {("bad_certificate", code) for code in (67, 68)} | {
    ("certificate_unknown", code)
    for code in (80, 81, 82, 83, 84, 87, 88, *((89,) if LENIENT else ()), 90, 91, 93)
}
CODES = re.compile(
    r"(?:codes? )?\d+(?:(?:, | or | to )\d+)*(?: on the [\w']+(?: side)?)?(?: side)?"
)


def claimed_codes() -> set[tuple[str, int]]:
    """Every alert with each verify code that its explanation names."""
    found = set()
    for entry in _entries():
        if not entry["name"].startswith("alert_"):
            continue
        for part in (entry, entry.get("device", {}), entry.get("backend", {})):
            for group in re.findall(r"\(([^()]*)\)", str(part.get("why", ""))):
                if not CODES.fullmatch(group):
                    continue
                for first, last in re.findall(r"(\d+)(?: to (\d+))?", group):
                    codes = range(int(first), int(last or first) + 1)
                    found |= {(entry["when"]["alert"], code) for code in codes}
    return found


def test_the_numbers_of_an_alert_are_seen(world: World) -> None:
    """What is claimed happens, and an alert that is told by numbers names all that happen."""
    world.version = TLS_1_3
    seen = set()
    for case in (*CLIENT_CERTIFICATES, *SERVER_CERTIFICATES):
        exchange = case.provoke(world)
        assert isinstance(exchange, Exchange)
        assert exchange.backend is not None
        failures_of = (exchange.device.failure, exchange.backend.failure)
        codes = [failure.verify_code for failure in failures_of if failure and failure.verify_code]
        alerts = [alert_of(failure.reason) for failure in failures_of if failure]
        seen |= {(alert, code) for alert in alerts if alert for code in codes}
    claimed = claimed_codes()
    assert claimed - seen - NOT_PROVOKED == set()
    with_numbers = {alert for alert, _ in claimed}
    assert {(alert, code) for alert, code in seen if alert in with_numbers} - claimed == set()


@pytest.mark.parametrize("provoke", [root_not_critical, by_root_not_critical])
def test_openssl_4_takes_what_openssl_3_refuses(
    world: World, provoke: Callable[[World], Exchange]
) -> None:
    world.version = TLS_1_3
    assert provoke(world).ok is LENIENT


# --- A look into the certificates: OpenSSL says "invalid CA certificate" of both

SIGNERS: list[tuple[str, tuple[failures.Extension, ...], str]] = [
    ("not_a_ca", (), "does not say CA:TRUE"),
    ("not_a_ca", (usage(digital_signature=True), CLIENT), "does not say CA:TRUE"),
    ("ca_without_cert_sign", (CA, usage(digital_signature=True), CLIENT), "no keyCertSign"),
]


@pytest.mark.parametrize(("entry", "extensions", "why"), SIGNERS)
def test_a_look_into_the_signers(
    world: World, entry: str, extensions: tuple[failures.Extension, ...], why: str
) -> None:
    world.version = TLS_1_3
    exchange = failures.device_as_ca(world, *extensions)
    assert explain(exchange).entry == "may_not_sign"
    chain = failures.below_a_leaf(world, *extensions)
    told = explain(exchange, chain=chain)
    assert told.entry == entry
    assert why in told.why
    assert "CN=trusted-client" in told.why
    pem.write_certificate("chain.crt", *chain)
    assert explain(exchange, certfile="chain.crt", cafile=CLIENT_CA).why == told.why


def test_a_signer_that_may_sign_is_not_blamed(world: World) -> None:
    world.version = TLS_1_3
    expired = world.credential("expired")
    assert explain(expired, certfile=CLIENT_CRT, cafile=CLIENT_CA).entry == "expired"


# --- A look into the files: which of five mistakes is it?

KEY_WITH_PASSWORD, DER = "password.key", serialization.Encoding.DER


@pytest.fixture
def files(world: World) -> World:
    """Files that are not what they should be."""
    key, certificate = pem.read_key(DEVICE_FILES[1]), pem.read_certificate(CLIENT_CRT)
    Path("der.crt").write_bytes(certificate.public_bytes(DER))
    Path("tpm.key").write_text(
        "-----BEGIN TSS2 PRIVATE KEY-----\nAAAA\n-----END TSS2 PRIVATE KEY-----\n"
    )
    Path("der.key").write_bytes(
        key.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    Path(KEY_WITH_PASSWORD).write_bytes(failures.private_pem(key, b"right"))
    Path("old.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.BestAvailableEncryption(b"right"),
        )
    )
    # PKCS #8 that says pbeWithMD5AndDES-CBC, and has nothing in it.
    by_des = bytes.fromhex("302b301b06092a864886f70d010503300e04080123456789abcdef02020800040c")
    body = base64.b64encode(by_des + bytes(12)).decode()
    marks = ("-----BEGIN ENCRYPTED", "-----END ENCRYPTED")
    Path("des.key").write_text(f"\n{body}\n".join(f"{mark} PRIVATE KEY-----" for mark in marks))
    text = Path(CLIENT_CRT).read_text(encoding="utf-8")
    Path("damaged.crt").write_text(text.replace(text[60:100], "*" * 40), encoding="utf-8")
    Path("cut.crt").write_text(text[:200], encoding="utf-8")
    Path("empty.crt").touch()
    Path("folder").mkdir(exist_ok=True)
    Path("page.crt").write_text("<html>not found</html>", encoding="utf-8")
    Path("both.pem").write_bytes(Path(CLIENT_CRT).read_bytes() + Path(DEVICE_FILES[1]).read_bytes())
    pem.write_csr("client.csr", create_csr(key, "trusted-client"))
    return world


MISTAKES = [
    ("file_der", ("der.crt", DEVICE_FILES[1]), "der.crt is in DER form"),
    ("file_der", (CLIENT_CRT, "der.key"), "der.key is in DER form"),
    ("file_swapped", (DEVICE_FILES[1], CLIENT_CRT), "device/client.key holds a private key, and"),
    ("file_swapped", (DEVICE_FILES[1], DEVICE_FILES[1]), "it should be a certificate"),
    ("file_swapped", (CLIENT_CRT, CLIENT_CRT), "holds a certificate, and it should be a private"),
    ("file_another_thing", ("client.csr", DEVICE_FILES[1]), "holds a certificate signing request"),
    ("file_swapped", (KEY_WITH_PASSWORD, CLIENT_CRT), "holds a private key with a password"),
    ("file_no_key", (CLIENT_CRT,), "device/client.crt holds a certificate and no key"),
    ("file_password", (CLIENT_CRT, KEY_WITH_PASSWORD), "password.key is a key with a password"),
    ("file_password", (CLIENT_CRT, "old.key"), "old.key is a key with a password"),
    ("file_old_encryption", (CLIENT_CRT, "des.key"), "des.key is a key with a password, encrypted"),
    ("file_other", ("empty.crt", DEVICE_FILES[1]), "empty.crt is empty"),
    ("file_other", (CLIENT_CRT, "empty.crt"), "empty.crt is empty, and it should be a private key"),
    ("file_form", ("page.crt", DEVICE_FILES[1]), "page.crt is a web page or XML, and it should be"),
    ("file_in_tpm", (CLIENT_CRT, "tpm.key"), "Only a TPM can open the key in tpm.key"),
    ("file_other", ("damaged.crt", DEVICE_FILES[1]), "damaged.crt holds a damaged certificate"),
    ("file_other", ("cut.crt", DEVICE_FILES[1]), "cut.crt holds a damaged certificate"),
    ("file_missing", ("nope.crt", DEVICE_FILES[1]), "nope.crt is not there"),
    ("file_missing", (CLIENT_CRT, "nope.key"), "nope.key is not there"),
    ("named_folder", ("folder", DEVICE_FILES[1]), "folder is a folder; a file is expected"),
    ("named_folder", (CLIENT_CRT, "folder"), "folder is a folder; a file is expected"),
    ("key_mismatch", (CLIENT_CRT, BACKEND_FILES[1]), "not the one that the certificate"),
]


@pytest.mark.parametrize(("entry", "pair", "what"), MISTAKES)
@pytest.mark.usefixtures("files")
def test_a_look_into_the_pair(entry: str, pair: tuple[str, ...], what: str) -> None:
    error = caught(lambda: load(*pair, **({} if len(pair) == 1 else {"password": "wrong"})))
    certfile, keyfile = (*pair, None)[:2]
    assert certfile is not None
    explanation = explain(error, certfile=certfile, keyfile=keyfile, cafile=SERVER_CA)
    assert explanation.entry == entry
    assert what in explanation.what
    assert any(file in explanation.where for file in pair)
    if explanation.command:
        assert works(explanation.command)
    # By absolute names it says the same: what is this machine's own is left out.
    absolute = [None if file is None else Path(file).absolute() for file in (certfile, keyfile)]
    assert explain(error, certfile=absolute[0], keyfile=absolute[1]) == explanation


@pytest.mark.parametrize(
    ("entry", "file", "what"),
    [
        ("file_der", "der.crt", "der.crt is in DER form"),
        ("file_swapped", DEVICE_FILES[1], "holds a private key, and it should be a CA's"),
        ("file_another_thing", "client.csr", "holds a certificate signing request"),
        ("file_other", "empty.crt", "empty.crt is empty"),
        ("named_folder", "folder", "folder is a folder; a file is expected"),
        ("file_other", "damaged.crt", "damaged.crt holds a damaged certificate"),
        ("file_missing", "nope.pem", "nope.pem is not there"),
    ],
)
@pytest.mark.usefixtures("files")
def test_a_look_into_the_ca_file(entry: str, file: str, what: str) -> None:
    error = caught(lambda: trust(file))
    # A key with a password loads with the right one: it is not what is wrong here.
    explanation = explain(error, certfile=CLIENT_CRT, keyfile=KEY_WITH_PASSWORD, cafile=file)
    assert (explanation.entry, explanation.where.startswith(file)) == (entry, True)
    assert what in explanation.what
    if explanation.command:
        assert works(explanation.command)


@pytest.mark.usefixtures("files")
def test_files_that_are_fine_are_not_blamed() -> None:
    load("both.pem")
    load(CLIENT_CRT, KEY_WITH_PASSWORD, "right")
    error = caught(lambda: load("der.crt"))
    for pair in [DEVICE_FILES, ("both.pem", None)]:
        explanation = explain(error, certfile=pair[0], keyfile=pair[1])
        assert explanation.entry == "pem_lib"
        assert pair[0] in explanation.where


@pytest.mark.usefixtures("files")
def test_an_rsa_key_is_not_blamed(world: World) -> None:
    """The lab makes none, and ssl takes it."""
    key = failures.weak_rsa()
    world.write_key("rsa.key", key)
    error = caught(lambda: load("der.crt", "rsa.key"))
    assert explain(error, certfile=CLIENT_CRT, keyfile="rsa.key").entry == "pem_lib"


@pytest.mark.usefixtures("files")
def test_the_name_of_a_file_tells_nothing() -> None:
    Path("is empty").mkdir(exist_ok=True)
    odd = "is empty/holds a damaged.key"
    Path(odd).write_bytes(Path("der.key").read_bytes())
    error = caught(lambda: load(CLIENT_CRT, odd))
    assert explain(error, certfile=CLIENT_CRT, keyfile=odd).entry == "file_der"
    assert explain(error, keyfile=odd).what.startswith(f"{odd} is in DER form")


# --- Python 3.13 became strict


def test_the_default_of_this_python(world: World) -> None:
    """A CA without keyUsage, as many instructions make it: from 3.13 on nobody accepts it."""
    device = ssl.create_default_context(cafile=SERVER_CA)
    exchange = failures.from_root(world, CA, ski(world.key("Root")), device=device)
    strict = sys.version_info >= (3, 13)
    assert explain(exchange).entry == ("strict_no_key_usage" if strict else "served_tls")
