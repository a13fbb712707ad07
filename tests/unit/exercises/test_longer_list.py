"""The last backend of Part 3 while it runs and started again, with one more device on its list.

Here: programs that know whom they have to refuse, and those that read it. Not here: all other
answers to this exercise (test_part3.py).
"""

import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509

from mtls_lab import checks
from mtls_lab.exercises import Outcome, Result
from mtls_lab.net import Backend, forbid_resumption, server_context
from mtls_lab.pki import pem

pytestmark = pytest.mark.usefixtures("folder")

Rule = Callable[[dict[str, object] | None], bool]
LIST = Path("backend/client_ca.crl")
RUNNING = "a device that was revoked while your backend ran, with the new list in the file"
SECOND = "a second lost device, revoked before the backend started again, got"


def serial_of(certificate: dict[str, object] | None) -> int:
    return int(str((certificate or {}).get("serialNumber", "0")), 16)


def is_trusted(certificate: dict[str, object] | None) -> bool:
    return "trusted-client" in str((certificate or {}).get("subject")).split("'")


def backend_with(rule: Rule) -> Callable[..., Backend]:
    """A backend that asks no list in the handshake, and its rule about each connection."""

    def trusted_backend(serve: Callable[..., Backend]) -> Backend:
        files = "backend/server.crt", "backend/server.key"
        context = server_context(*files, client_ca="backend/client_ca.pem")
        return serve(context, authorize=lambda found: is_trusted(found) and rule(found))

    return trusted_backend


def judged(rule: Rule) -> Result:
    before = LIST.read_bytes(), LIST.stat().st_mode
    result = checks.trusted_backend(backend_with(rule))
    assert (LIST.read_bytes(), LIST.stat().st_mode) == before
    return result


def test_a_serial_number_in_the_program_is_not_enough() -> None:
    lost = pem.read_certificate("device/lost.crt").serial_number
    result = judged(lambda found: serial_of(found) != lost)
    assert result.outcome is Outcome.UNSAFE
    assert result.found.startswith(RUNNING)
    assert result.rule.startswith("a list that is read only once")
    assert "the lost device, with its certificate for CN=trusted-client, is refused" in result.seen


def test_a_list_that_was_read_once_is_not_enough() -> None:
    """When the cell ran, and neither when the backend starts nor later."""
    once = x509.load_pem_x509_crl(LIST.read_bytes())
    result = judged(
        lambda found: once.get_revoked_certificate_by_serial_number(serial_of(found)) is None
    )
    assert (result.outcome, result.found[: len(RUNNING)]) == (Outcome.UNSAFE, RUNNING)


def test_a_copy_of_the_list_is_not_enough() -> None:
    """Its context checks a list, and begins with the one of the day on which it was copied."""
    shutil.copy(LIST, "copy.crl")

    def trusted_backend(serve: Callable[..., Backend]) -> Backend:
        files = "backend/server.crt", "backend/server.key"
        context = server_context(*files, client_ca="backend/client_ca.pem")
        context.load_verify_locations(cafile="copy.crl")
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        forbid_resumption(context)
        return serve(context, authorize=is_trusted)

    result = checks.trusted_backend(trusted_backend)
    assert (result.outcome, result.found[: len(SECOND)]) == (Outcome.UNSAFE, SECOND)
    assert result.rule.startswith("the list grows")
    assert "a device that was revoked while your backend ran is refused" in str(result.seen)


def test_a_rule_that_reads_the_list_is_right() -> None:
    def not_listed(found: dict[str, object] | None) -> bool:
        crl = x509.load_pem_x509_crl(LIST.read_bytes())
        return crl.get_revoked_certificate_by_serial_number(serial_of(found)) is None

    result = judged(not_listed)
    assert result.right, result
    assert result.seen[-1].startswith("a second lost device, revoked before")


def test_a_rule_that_serves_one_certificate_is_right() -> None:
    own = pem.read_certificate("device/client.crt").serial_number
    assert judged(lambda found: serial_of(found) == own).right


@pytest.mark.parametrize("there", [True, False])
def test_the_list_is_put_back_whatever_happens(*, there: bool) -> None:
    """Here the function fails when it is called for the second time."""
    if not there:
        LIST.unlink()
    before = LIST.read_bytes() if there else None
    own, calls = pem.read_certificate("device/client.crt").serial_number, []

    def only_once(serve: Callable[..., Backend]) -> Backend:
        calls.append(serve)
        if len(calls) == 2:
            raise RuntimeError("once is enough")
        return backend_with(lambda found: serial_of(found) == own)(serve)

    result = checks.trusted_backend(only_once)
    assert (result.outcome, len(calls)) == (Outcome.NOT_YET, 2)
    assert "once is enough" in result.found
    assert (LIST.read_bytes() if LIST.exists() else None) == before
