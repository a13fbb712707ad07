"""A run over a fleet: the same text every time, each reason once."""

import ssl
from pathlib import Path

import pytest

from mtls_lab.enrolment import FleetRun, ask_all
from mtls_lab.net import Backend, Upstream, ask, client_context, server_context
from mtls_lab.pki import CertificateAuthority, Purpose, pem
from mtls_lab.wire import Exchange, Side, Stage


class BySubprocess:
    """A device that asks by itself, as one whose key is in a chip."""

    def ask(self, command: str, to: Upstream) -> Exchange:
        del to
        return Exchange(command, Side("device", Stage.APPLICATION, received=("open sesame",)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> FleetRun:
    folder = tmp_path_factory.mktemp("fleet")
    ca = CertificateAuthority.create("Lab CA")
    pem.write_certificate(folder / "ca.pem", ca.certificate)
    files = ca.issue_server(["localhost"]).save(folder, "server")

    def device(name: str, days: tuple[int, int] = (0, 90)) -> ssl.SSLContext:
        context = client_context(folder / "ca.pem")
        ca.issue(name, Purpose.CLIENT, valid_days=days).load_into(context)
        return context

    devices: dict[str, object] = {
        "pump-1": device("pump-1"),
        "pump-2": device("pump-2", (-90, -1)),
        "pump-3": device("pump-3", (-90, -1)),
        "pump-4": lambda: client_context(folder / "ca.pem"),
        "pump-5": BySubprocess(),
        "pump-6": device("<b>"),
    }
    context = server_context(*files, client_ca=folder / "ca.pem")
    rule = {"pump-1"}
    with Backend(
        context, authorize=lambda given: given and given["subject"][0][0][1] in rule
    ) as backend:
        return ask_all(devices, backend)


def test_its_text_has_each_reason_once(run: FleetRun) -> None:
    assert str(run).splitlines() == [
        "2 of 6 devices are served",
        "  pump-2, pump-3: the backend says: certificate has expired",
        "  pump-4: SSLError: PEER_DID_NOT_RETURN_A_CERTIFICATE",
        "  pump-6: the backend says: not authorized",
    ]


def test_it_names_who_is_served_and_who_is_refused(run: FleetRun) -> None:
    assert run.served == ("pump-1", "pump-5")
    assert [each.name for each in run.refused] == ["pump-2", "pump-3", "pump-4", "pump-6"]


def test_its_page_is_escaped_and_has_a_tile_for_each(run: FleetRun) -> None:
    page = FleetRun({"<b>": run.exchanges["pump-2"]})._repr_html_()
    assert "<b>" not in page
    assert run._repr_html_().count("<li") == 6


def test_what_a_backend_says_forges_no_line() -> None:
    said = "ERROR no\rpump-2: served\x85\x9b2J\u202e"
    side = Side("device", Stage.APPLICATION, received=(said,))
    run = FleetRun({"pump\n-1": Exchange("GET_SECRET", side)})
    assert str(run).split("\n") == [
        "0 of 1 devices are served",
        r"  pump\u000a-1: the backend says: no\u000dpump-2: served\u0085\u009b2J\u202e",
    ]


def test_a_device_that_refuses_the_backend_says_so(tmp_path: Path) -> None:
    ca, other = (CertificateAuthority.create(name) for name in ("Lab CA", "Other CA"))
    pem.write_certificate(tmp_path / "ca.pem", other.certificate)
    context = server_context(*ca.issue_server(["localhost"]).save(tmp_path, "server"))
    with Backend(context) as backend:
        assert not ask("PING", backend, context=client_context(tmp_path / "ca.pem")).ok
        run = ask_all({"pump-1": client_context(tmp_path / "ca.pem")}, backend)
    assert str(run).endswith("pump-1: the device says: unable to get local issuer certificate")
