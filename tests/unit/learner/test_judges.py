"""Each prediction is judged by one function, from what a run left, and can have each answer.

That the lesson's run gives the answer that data/predictions.toml says: test_predictions.py.
"""

import ssl
import zlib
from dataclasses import dataclass

import pytest

from mtls_lab.attacks import AttackResult
from mtls_lab.common import LabError, UnknownName
from mtls_lab.experiments import KeySearch
from mtls_lab.learner.judges import JUDGES, judge
from mtls_lab.learner.predictions import questions
from mtls_lab.tpm import Refusal, decode
from mtls_lab.wire import Direction, Exchange, Failure, Side, Stage
from tests.unit.lab import client_hello


@dataclass
class Tape:
    """What a relay wrote down, in one direction."""

    passed: bytes

    def heard(self, what: str | bytes) -> bool:
        return (what.encode() if isinstance(what, str) else what) in self.passed

    def stream(self, direction: Direction) -> bytes:
        return self.passed if direction is Direction.TO_BACKEND else b""


def side(*received: str, failure: Failure | None = None, who: str = "device") -> Side:
    return Side(who, Stage.APPLICATION, failure=failure, received=received)


def exchange(device: Side, backend: Side | None = None) -> Exchange:
    return Exchange("GET_SECRET", device, backend or side("GET_SECRET", who="backend"))


def attack(*, succeeded: bool) -> AttackResult:
    return AttackResult("an attack", "a protection", succeeded, ("evidence",))


def sealed(text: str) -> str:
    return f"{text} {zlib.crc32(text.encode()):08x}"


FAILURE = Failure("SSLError", reason="RECORD_LAYER_FAILURE")
SERVED = exchange(side("open sesame"))
LIED_TO = exchange(side("the cave is empty"))
REFUSED = exchange(side(failure=FAILURE))
UNTRUSTED = exchange(
    side(failure=FAILURE),
    side(failure=Failure("SSLCertVerificationError", verify_code=19), who="backend"),
)
UNSERVED = exchange(side("ERROR not authorized"))
UNHEARD = exchange(side("open sesame"), side(failure=FAILURE, who="backend"))
UNNAMED = Side("backend", Stage.APPLICATION, failure=FAILURE, version="TLSv1.3")
SILENT, SECRET = Tape(b""), Tape(b"open sesame")
NAMED = Tape(b"... trusted-client ...")
SENT = sealed("open sesame")
HELLO = client_hello(ssl.create_default_context())

