"""A device with its keys in a TPM lives among devices with key files."""

import ssl
from pathlib import Path

import pytest

from mtls_lab.enrolment import ChipDevice, Office, ask_all, current_only, own_name
from mtls_lab.net import Backend, client_context
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.tpm import SoftwareTPM, read_wrapped

pytestmark = pytest.mark.once


def test_it_is_born_enrols_renews_and_works(tmp_path: Path) -> None:
    servers = CertificateAuthority.create("Server CA")
    pem.write_certificate(tmp_path / "server_ca.pem", servers.certificate)
    root = CertificateAuthority.create("Device Root", below=1)
    pem.write_certificate(tmp_path / "root.pem", root.certificate)
    births, devices = root.intermediate("Birth CA"), root.intermediate("Device CA")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    servers.issue_server(["localhost"]).load_into(context)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cafile=tmp_path / "root.pem")
    office = Office(devices, [own_name, current_only])
    by_file = client_context(tmp_path / "server_ca.pem")
    devices.issue_client("pump-1").load_into(by_file)
    with SoftwareTPM(tmp_path / "chip") as chip:
        pump = ChipDevice("pump-2", tmp_path, chip, tmp_path / "server_ca.pem")
        birth = births.sign(pump.request(), Purpose.CLIENT)
        pump.keep(birth, *births.chain, kind="birth")
        office.announce(birth)
        with Backend(context, answer=office.answer, name="office") as counter:
            assert pump.enrol(counter, present="birth").ok
            first = pem.read_certificate(tmp_path / "device.crt")
            assert pump.enrol(counter).ok
            again = pump.enrol(counter, present="birth")
            assert again.reply == "ERROR this certificate is not the current one"
        second = pem.read_certificate(tmp_path / "device.crt")
        assert first.public_key() != second.public_key()
        assert office.register["pump-2"] == second
        with Backend(context) as backend:
            run = ask_all({"pump-1": by_file, "pump-2": pump}, backend)
            assert str(run) == "2 of 2 devices are served"
    assert not read_wrapped(tmp_path / "device.key").pin
