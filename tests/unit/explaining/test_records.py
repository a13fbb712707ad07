"""A log of several connections: what else is in it than the line that is told."""

import pytest

from mtls_lab.explaining.records import MOST, others_in

#: As PostgreSQL 15.18, Go 1.19, haproxy 2.6, nginx 1.22 and Mosquitto 2.0 wrote them: of each two
#: that have different causes.
LOGS = {
    "postgres": (
        "2026-11-27 10:02:55.273 UTC [23335] LOG:  provided user name (a) and authenticated user "
        "name (b) do not match",
        "2026-11-27 10:02:55.920 UTC [23390] FATAL:  connection requires a valid client "
        "certificate",
    ),
    "go": (
        "2026/11/27 10:01:07 http: TLS handshake error from 127.0.0.1:38206: tls: failed to verify "
        "client certificate: x509: certificate specifies an incompatible key usage",
        "2026/11/27 10:01:10 http: TLS handshake error from 127.0.0.1:38208: tls: client didn't "
        "provide a certificate",
    ),
    "haproxy": (
        "127.0.0.1:60108 [27/Nov/2026:10:07:40.807] f/1: SSL client CA chain cannot be verified",
        "127.0.0.1:59654 [27/Nov/2026:10:07:41.496] f/1: SSL client certificate not trusted",
    ),
    "nginx": (
        "2026/11/27 09:59:24 [info] 7#7: *58 client SSL certificate verify error: (3:unable to get "
        "certificate CRL) while reading client request headers, client: 127.0.0.1, server: ",
        "2026/11/27 09:59:24 [info] 7#7: *59 client sent no required SSL certificate while reading "
        "client request headers, client: 127.0.0.1, server: ",
    ),
    "mosquitto": (
        "1795774065: OpenSSL Error[0]: error:0A000086:SSL routines::certificate verify failed",
        "1795774065: OpenSSL Error[0]: error:0A0000C7:SSL routines::peer did not return a "
        "certificate",
    ),
}


@pytest.mark.parametrize("stack", LOGS)
def test_other_failures_are_counted(stack: str) -> None:
    one, other = LOGS[stack]
    healthy = f"{one[:20]} a healthy line"
    log = f"{one}\n{healthy}\n{other}\n{one}\n{other}\n{other}"
    (found,) = others_in(log, one)
    assert (found.says, found.count) == (other.strip(), 3)
    (found,) = others_in(log, other)
    assert (found.says, found.count) == (one.strip(), 2)


@pytest.mark.parametrize("stack", LOGS)
def test_one_failure_is_nothing_else(stack: str) -> None:
    one, _ = LOGS[stack]
    assert others_in(one, one) == []
    assert others_in(f"{one}\n{one}", one) == []


def test_the_lines_of_one_trace_are_no_records() -> None:
    trace = "javax.net.ssl.SSLHandshakeException: PKIX path building failed\n\tat java.base\n"
    trace += "Caused by: unable to find valid certification path to requested target\n"
    assert others_in(trace * 3, "unable to find valid certification path") == []


def test_of_a_long_log_the_last_records_count() -> None:
    one, other = LOGS["go"]
    assert others_in("\n".join([other] + [one] * MOST), one) == []
