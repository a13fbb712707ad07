"""What is nobody else's business is left out of what an explanation repeats."""

import time

import pytest

from mtls_lab import explain
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
