"""What the lessons and their panels claim, each with the code that shows it.

Here: for each answer under "What you should see", and for each panel that depends on the
learner's files, a cell that a learner would write and the words that it has to print. Not here:
running it (test_kernel.py). An answer without an entry here fails a test (test_solutions.py).
"""

import re
from dataclasses import dataclass
from textwrap import dedent

from nbformat import NotebookNode

from mtls_lab.learner.predictions import questions


@dataclass(frozen=True)
class Claim:
    """A cell, what it has to print, and the cells of the notebook that are run after it.

    `again` has a part of each of those cells, and `after` is run in the end.
    """

    code: str
    prints: tuple[str, ...]
    again: tuple[str, ...] = ()
    after: str = ""


def claim(code: str, *prints: str, again: tuple[str, ...] = (), after: str = "") -> Claim:
    return Claim(dedent(code).strip(), prints, again, after)


def answers(notebook: NotebookNode) -> list[str]:
    """The numbered answers under "What you should see"."""
    (cell,) = (c for c in notebook.cells if "<summary>What you should see</summary>" in c.source)
    folded = cell.source.partition("<summary>What you should see</summary>")[2]
    return re.findall(r"(?m)^\d+\. (.+)$", folded)


def quoted(answer: str) -> tuple[list[str], list[str]]:
    """The words that an answer marks: code to write, and what is seen.

    An error's name and a line of the service are seen, whatever they are marked as.

    Example:
        >>> quoted("`ask` says *Hostname mismatch*, the backend `UNSUPPORTED_PROTOCOL`.")
        (['ask'], ['UNSUPPORTED_PROTOCOL', 'Hostname mismatch'])
    """
    code = re.findall(r"`([^`]+)`", answer)
    errors = [words for words in code if re.fullmatch(r"[A-Z0-9_]{8,}|ERROR .+", words)]
    written = [words for words in code if words not in errors]
    return written, errors + re.findall(r"(?<!\w)\*([^*`]+)\*", answer)


