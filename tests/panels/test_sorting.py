"""A chain file, the lines of a context: what comes of an order, and that it outlives a kernel."""

import pytest
import traitlets

from mtls_lab.common import UnknownName
from mtls_lab.experiments.chains import Chain
from mtls_lab.experiments.parsons import assemble
from mtls_lab.panels import ChainPanel, ParsonsPanel, PlacementPanel
from mtls_lab.wire import Stage
from tests.unit.lab import failed


@pytest.fixture(scope="module")
def chain() -> Chain:
    return Chain()


@pytest.mark.parametrize(
    ("sent", "stage", "reason", "code", "remarks"),
    [
        (["leaf", "issuing"], Stage.APPLICATION, "", None, 0),
        (["leaf", "issuing", "root"], Stage.APPLICATION, "", None, 2),
        (["leaf", "stranger", "issuing"], Stage.APPLICATION, "", None, 2),
        (["leaf"], Stage.HANDSHAKE, "CERTIFICATE_VERIFY_FAILED", 20, 0),
        (["leaf", "root"], Stage.HANDSHAKE, "CERTIFICATE_VERIFY_FAILED", 20, 0),
        (["issuing", "leaf"], Stage.CONNECT, "ECONNREFUSED", None, 0),
        ([], Stage.CONNECT, "ECONNREFUSED", None, 0),
    ],
)
def test_an_order(
    chain: Chain, sent: list[str], stage: Stage, reason: str, code: int | None, remarks: int
) -> None:
    chained = chain.run(sent)
    failure = chained.exchange.device.failure
    assert chained.exchange.device.stage is stage
    assert (failure.reason if failure else "") == reason
    assert (failure.verify_code if failure else None) == code
    assert len(chained.remarks) == remarks
    backend = chained.exchange.backend
    assert backend is not None
    assert (backend.stage is Stage.SETUP) is (sent[:1] != ["leaf"])


@pytest.mark.parametrize(
    ("names", "starts", "works", "wrong"),
    [
        ("make present require trust", True, True, 0),
        ("make trust require present", True, True, 0),
        ("make optional require present trust", True, True, 0),
        ("make present optional trust", True, True, 1),
        ("make present require trust system", True, True, 1),
        ("make present", True, True, 3),
        ("make present require", True, False, 1),
        ("make present require system", True, False, 2),
        ("make require trust", True, False, 1),
    ],
)
def test_lines_are_judged_by_who_is_served(
    names: str,
    starts: bool,  # noqa: FBT001 - what is expected
    works: bool,  # noqa: FBT001
    wrong: int,
) -> None:
    made = assemble(names.split())
    assert (made.starts, made.works, len(made.wrong)) == (starts, works, wrong)


@pytest.mark.parametrize(
    ("names", "line", "error"),
    [
        ([], "return context", "NameError"),
        (["present", "make"], "context.load_cert_chain(certfile, keyfile)", "UnboundLocalError"),
    ],
)
def test_lines_that_raise_are_named(names: list[str], line: str, error: str) -> None:
    made = assemble(names)
    backend = made.calls["valid"].backend
    assert not made.starts
    assert made.raised_at == line
    assert failed(backend).error == error


def test_a_panel_tells_both_sides_and_has_a_picture() -> None:
    panel = ParsonsPanel()
    panel.select("make", "present", "optional", "trust")
    assert 'data-outcome="unsafe"' in panel._result.value
    assert "A device without a certificate is served" in panel._result.value
    assert "CERT_OPTIONAL" in panel.still()
    panel.select("present")
    assert "At this line: context.load_cert_chain" in panel._result.value
    assert "There is no context yet" in panel._result.value
    assert "does not know" not in panel._below.value
    with pytest.raises(UnknownName, match="no chain 'root'"):
        ChainPanel().select("root", "root")


@pytest.mark.usefixtures("folder")
def test_what_a_hand_arranged_outlives_the_kernel() -> None:
    panel = ChainPanel()
    panel.select("root")  # by a cell: not kept
    assert ChainPanel().order == []
    panel._sorter.value = {"chain": ["leaf", "issuing"]}
    assert panel.value is None
    assert ChainPanel().order == ["leaf", "issuing"]
    placed = PlacementPanel()
    placed._start.value = "strangers"
    assert PlacementPanel().placed == placed.placed
    assert PlacementPanel("right").placed != placed.placed


@pytest.mark.parametrize("value", [{}, {"chain": ["banana"]}, {"chain": ["leaf", "leaf"]}])
def test_a_page_can_arrange_nothing_else(value: dict[str, list[str]]) -> None:
    panel = ChainPanel()
    with pytest.raises(traitlets.TraitError, match="no arrangement"):
        panel._sorter.value = value
