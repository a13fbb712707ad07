"""The caller's own files, before anything is sent: do they load, and what is in them?

Here: the files, and contexts that use them. Not here: comparing them (explaining/look.py), and what
a server makes of them (judging.py).
"""

from __future__ import annotations

import os
import ssl
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mtls_lab.common import FileProblem, Password, PathLike, printable
from mtls_lab.explaining import Explanation, explain
from mtls_lab.explaining.look import NOT_SIGNED
from mtls_lab.net.tls import watch
from mtls_lab.pki import pem
from mtls_lab.pki.bundles import Bundle, holds_a_pair, is_pkcs12, read_bundle, read_pair
from mtls_lab.pki.comparison import compare
from mtls_lab.pki.containers import Entry, entries_of, is_container, unpacked
from mtls_lab.pki.keystores import is_keystore, read_keystore
from mtls_lab.pki.passwords import expect_openable

__all__ = ["Own", "load_pair", "look_into", "of_the_key", "trust"]

#: What makes a certificate useless for a client, whoever issued it.
UNFIT = {
    *("expired", "renewed behind", "not yet valid", "ca expired", "ca not yet valid"),
    *("not for clients", "no digitalSignature", "ca presented"),
}


@dataclass(frozen=True, slots=True)
class Own:
    """What the caller has.

    Attributes:
        cafile, certfile, keyfile: the paths; None where there is none.
        cas: what is in the CA file; empty for the CAs of the system.
        chain: what is in the certificate file.
        bundle: what is in it if it opens with a password, or holds PEM under names.
        problems: of each file that does not load, what is wrong.
        trusts, presents: whether the CA file, and the certificate with its key, can be loaded.
        password: the key's.
        alpn: what to offer in ALPN.
    """

    cafile: Path | None
    certfile: Path | None
    keyfile: Path | None
    cas: tuple[x509.Certificate, ...]
    chain: tuple[x509.Certificate, ...]
    problems: tuple[Explanation, ...]
    trusts: bool
    presents: bool
    bundle: Bundle | None = None
    password: Password = field(default="", repr=False)
    alpn: tuple[str, ...] = ()

    @property
    def unfit(self) -> list[str]:
        """Why nobody who verifies accepts the certificate, as `compare` calls it."""
        return [name for name in self._compared(()) if name in UNFIT]

    @property
    def namesake(self) -> bool:
        """Whether a CA among ours has the issuer's name, and has not signed it as it is."""
        return bool(NOT_SIGNED & set(self._compared(self.cas)))

    def _compared(self, cas: Sequence[x509.Certificate]) -> list[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cryptography's, of what it will not read one day
            return [each.name for each in compare(self.chain, cas=cas)]

    def context(
        self,
        *versions: ssl.TLSVersion,
        present: bool = True,
        check: bool = True,
        anchor: x509.Certificate | None = None,
    ) -> ssl.SSLContext:
        """Make a client's context, watched.

        Args:
            versions: the lowest and the highest version, or one; default: what OpenSSL offers.
            present: whether to load the certificate.
            check: whether the server's certificate has to verify.
            anchor: what is trusted in the place of the CAs: with the server's own certificate,
                the name in it is what remains to be verified.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = check and self.trusts
        if not context.check_hostname:
            context.verify_mode = ssl.CERT_NONE
        elif anchor is not None:
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_verify_locations(cadata=anchor.public_bytes(Encoding.DER))
        elif self.cafile:
            trust(context, self.cafile, self.password)
        else:
            context.load_default_certs()
        if versions:
            old = min(versions) < ssl.TLSVersion.TLSv1_2
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that is what is asked
                if old:
                    context.set_ciphers("ALL:@SECLEVEL=0")
                context.minimum_version, context.maximum_version = versions[0], versions[-1]
        if present and self.presents and self.certfile:
            if self.bundle:
                self.bundle.load_into(context)
            else:
                load_pair(context, self.certfile, self.keyfile, self.password)
        if self.alpn:
            context.set_alpn_protocols(self.alpn)
        context.post_handshake_auth = True
        watch(context)
        return context


def load_pair(
    context: ssl.SSLContext, certfile: PathLike, keyfile: PathLike | None, password: Password = ""
) -> Bundle | None:
    """Load a certificate and its key, of PEM files, one PKCS #12 file or keystore, or a Secret.

    What is not plain PEM is returned.

    Raises:
        FileProblem: a file under a password does not open, or one of the two is not in it.
        OSError, ValueError: as `load_cert_chain` does.
    """
    files = {"cert": certfile, "key": keyfile}
    if entries := entries_of(files):
        bundle = _inside(files, entries, password)
        bundle.load_into(context)
        return bundle
    if several := next(filter(is_container, files.values()), None):
        raise FileProblem(
            f"{several} holds files under names: several that may be meant, or none",
            "one certificate with its key",
            "give a file with the one that is meant: kubectl get secret NAME -o yaml",
        )
    if keyfile in (None, certfile) and holds_a_pair(certfile):
        bundle = read_pair(certfile, password)
        bundle.load_into(context)
        return bundle
    if os.path.isfile(keyfile or certfile):  # noqa: PTH113 - pathlib fails in a closed folder
        expect_openable(keyfile or certfile)
    # Whoever is asked at a terminal waits for ever: without a password, a locked key fails.
    word = pem.word_of(keyfile or certfile, password)
    context.load_cert_chain(certfile, keyfile, password=lambda: word)
    return None


def look_into(
    cafile: PathLike | None,
    certfile: PathLike | None,
    keyfile: PathLike | None,
    password: Password = "",
) -> Own:
    """Load the files as a client would, and read what is in them. Nothing is raised."""
    ca, cert, key = (None if each is None else Path(each) for each in (cafile, certfile, keyfile))
    problems: list[Explanation] = []
    trusts = presents = True
    bundle = None
    cas: tuple[x509.Certificate, ...] = ()
    if ca is not None:
        try:
            cas = trust(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ca, password)
        except FileProblem as problem:
            trusts = False
            problems.append(_of(problem))
        except (OSError, ValueError) as error:
            trusts = False
            told = explain(error, cafile=ca, course=False)
            alone = told.fix.replace("Exchange the two names, or name", "Name")  # there is but one
            problems.append(replace(told, fix=alone))
    if cert is None and key is not None:
        cert = key  # a file may hold both
    if cert is not None:
        try:
            bundle = load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), cert, key, password)
        except FileProblem as problem:
            presents = False
            problems.append(_of(problem))
        except (OSError, ValueError) as error:
            presents = False
            plain = ca if _certificates(ca) else None
            asked = partial(explain, error, password=password or None, course=False)
            told = asked(certfile=cert, keyfile=key, cafile=plain)
            problems.append(_alone(told) if certfile is None else told)
            if key not in (None, cert):
                problems += [each for each in of_the_key(key, password) if each.what != told.what]
    return Own(
        ca,
        cert,
        key,
        cas,
        bundle.chain if bundle else _certificates(cert),
        tuple(problems),
        trusts,
        presents and cert is not None,
        bundle,
        password,
    )


def of_the_key(key: PathLike, password: Password = "") -> list[Explanation]:
    """Say of a key's file what it is in its place, if something, whatever is beside it."""
    told = explain("[SSL] PEM lib", keyfile=key, password=password or None, course=False)
    return [told] if told.entry.startswith("file_") and told.entry != "file_swapped" else []


def trust(
    context: ssl.SSLContext, cafile: PathLike, password: Password = ""
) -> tuple[x509.Certificate, ...]:
    """Load the CAs of a file: PEM, also under names, or a truststore of Java; return them.

    Raises:
        FileProblem: a PKCS #12 file does not open, or there is no CA under a name.
        OSError, ValueError: as `load_verify_locations` does.
    """
    entries = entries_of({"ca": cafile})
    if is_keystore(cafile):
        found = tuple(read_keystore(cafile, trusted=True))
    elif is_pkcs12(cafile):
        found = tuple(read_bundle(cafile, password)[1])
    elif entries:
        with unpacked({}, entries) as plain:
            context.load_verify_locations(plain["ca"])
            return _certificates(plain["ca"])
    elif is_container(cafile):
        raise FileProblem(
            f"{os.fspath(cafile)} has no entry with the certificate of a CA, or several",
            "one entry with the CAs",
            "add it: in a Secret of Kubernetes, as ca.crt",
        )
    else:
        context.load_verify_locations(cafile)
        return _certificates(cafile)
    anchors = b"".join(each.public_bytes(Encoding.DER) for each in found)
    context.load_verify_locations(cadata=anchors)
    return found


def _of(problem: FileProblem) -> Explanation:
    """Say what a file is, where it is not OpenSSL that read it."""
    found, todo = printable(problem.found), printable(problem.todo)
    fix = f"{todo[:1].upper()}{todo[1:]}."
    return replace(explain(problem, course=False), what=f"{found}.", why="", fix=fix)


def _inside(
    files: Mapping[str, PathLike | None], entries: Mapping[str, Entry], password: Password
) -> Bundle:
    """Read a pair of which something is in a file under names. Raises FileProblem."""
    with unpacked(files, entries) as plain:
        cert, key = (Path(plain[what] or plain["cert"] or "") for what in ("cert", "key"))
        try:
            chain = pem.read_certificates(cert)
            return Bundle(pem.read_any_key(key, password or None), tuple(chain))
        except FileProblem as problem:
            found = problem.found
            for what, entry in entries.items():
                path = f"{printable(entry.name)} of {entry.path}"
                found = found.replace(os.fspath(plain[what] or ""), path)
            if key == cert:
                found += ", and no key is beside it"
    raise FileProblem(
        found,
        "a certificate and its key",
        "give both, in this file or in two, and the password of the key",
    )


def _alone(told: Explanation) -> Explanation:
    """Say of a key that was given without a certificate that this is what is missing."""
    held = "holds a private key, and it should be a certificate"
    what = told.what.replace(held, "holds a private key, and no certificate was given with it")
    if what == told.what:
        return told
    fix = "Name the file of the certificate as well, or one that holds both."
    return replace(told, what=what, why="", fix=fix)


def _certificates(path: PathLike | None) -> tuple[x509.Certificate, ...]:
    with suppress(FileProblem), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cryptography's, of what it will not read one day
        return tuple(pem.read_certificates(os.fspath(path))) if path else ()
    return ()