#: By notebook, in the order of the answers.
CLAIMS: dict[str, list[Claim]] = {
    "1_plain_tcp": [
        claim(
            """
            lie = replace("GET_SECRET, PING, HELP", "GET_SECRET, OPEN_THE_DOOR")
            with Relay(backend, tamper=lie) as mallory:
                print("learned:", ask("HELP", mallory).reply)
            print("answered:", ask("OPEN_THE_DOOR", backend).reply)
            """,
            "GET_SECRET, OPEN_THE_DOOR",
            "answered: ERROR unknown command",
        ),
        claim(
            """
            def talk(connection):
                with connection:
                    command = connection.recv(1024).decode()
                    if not command:
                        return
                    reply = "open sesame" if command == "GET_SECRET\\n" else "ERROR unknown"
                    connection.sendall(reply.encode() + b"\\n")


            def accept_loop(listener):
                while True:
                    try:
                        connection, _address = listener.accept()
                    except OSError:
                        return
                    threading.Thread(target=talk, args=[connection], daemon=True).start()
            """,
            "The device received: b'open sesame\\n'",
            "The loop is still running: True",
            "What it had: b'open sesame\\n'",
            again=('print("The loop is still running:"', "predict(silent_client)"),
            after="print('What it had:', silent_client())",
        ),
        claim(
            """
            lie = replace("open sesame", "the cave is empty")
            with Relay(backend) as far, Relay(far, tamper=lie) as mallory, Relay(mallory) as near:
                ask("GET_SECRET", near)
            for side, eve in {"device": near, "backend": far}.items():
                print(side, eve.heard("the cave is empty"), eve.heard("open sesame"))
            """,
            "device True False",
            "backend False True",
        ),
    ],
    "2_tls": [
        claim(
            """
            no_san = ca.issue("localhost", Purpose.SERVER)
            print(impostor(no_san).ok)
            client_context.hostname_checks_common_name = False
            print(impostor(no_san))
            client_context.hostname_checks_common_name = True
            """,
            "True\n",
            "Hostname mismatch",
        ),
        claim(
            """
            print(impostor(ca.issue("localhost", Purpose.CLIENT, names=["localhost"])))
            """,
            "handshake ✗ SSLCertVerificationError: unsuitable certificate purpose",
            "mallory  connect ✓  handshake ✗ SSLError: SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        ),
        claim(
            """
            from cryptography.hazmat.primitives.serialization import Encoding
            from mtls_lab import Direction

            client_context.maximum_version = ssl.TLSVersion.TLSv1_2
            with Relay(backend) as eve:
                exchange = ask("GET_SECRET", eve, context=client_context)
            client_context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
            certificate = pem.read_certificate("backend/server.crt").public_bytes(Encoding.DER)
            print("the certificate in clear:", certificate in eve.stream(Direction.TO_DEVICE))
            print(exchange.handshake)
            """,
            "the certificate in clear: True",
            "← Certificate\n",
            "→ ChangeCipherSpec\n",
            "→ {Finished}\n",
        ),
        claim(
            """
            panel = WirePanel(server_context, client_context)
            for record in ["→ 1", "← 1"]:
                bits = [0, 8, 14, 15, 16, 20, 23, 24, 39, 40, 60, 87, 300]
                results = {bit: panel.select("flip", record=record, bit=bit) for bit in bits}
                print(record, [bit for bit, exchange in results.items() if exchange.ok])
            """,
            "→ 1 [16, 20, 23]",
            "← 1 [16, 20, 23]",
        ),
        claim(
            """
            copied = CertificateAuthority(mallory_ca.key, ca_certificate)
            print(impostor(copied.issue_server(["localhost"])))
            """,
            "handshake ✗ SSLCertVerificationError: certificate signature failure (verify code 7)",
        ),
        claim(
            """
            star = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            star.load_cert_chain(*ca.issue_server(["*.lab.example"]).save("backend", "star"))
            with serve(star, name="star") as other:
                for name in ["pump.lab.example", "lab.example", "a.pump.lab.example"]:
                    asked = ask("PING", other, context=client_context, server_hostname=name)
                    print(f"good for {name}:", asked.device.failure or "accepted")
            """,
            "good for pump.lab.example: accepted\n",
            "good for lab.example: SSLCertVerificationError: Hostname mismatch",
            "good for a.pump.lab.example: SSLCertVerificationError: Hostname mismatch",
        ),
    ],
    "3_mutual_tls": [
        claim(
            """
            device_ca = CertificateAuthority.create("Device CA")
            pem.write_certificate("backend/client_ca.pem", device_ca.certificate)
            changed = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            changed.load_cert_chain("backend/server.crt", "backend/server.key")
            changed.verify_mode = ssl.CERT_REQUIRED
            changed.load_verify_locations(cafile="backend/client_ca.pem")
            new = ssl.create_default_context(cafile="device/server_ca.pem")
            new.load_cert_chain(*device_ca.issue_client("trusted-client").save("device", "new"))
            with serve(changed) as other:
                print("old:", ask("GET_SECRET", other, context=client_context), sep="\\n")
                print("new:", ask("GET_SECRET", other, context=new), sep="\\n")
            shutil.copy("ca/ca.crt", "backend/client_ca.pem")
            print("still there:", ask("GET_SECRET", backend, context=client_context).ok)
            """,
            "self-signed certificate in certificate chain (verify code 19)",
            "with CN=trusted-client  received ✓ GET_SECRET",
            "still there: True",
        ),
        claim(
            """
            device_ca = CertificateAuthority.create("Device CA")
            pem.write_certificate("device/client_ca.pem", device_ca.certificate)
            exchanged = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            exchanged.load_cert_chain("backend/server.crt", "backend/server.key")
            exchanged.verify_mode = ssl.CERT_REQUIRED
            exchanged.load_verify_locations(cafile="ca/ca.crt")  # as server_ca.pem
            device = ssl.create_default_context(cafile="device/client_ca.pem")
            device.load_cert_chain(*device_ca.issue_client("trusted-client").save("device", "new"))
            with serve(exchanged) as other:
                print(ask("GET_SECRET", other, context=device))
            """,
            "device   connect ✓  handshake ✗ SSLCertVerificationError:",
            "backend  connect ✓  handshake ✗ SSLError: TLSV1_ALERT_UNKNOWN_CA",
        ),
        claim(
            """
            from cryptography.x509.oid import NameOID

            def of_batch_7(certificate):  # as trusted_only does
                units = [
                    value
                    for rdn in certificate["subject"]
                    for key, value in rdn if key == "organizationalUnitName"
                ]
                return units == ["batch 7"]

            for unit in ["batch 7", "batch 71"]:
                key = create_key()
                pairs = {NameOID.COMMON_NAME: "a", NameOID.ORGANIZATIONAL_UNIT_NAME: unit}
                subject = x509.Name([x509.NameAttribute(*pair) for pair in pairs.items()])
                builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
                certificate = ca.sign(builder.sign(key, hashes.SHA256()), Purpose.CLIENT)
                files = pem.Identity(key=key, certificate=certificate).save("device", "unit")
                context = ssl.create_default_context(cafile="device/server_ca.pem")
                context.load_cert_chain(*files)
                with serve(server_context, authorize=of_batch_7) as batch:
                    print(unit, ask("GET_SECRET", batch, context=context).reply)
            """,
            "batch 7 open sesame",
            "batch 71 ERROR not authorized",
        ),
        claim(
            """
            newest = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            newest.load_cert_chain("backend/server.crt", "backend/server.key")
            newest.minimum_version = ssl.TLSVersion.TLSv1_3
            old = ssl.create_default_context(cafile="device/server_ca.pem")
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            with serve(newest) as other:
                print(ask("GET_SECRET", other, context=old))
            """,
            "device   connect ✓  handshake ✗ SSLError: TLSV1_ALERT_PROTOCOL_VERSION",
            "backend  connect ✓  handshake ✗ SSLError: UNSUPPORTED_PROTOCOL",
        ),
        claim(
            """
            def checks_nobody(*files):
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                if files:
                    context.load_cert_chain(*files)
                return context

            believes = checks_nobody("device/client.crt", "device/client.key")
            hers = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            mallory_ca = CertificateAuthority.create("Mallory CA")
            hers.load_cert_chain(*mallory_ca.issue_server(["localhost"]).save("attacker", "her"))
            with Relay(backend, server_context=hers, upstream_context=checks_nobody()) as mallory:
                print(ask("GET_SECRET", mallory, context=believes))
            for words in ["open sesame", "GET_SECRET"]:
                print(f"She has read {words!r}:", mallory.heard(words))
            with serve(hers, name="mallory", secret="the cave is empty") as mallory:
                print(ask("GET_SECRET", mallory, context=believes).reply)
            """,
            "backend  connect ✓  handshake ✗ SSLError: PEER_DID_NOT_RETURN_A_CERTIFICATE",
            "She has read 'open sesame': False",
            "She has read 'GET_SECRET': True",
            "the cave is empty",
        ),
        claim(
            """
            with socket.create_connection(backend.address) as raw:
                caller = raw.getsockname()
            print("connected:", backend.wait_for(caller))
            with (
                socket.create_connection(backend.address) as raw,
                part_2_device.wrap_socket(raw, server_hostname="localhost") as tls,
            ):
                caller = tls.getsockname()
                print("shaken hands:", tls.version())
            print(backend.wait_for(caller))

            check = ssl.create_default_context(cafile="device/server_ca.pem")
            check.load_cert_chain(*ca.issue_client("health check").save("device", "check"))
            print("answered:", ask("PING", backend, context=check).reply)
            """,
            "connected: backend  connect ✓  handshake ✗ SSLEOFError: UNEXPECTED_EOF_WHILE_READING",
            "shaken hands: TLSv1.3\nbackend  connect ✓  handshake ✗ SSLError: "
            "PEER_DID_NOT_RETURN_A_CERTIFICATE",
            "answered: PONG",
        ),
    ],
    "3d_stolen_session": [
        claim(
            """
            half = mutual_context()
            half.num_tickets = 0
            with serve(half, authorize=trusted_only) as loose:
                own = ask("GET_SECRET", loose, context=older_device)
                print(ask("GET_SECRET", loose, context=thief, session=own.session))
            """,
            "handshake ✓ TLSv1.2 resumed with CN=localhost  received ✓ open sesame",
        ),
        claim(
            """
            unknown = ssl.create_default_context(cafile="device/server_ca.pem")
            unknown.load_cert_chain(*ca.issue_client("not-trusted-client").save("device", "other"))
            with serve(mutual_context(), authorize=trusted_only) as ruled:
                own = ask("GET_SECRET", ruled, context=unknown)
                print(ask("GET_SECRET", ruled, context=thief, session=own.session))
            """,
            "handshake ✓ TLSv1.3 resumed with CN=localhost  received ✗ ERROR not authorized",
            "resumed with CN=not-trusted-client",
        ),
        claim(
            """
            with serve(hardened, authorize=trusted_only) as closed:
                print(ask("GET_SECRET", closed, context=device, session=first.session))
            """,
            "handshake ✓ TLSv1.3 with CN=localhost  received ✓ open sesame",
        ),
    ],
    "4_key_in_a_tpm": [
        claim(
            """
            chip.kill()
            for attempt in range(2):
                killed = device(backend)
                print(killed, explain(killed), sep="\\n")
            chip = software_tpm("tpm", "4_key_in_a_tpm")
            chip.unlock()  # where section 9 was the last that ran, it is locked
            print("again:", device(backend).reply)
            """,
            "device   setup ✗ SSLError: [SSL] PEM lib (0xa000a)",
            "it does not run, or has ended",
            "again: open sesame",
        ),
        claim(
            """
            shutil.rmtree("attacker/tpm")
            print(copied_key())
            """,
            "Load                     0x1df TPM_RC_INTEGRITY",
            "thief    setup ✗ SSLError: [SSL] PEM lib (0x1df)",
        ),
        claim(
            """
            def with_a_file(environment):
                return device(backend, "device/client.crt", "device/client.key", environment)


            line = "default_properties = ?tpm2.signature=yes"
            written = Path("device/openssl.cnf").read_text()
            # tpm2-openssl 1.1 needs the line, which keeps a key in a file from signing.
            print("as told:", (line in written) is not with_a_file(settings).ok)
            Path("device/other.cnf").write_text(written.replace(line, ""))
            other = settings | {"OPENSSL_CONF": str(Path("device/other.cnf").absolute())}
            print("without it:", with_a_file(other).reply)
            """,
            "as told: True",
            "without it: open sesame",
        ),
    ],
    "4d_attestation": [
        claim(
            """
            hurried = AttestingOffice(devices, [maker.certificate], patience=0)
            hurried.announce(ek_certificate, "device-21")
            with serve(server_context, answer=hurried.answer, name="hurried") as desk:
                late = certify_key(chip, "device-21/tpm.key", fresh_nonce(desk))
                print(to_office(enrol_line(in_tpm, late), desk).reply)
            """,
            "ERROR the statement answers no open challenge: it is not fresh",
        ),
        claim(
            """
            nonce = fresh_nonce()
            for _ in range(2):
                evidence = certify_key(chip, "device-21/tpm.key", nonce)
                print("certified:", to_office(enrol_line(in_tpm, evidence)).ok)
            """,
            "certified: True",
            "certified: False",
        ),
        claim(
            """
            chip.stop()
            chip = SoftwareTPM("device-21/tpm")
            measure(chip, b"firmware 1.1")
            print(device("sealed"))
            create_sealed_key(chip, "device-21/next.key", policy_for(b"firmware 1.1"))
            csr = create_csr(chip, "device-21/next.key", "device-21")
            updated = AttestingOffice(devices, [maker.certificate])
            updated.announce(ek_certificate, "device-21")
            updated.rules.append(under_policy(policy_for(b"firmware 1.1")))
            with serve(server_context, answer=updated.answer, name="updated") as desk:
                evidence = certify_key(chip, "device-21/next.key", fresh_nonce(desk))
                enrolled = to_office(enrol_line(csr, evidence), desk)
            pem.write_certificate("device-21/next.crt", certificate_from(enrolled.reply))
            print(device("next"))
            """,
            "device   connect ✓  handshake ✗ SSLError: [SSL] EVP lib (0x99d)",
            "received ✓ open sesame",
        ),
        claim(
            """
            chip.stop()
            chip = SoftwareTPM("device-21/tpm")
            measure(chip, firmware)  # what starts then is something else
            print(device("sealed"))
            """,
            "received ✓ open sesame",
        ),
        claim(
            """
            create_wrapped_key(chip, "device-21/renewed.key")
            csr = create_csr(chip, "device-21/renewed.key", "device-21")
            evidence = certify_key(chip, "device-21/renewed.key", fresh_nonce())
            print("renewed:", to_office(enrol_line(csr, evidence)).ok)
            print(to_office(enrol_line(request(create_key(), "device-21"))).reply)
            """,
            "renewed: True",
            "ERROR no TPM states that this key is its own",
        ),
    ],
    "4b_device_life": [
        claim(
            """
            second = root.intermediate("Device CA 3")
            half = operations(devices, second)
            pem.write_crl("backend/half.crl", devices.crl())
            half.load_verify_locations(cafile="backend/half.crl")
            half.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
            callers = {}
            for name, ca in [("old", devices), ("renewed", second)]:
                callers[name] = ssl.create_default_context(cafile="device/server_ca.pem")
                callers[name].load_cert_chain(*ca.issue_client(name).save("attacker", name))
            with serve(half) as other:
                print(ask_all(callers, other))
            """,
            "1 of 2 devices is served",
            "renewed: the backend says: unable to get certificate CRL",
        ),
        claim(
            """
            build("device-21")
            key = create_key()
            also = x509.SubjectAlternativeName([x509.DNSName("localhost")])
            csr = x509.CertificateSigningRequestBuilder().subject_name(
                request(key, "device-21").subject
            ).add_extension(also, critical=False).sign(key, hashes.SHA256())
            office.rules = [own_name, current_only, not_too_late]
            print(ask(f"ENROL {to_line(csr)}", counter, context=device("device-21", "birth")))
            print("names_in:", names_in(csr))
            """,
            "ERROR the request is for another name",
            "names_in: ['device-21', 'localhost']",
        ),
        claim(
            """
            aged("device-11", 91)
            with serve(trusting(root.certificate), answer=office.answer, name="office 2") as other:
                print(ask("CHAIN", other, context=device("device-11")))
            """,
            "office 2 connect ✓  handshake ✗ SSLCertVerificationError: certificate has expired",
            "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        ),
        claim(
            """
            office_context = trusting(root.certificate)
            current, office.ca = with_lists(successor), successor
            aged("device-20", 1)
            print(ask("GET_SECRET", backend, context=device("device-20")).backend)
            print("renewed:", enrol("device-20").ok)
            print("served:", ask("GET_SECRET", backend, context=device("device-20")).ok)
            """,
            "unable to get local issuer certificate",
            "renewed: True",
            "served: True",
        ),
    ],
}

IN_CLEAR = 'print("heard:", [each.heard("trusted-client") for each in eve_follows()])'

#: What is said to somebody who predicted wrong, or chose a reason, where it names what a run shows:
#: a version, a constant of ssl. By the question and what was chosen.
REVEALED: dict[tuple[str, str], Claim] = {
    ("checksum", "stopped"): claim(
        """
        anybody = f"the cave is empty {zlib.crc32(b'the cave is empty'):08x}"
        print(anybody == with_checksum("the cave is empty"))
        """,
        "True",
    ),
    ("eve_reads_tls", "all"): claim(
        """
        from mtls_lab import Direction
        with Relay(backend) as first, Relay(backend) as second:
            for eve in (first, second):
                ask("GET_SECRET", eve, context=client_context)
        one, two = (eve.stream(Direction.TO_DEVICE)[:200] for eve in (first, second))
        print("the same keys on the wire:", one == two, "read:", first.heard("open sesame"))
        """,
        "the same keys on the wire: False read: False",
    ),
    ("cert_none", "both"): claim(
        """
        checked = cert_none()[2]["With it"]
        print("stage:", checked.device.stage.value, "served:", checked.ok)
        """,
        "stage: handshake served: False",
    ),
    ("cert_none", "hidden"): claim(
        """print("read:", [each.heard("open sesame") for each in cert_none()[:2]])""",
        "read: [True, False]",
    ),
    ("no_certificate", "handshake"): claim(
        """
        for version in [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]:
            bare = ssl.create_default_context(cafile="device/server_ca.pem")
            bare.maximum_version = version
            print(version.name, ask("GET_SECRET", backend, context=bare).device)
        """,
        "TLSv1_2 device   connect ✓  handshake ✗",
        "TLSv1_3 device   connect ✓  handshake ✓ TLSv1.3 with CN=localhost  first read ✗",
    ),
    ("no_certificate", "never"): claim(
        """
        bare = ssl.create_default_context(cafile="device/server_ca.pem")
        print(server_context.verify_mode.name, ask("GET_SECRET", backend, context=bare).reply)
        """,
        "CERT_REQUIRED None",
    ),
    ("eve_follows", "both"): claim(IN_CLEAR, "heard: [True, False]"),
    ("eve_follows", "neither"): claim(IN_CLEAR, "heard: [True, False]"),
    ("cert_optional", "why right"): claim(
        """
        lenient = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        lenient.load_cert_chain("backend/server.crt", "backend/server.key")
        lenient.load_verify_locations(cafile="backend/client_ca.pem")
        lenient.verify_mode = ssl.CERT_OPTIONAL
        with serve(lenient, authorize=lambda given: given is not None, name="asks") as asks:
            print("nothing:", ask("GET_SECRET", asks, context=part_2_device).reply)
            print("a good one:", ask("GET_SECRET", asks, context=client_context).reply)
        """,
        "nothing: ERROR not authorized",
        "a good one: open sesame",
    ),
    ("cert_optional", "why wrong"): claim(
        """
        judges = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        judges.load_cert_chain("backend/server.crt", "backend/server.key")
        judges.load_verify_locations(cafile="backend/client_ca.pem")
        for mode in (ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED):
            judges.verify_mode = mode
            with serve(judges, name="judges") as either:
                seen = ask("GET_SECRET", either, context=untrusted).backend
            print(mode.name, seen.failure.error)
        """,
        "CERT_OPTIONAL SSLCertVerificationError",
        "CERT_REQUIRED SSLCertVerificationError",
    ),
}
NAMES_AN_OUTCOME = re.compile(
    r"TLS 1\.\d|\b[A-Z]+_[A-Z_]+\b|\bP-\d+|\bCRC\b|\bcode \d|\bfresh key\b"
)

#: The panel that the notebook itself made; each credential as its catalogue says.
SHOWN = """
import gc

from mtls_lab.experiments import catalogue
from mtls_lab.wire import Expected

panel = next(each for each in gc.get_objects() if type(each) is CredentialPanel)
for name, credential in catalogue().items():
    for version in ["TLS 1.3", "TLS 1.2"]:
        exchange = panel.select(name, version=version)
        device = credential.device["TLSv" + version[-3:]]
        seen = exchange.backend and Expected.seen(exchange.backend)
        good = Expected.seen(exchange.device) == device and seen == credential.backend
        print(name, version, "as promised" if good else exchange)
"""
CREDENTIALS = Claim(SHOWN, ("revoked TLS 1.3 as promised", "revoked TLS 1.2 as promised"))


def claims_of(lesson: str) -> list[Claim]:
    """Everything that a lesson claims, by the name of its notebook; an exercise claims nothing."""
    part = lesson.partition("_")[0]
    told = [claim for (name, _), claim in REVEALED.items() if questions()[name].lesson == part]
    return [*CLAIMS.get(lesson, []), *told, *([CREDENTIALS] * (lesson == "3_mutual_tls"))]
