"""A saved exchange, read back by Wireshark's own reader; and our names against its names."""

import re
import shutil
import ssl
import subprocess
from functools import cache
from pathlib import Path

import pytest

from mtls_lab import Exchange, Relay, ask, serve, watch
from mtls_lab.wire import Direction
from mtls_lab.wire.names import registry
from mtls_lab.wire.recording import SEGMENT, pcapng
from tests.interop.command import openssl
from tests.unit.lab import Lab

#: tshark stands for every Python and OpenSSL: test_opening.py opens the same bytes on each.
pytestmark = pytest.mark.once

TYPES_1_3 = {"valid": "1 2 8 13 11 15 20 11 15 20 4 4", "none": "1 2 8 13 11 15 20 11 20"}
TYPES_1_2 = {"valid": "1 2 11 12 13 14 11 16 15 20 4 20", "none": "1 2 11 12 13 14 11 16 20"}
REFUSALS = {"TLSv1_3": "116", "TLSv1_2": "40"}  # certificate_required, handshake_failure


def tshark(*arguments: str | Path) -> str:
    if shutil.which("tshark") is None:
        pytest.skip("no tshark on the PATH; on Debian and Ubuntu: apt install tshark")
    command = ["tshark", *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return run.stdout


def values(path: Path, name: str) -> list[str]:
    """Every value of a field, in the order of the packets."""
    lines = tshark("-n", "-r", path, "-T", "fields", "-e", name, "-E", "aggregator=,")
    return [value for line in lines.split() for value in line.split(",")]


def follow(path: Path, kind: str) -> list[str]:
    """The lines of text that Wireshark shows for this connection."""
    shown = tshark("-n", "-r", path, "-q", "-z", f"follow,{kind},ascii,0")
    return [line.strip() for line in shown.splitlines()]


def exchange_of(lab: Lab, credential: str, version: ssl.TLSVersion) -> Exchange:
    device, context = lab.device(credential, version), lab.mtls()
    watch(device, context)
    with serve(context) as backend:
        return ask("GET_SECRET", backend, context=device)


@pytest.mark.parametrize("credential", ["valid", "none"])
def test_wireshark_reads_an_exchange_decrypted(
    lab: Lab, version: ssl.TLSVersion, credential: str, tmp_path: Path
) -> None:
    exchange = exchange_of(lab, credential, version)
    path = exchange.save_pcapng(tmp_path / "exchange.pcapng")
    expected = TYPES_1_3 if version is ssl.TLSVersion.TLSv1_3 else TYPES_1_2
    assert values(path, "tls.handshake.type") == expected[credential].split()
    alerts = [alert for alert in values(path, "tls.alert_message.desc") if alert != "0"]
    if credential == "valid":
        assert alerts == []
        assert {"GET_SECRET", "open sesame"} <= set(follow(path, "tls"))
    else:
        assert alerts == [REFUSALS[version.name]]


def test_wireshark_reads_a_resumed_exchange(
    lab: Lab, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    path = lab.resumed(version).save_pcapng(tmp_path / "resumed.pcapng")
    found = values(path, "tls.handshake.type")
    assert "11" not in found, "a resumed handshake has no Certificate"
    assert found[:2] == ["1", "2"]
    assert found.count("20") == 2
    assert {"GET_SECRET", "open sesame"} <= set(follow(path, "tls"))


def test_without_secrets_wireshark_sees_what_eve_sees(lab: Lab, tmp_path: Path) -> None:
    with serve(lab.mtls()) as backend:
        exchange = ask("GET_SECRET", backend, context=lab.device())
    path = exchange.save_pcapng(tmp_path / "eve.pcapng")
    assert values(path, "tls.handshake.type") == ["1", "2"]
    assert "open sesame" not in follow(path, "tls")


def test_wireshark_reads_plain_lines(tmp_path: Path) -> None:
    with serve() as backend:
        exchange = ask("GET_SECRET", backend)
    path = exchange.save_pcapng(tmp_path / "plain.pcapng")
    assert {"GET_SECRET", "open sesame"} <= set(follow(path, "tcp"))


def test_wireshark_reads_a_connection_through_a_relay(lab: Lab, tmp_path: Path) -> None:
    device = lab.device()
    watch(device)
    with serve(lab.mtls()) as backend, Relay(backend) as eve:
        path = ask("GET_SECRET", eve, context=device).save_pcapng(tmp_path / "relay.pcapng")
        assert set(values(path, "tcp.port")) > {str(eve.address[1])}
    assert "open sesame" in follow(path, "tls")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_segments_checksums_and_times_are_right(host: str, tmp_path: Path) -> None:
    path = tmp_path / "made.pcapng"
    device, backend = (host, 40000), (host, 5000)
    passed = [
        (1_700_000_000.25, Direction.TO_BACKEND, b"a line\n"),
        (1_700_000_000.5, Direction.TO_DEVICE, b"x" * (2 * SEGMENT + 1)),
        (1_700_000_001.0, Direction.TO_BACKEND, b"odd"),
    ]
    path.write_bytes(pcapng(device, backend, passed))
    checks = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    names = ["tcp.checksum.status", "frame.time_epoch", "tcp.len", "tcp.analysis.flags"]
    shown = tshark("-n", "-r", path, *checks, "-T", "fields", *(f"-e{name}" for name in names))
    rows = [line.split("\t") for line in shown.splitlines()]
    assert [row[0] for row in rows] == ["1"] * 11, "good checksums"
    assert [row[2] for row in rows if row[2] != "0"] == ["7", str(SEGMENT), str(SEGMENT), "1", "3"]
    assert [row[3] for row in rows if row[3]] == []
    assert (rows[3][1], rows[-1][1]) == ("1700000000.250000000", "1700000001.000000000")
    if host == "127.0.0.1":
        shown = tshark("-n", "-r", path, *checks, "-T", "fields", "-e", "ip.checksum.status")
        assert shown.split() == ["1"] * 11


@cache
def wireshark_names() -> dict[str, dict[int, str]]:
    """What Wireshark calls the values of each field of TLS."""
    names: dict[str, dict[int, str]] = {}
    for line in tshark("-G", "values").splitlines():
        if line.startswith("V\ttls."):
            _, field, number, name = line.split("\t")
            names.setdefault(field, {})[int(number, 0)] = name
    return names


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("extensions", "tls.handshake.extension.type"),
        ("groups", "tls.handshake.extensions_supported_group"),
        ("signature_schemes", "tls.handshake.sig_hash_alg"),
        ("cipher_suites", "tls.handshake.ciphersuite"),
        ("handshake_types", "tls.handshake.type"),
        ("alerts", "tls.alert_message.desc"),
    ],
)
def test_our_names_are_wireshark_s(table: str, field: str) -> None:
    """Where it knows a number; it spells a few in its own way."""
    theirs = wireshark_names()[field]
    assert len(theirs) > 20
    other = {
        number: (name, theirs[number])
        for number, name in registry(table).items()
        if number in theirs and plain(name) != plain(theirs[number])
    }
    assert set(other) <= OTHERWISE.get(table, set()), other


def plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


#: It adds an s to delegated_credential, and up to 4.2 it called three groups as drafts had done.
OTHERWISE = {"extensions": {34}, "groups": {0x0200, 0x0201, 0x0202}}


def test_our_cipher_suites_are_openssl_s() -> None:
    told = openssl("ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0").stdout
    theirs = {
        int(first + second, 16): name
        for first, second, name in re.findall(r"0x(\w\w),0x(\w\w) - (\w+) ", told)
    }
    assert len(theirs) > 50
    known = registry("cipher_suites")
    assert {number: name for number, name in theirs.items() if known.get(number) != name} == {}