#: Evidence for each answer of each question.
EVIDENCE: dict[str, dict[str, tuple[object, ...]]] = {
    "silent_client": {
        "secret": (b"open sesame\n",),
        "waits": (TimeoutError("timed out"),),
        "refused": (ConnectionResetError(104, "Connection reset by peer"),),
    },
    "eve_listens": {
        "device": (SERVED, LIED_TO),
        "backend": (SERVED, UNHEARD),
        "nobody": (SERVED, SERVED),
    },
    "changed_reply": {"device": (REFUSED,), "backend": (UNHEARD,), "nobody": (LIED_TO,)},
    "checksum": {
        "stopped": (SENT, SENT.replace("sesame", "barley")),
        "fooled": (SENT, sealed("the cave is empty")),
    },
    "eve_reads_tls": {
        "nothing": (SILENT,),
        "name": (Tape(HELLO),),
        "all": (Tape(HELLO + b"open sesame"),),
    },
    "flipped_bit": {"wrong_text": (LIED_TO,), "error": (REFUSED,), "right_text": (SERVED,)},
    "same_named_ca": {
        "believed": (LIED_TO,),
        "signature": (exchange(side(failure=Failure("SSLCertVerificationError", verify_code=7))),),
        "refused": (REFUSED,),
    },
    "other_host": {"refused": (REFUSED,), "believed": (LIED_TO,)},
    "cert_none": {
        "both": (SECRET, SECRET),
        "hidden": (SILENT, SECRET),
        "read": (SECRET, SILENT),
    },
    "clone_over_tls": {
        "served": (attack(succeeded=True),),
        "refused": (attack(succeeded=False),),
    },
    "no_certificate": {
        "handshake": ([],),
        "first_read": (["wrap_socket"],),
        "never": (["wrap_socket", "recv"],),
    },
    "leaf_only": {"same": (UNHEARD, UNHEARD), "other": (UNHEARD, SERVED)},
    "substring": {"served": (SERVED, REFUSED), "refused": (UNSERVED, SERVED)},
    "cert_optional": {
        "refused": (REFUSED, REFUSED),
        "served": (SERVED, UNSERVED),
        "both": (SERVED, SERVED),
    },
    "no_usage": {"served": (SERVED, REFUSED), "refused": (REFUSED, SERVED)},
    "eve_follows": {
        "both": (NAMED, NAMED),
        "only_1_2": (NAMED, SILENT),
        "neither": (SILENT, SILENT),
    },
    "stolen_key": {"served": (attack(succeeded=True),), "refused": (attack(succeeded=False),)},
    "stolen_session": {
        "refused": (REFUSED,),
        "nobody": (exchange(side("ERROR not authorized"), UNNAMED),),
        "served": (SERVED,),
    },
    "revoked_session": {"served": (SERVED,), "refused": (UNSERVED,)},
    "no_sessions": {
        "full": (SERVED, REFUSED),
        "refused": (REFUSED, REFUSED),
        "served": (SERVED, SERVED),
    },
    "copied_key": {
        "served": (SERVED,),
        "refused": (REFUSED,),
        "load": (Exchange("GET_SECRET", Side("device", Stage.SETUP, Failure("SSLError"))),),
    },
    "key_in_memory": {
        "both": (KeySearch(found=True, tried=1, read=32), KeySearch(found=True, tried=1, read=32)),
        "file": (KeySearch(found=True, tried=1, read=32), KeySearch(found=False, tried=1, read=32)),
        "neither": (
            KeySearch(found=False, tried=1, read=32),
            KeySearch(found=False, tried=1, read=32),
        ),
    },
    "copied_chip": {"served": (SERVED,), "refused": (REFUSED,)},
    "tpm_session": {"served": (SERVED, SERVED), "refused": (SERVED, REFUSED)},
    "birth_at_work": {
        "handshake": (REFUSED,),
        "rule": (exchange(side("ERROR not authorized"), UNNAMED),),
        "served": (SERVED,),
    },
    "other_name": {
        "office": (UNSERVED,),
        "backend": (SERVED, REFUSED),
        "served": (SERVED, SERVED),
    },
    "old_key": {
        "tls": (SERVED, REFUSED),
        "office": (SERVED, exchange(side("ERROR not the current one"), UNNAMED)),
        "signed": (SERVED, SERVED),
    },
    "clock_1970": {
        "device": (exchange(side(failure=Failure("SSLCertVerificationError", verify_code=9))),),
        "backend": (REFUSED,),
        "nobody": (SERVED,),
    },
    "swapped_context": {"refused": (REFUSED,), "served": (SERVED,)},
    "dropped_early": {
        "both": (SERVED, SERVED),
        "renewed": (SERVED, REFUSED),
        "old": (REFUSED, SERVED),
        "neither": (REFUSED, REFUSED),
    },
    "leaked_ca": {
        "both": (SERVED, SERVED),
        "work": (UNSERVED, SERVED),
        "office": (SERVED, REFUSED),
        "neither": (UNSERVED, REFUSED),
    },
    "borrowed_ek": {
        "office": (UNSERVED, b""),
        "tpm": (SERVED, Refusal("ActivateCredential", 0x1DF)),
        "nonce": (SERVED, b"nonce"),
    },
    "loaded_key": {
        "tpm": (decode(0x2C2),),
        "office": (UNSERVED,),
        "signed": (SERVED,),
    },
    "forged_statement": {
        "credential": (decode(0x1DF),),
        "signature": (UNSERVED,),
        "signed": (SERVED,),
    },
    "changed_firmware": {
        "load": (Exchange("GET_SECRET", Side("device", Stage.SETUP, Failure("SSLError"))),),
        "sign": (Exchange("GET_SECRET", Side("device", Stage.HANDSHAKE, Failure("SSLError"))),),
        "backend": (UNSERVED,),
        "served": (SERVED,),
    },
    "measured_again": {"signs": (SERVED,), "refuses": (REFUSED,)},
    "next_door": {"served": (SERVED,), "full": (UNTRUSTED,), "name": (REFUSED,)},
}


def test_every_question_has_one_in_the_order_of_the_file() -> None:
    assert list(JUDGES) == list(questions())


@pytest.mark.parametrize("name", questions())
def test_each_answer_can_come_out(name: str) -> None:
    assert set(EVIDENCE[name]) == set(questions()[name].answers)
    assert {key: judge(name, *found) for key, found in EVIDENCE[name].items()} == {
        key: key for key in EVIDENCE[name]
    }


def test_what_looks_nearly_like_it() -> None:
    assert judge("silent_client", b"") == "refused"
    assert judge("silent_client", b"ERROR busy\n") == "refused"
    assert judge("checksum", SENT, SENT) == "stopped"  # nobody changed it
    assert judge("checksum", SENT, None) == "stopped"
    assert judge("eve_follows", SILENT, NAMED) == "both"


@pytest.mark.parametrize(
    ("evidence", "found"),
    [((), "nothing"), ((SERVED,), "Exchange"), ((None, SERVED), "NoneType, Exchange")],
)
def test_other_evidence_is_one_message(evidence: tuple[object, ...], found: str) -> None:
    with pytest.raises(LabError) as caught:
        judge("substring", *evidence)
    assert caught.value.found == f"a run for 'substring' that gives {found}"
    assert caught.value.expected.startswith("loose, strict, each as")


def test_what_a_run_shows_besides_is_passed_over() -> None:
    assert judge("stolen_session", SERVED, REFUSED) == "served"
    assert judge("no_certificate", ["wrap_socket"], REFUSED) == "first_read"


def test_an_unknown_question() -> None:
    with pytest.raises(UnknownName, match="no prediction 'nothing'"):
        judge("nothing")
