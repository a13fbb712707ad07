"""Lines and files that nobody would write: random ones, and real ones that were damaged.

Here: the same cases on every run, and what each of them costs. `python -m
tests.unit.explaining.noise 10000` tries as many as it says, in one process, and tells the worst.
"""

import random
import resource
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import AnyStr, Generic

from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from mtls_lab.common import LabError
from mtls_lab.explaining import Explanation, explain
from mtls_lab.pki import CertificateAuthority, Identity, pem
from mtls_lab.pki.bundles import read_bundle

PASSWORD = "barley"
#: What a damaged file is read as.
READERS: tuple[Callable[[Path], object], ...] = (
    pem.read_certificates,
    pem.read_any_key,
    pem.read_key,
    pem.read_crls,
    read_bundle,
)
ODD = (
    *("\x1b[31m", "\u202e", "\x00", "\ud800", "\n" * 50, "\r", "{}", "{cert}", "{0}", "%s", "…"),
    *("alert " * 50, "tls: " * 50, "error:", "verify error:num=", "(", "[SSL: ", "-----BEGIN "),
)
HEADS = (
    b"-----BEGIN TSS2 PRIVATE KEY-----\n",
    b"-----BEGIN PKCS7-----\n",
    b"-----BEGIN X509 CRL-----\n",
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
    b"-----BEGIN TRUSTED CERTIFICATE-----\n",
    b"\xfe\xed\xfe\xed",
    b"\xff\xfe",
    b"\x30\x84\x7f\xff\xff\xff",
    b"\x30\x80" * 2000,
    b"<html>",
)


@dataclass(frozen=True)
class Alphabet(Generic[AnyStr]):
    """What text and what bytes are damaged with; how is the same for both.

    Attributes:
        real: what was not damaged yet.
        limit: the longest that comes out.
        odd: what is put in.
        changed: the whole, with each of its letters or line ends changed.
        repeated: the whole, many times.
        one: one letter or byte.
    """

    real: list[AnyStr]
    limit: int
    odd: Callable[[random.Random], AnyStr]
    changed: Callable[[random.Random, AnyStr], AnyStr]
    repeated: Callable[[random.Random, AnyStr], AnyStr]
    one: Callable[[random.Random], AnyStr]

    def damaged(self, chance: random.Random) -> AnyStr:
        """A real one that was cut, mixed, repeated, spoilt."""
        whole = chance.choice(self.real)
        for _ in range(chance.randrange(1, 5)):
            place = chance.randrange(len(whole) + 1)
            match chance.randrange(6):
                case 0:
                    whole = whole[:place]
                case 1:
                    whole = whole[:place] + self.odd(chance) + whole[place:]
                case 2:
                    whole = whole[:place] + chance.choice(self.real)[place:]
                case 3:
                    whole = self.changed(chance, whole)
                case 4:
                    whole = self.repeated(chance, whole)
                case _:
                    whole = whole[:place] + self.one(chance) + whole[place + 1 :]
            whole = whole[: self.limit]
        return whole


def repeated_line(chance: random.Random, line: str) -> str:
    return (line[:2000] + chance.choice(("\n", " ", ""))) * chance.choice((2, 30, 300))


def other_line_ends(chance: random.Random, data: bytes) -> bytes:
    return data.replace(b"\n", chance.choice((b"\r\n", b"\r", b"", b"\\n", b" ")))


class Noise:
    """Cases by their number; the same for the same number and the same real ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        told = tomllib.loads((Path(__file__).parent / "lines.toml").read_text("utf-8"))
        self.text = Alphabet(
            real=[str(each["text"]) for each in told["line"]],
            limit=512 * 1024,
            odd=lambda chance: chance.choice(ODD),
            changed=lambda _, line: line.swapcase(),
            repeated=repeated_line,
            one=lambda chance: chr(chance.randrange(1, 0x10FFFF)),
        )
        ca = CertificateAuthority.create("Lab CA", below=1)
        below = ca.intermediate("Lab Intermediate CA")
        device = below.issue_client("trusted-client")
        certfile, keyfile = device.save(folder, "real")
        pem.write_certificate(folder / "ca.pem", ca.certificate)
        ca.revoke(device.certificate)
        pem.write_crl(folder / "real.crl", ca.crl())
        pem.write_pkcs12(folder / "real.p12", Identity(device.key, device.certificate), b"x")
        chain = [device.certificate, below.certificate]
        self.bytes = Alphabet(
            real=[
                *(path.read_bytes() for path in (certfile, keyfile, folder / "ca.pem")),
                (folder / "real.crl").read_bytes(),
                (folder / "real.p12").read_bytes(),
                device.certificate.public_bytes(Encoding.DER),
                *(
                    pkcs7.serialize_certificates(chain, form)
                    for form in (Encoding.PEM, Encoding.DER)
                ),
                certfile.read_bytes() + keyfile.read_bytes(),
            ],
            limit=256 * 1024,
            odd=lambda chance: chance.randbytes(chance.randrange(40)),
            changed=other_line_ends,
            repeated=lambda chance, data: data[:4000] * chance.choice((2, 5, 40)),
            one=lambda chance: bytes([chance.randrange(256)]),
        )

    def line(self, chance: random.Random) -> str:
        """A line: of random characters, or a damaged one."""
        if chance.random() < 0.2:
            return "".join(chr(chance.randrange(1, 0x2FFF)) for _ in range(chance.randrange(400)))
        return self.text.damaged(chance)

    def data(self, chance: random.Random) -> bytes:
        """A file: random bytes behind a known head, or a damaged one."""
        if chance.random() < 0.2:
            return chance.choice((b"", *HEADS)) + chance.randbytes(chance.randrange(2000))
        return self.bytes.damaged(chance)

    def ask(self, number: int) -> Explanation:
        """Explain case `number`: a line, with files beside it in two of three; read them too."""
        chance = random.Random(number)
        line: object = self.line(chance)
        if chance.random() < 0.2:
            line = self.data(chance)  # as bytes: what a program has received
        if number % 3 == 0:
            return explain(line)
        paths = []
        for name in ("odd.crt", "odd.key", "odd.ca", "odd.crl"):
            path = self.folder / name
            path.write_bytes(self.data(chance))
            paths.append(path)
        for read in READERS:
            try:
                read(chance.choice(paths))
            except LabError as error:
                one_message(str(error))
        certfile, keyfile, cafile, crlfile = paths
        return explain(line, certfile=certfile, keyfile=keyfile, cafile=cafile, crlfile=crlfile)


def one_message(text: str) -> None:
    """An answer: some lines, none of them empty, and no character that cannot be seen."""
    assert text
    assert all(line.strip() for line in text.split("\n"))
    assert len(text) < 64 * 1024
    assert all(character.isprintable() or character == "\n" for character in text)


def answered(noise: Noise, number: int) -> float:
    """Ask about one case, look at the answer, and return the seconds that it took."""
    begin = time.process_time()
    told = noise.ask(number)
    one_message(str(told))
    assert told.who
    assert told.what
    return time.process_time() - begin


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        noise = Noise(Path(name))
        for number in range(50):  # everything is loaded
            answered(noise, number)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        worst = max((answered(noise, number), number) for number in range(count))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    sys.stdout.write(f"{count} cases: at most {worst[0]:.2f} s (case {worst[1]}), ")
    sys.stdout.write(f"{grown / 1024:.1f} MiB more memory than before\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
