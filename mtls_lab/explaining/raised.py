"""What a line of any program means, as the failure that Python would have raised for it.

Here: one meaning and its line. Not here: which meaning a line has (lines.py).
"""

from __future__ import annotations

import re

from mtls_lab.common import printable
from mtls_lab.explaining.phrases import Phrase, verify_words
from mtls_lab.explaining.weights import BROKEN_OFF
from mtls_lab.wire import Failure
from mtls_lab.wire.names import reason_of_alert

__all__ = ["FILES", "SHOWN", "as_raised"]

#: How much of the decisive line is shown.
SHOWN = 300
#: States of a file that does not load.
FILES = {
    *("no start line", "other pem", "run together", "bad password", "password not given"),
    *("key not usable", "key not parsed"),
}
#: A host in quotes that is an address, and X509_V_ERR_HOSTNAME_MISMATCH and …_IP_ADDRESS_MISMATCH.
ADDRESS = (
    r"(?:host ?name|for|host) ['\"]"
    r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:]{2,40})['\"]"
)
HOST, ADDRESS_ITSELF = 62, 64


def as_raised(phrase: Phrase, line: str) -> Failure:
    """Return the failure as Python would have raised it."""
    words, value = printable(line.strip())[:SHOWN], phrase.value
    error, reason, code, message = "", "", None, ""
    match phrase.kind:
        case "verify":
            error, reason = "SSLCertVerificationError", "CERTIFICATE_VERIFY_FAILED"
            code = int(value)
            if code == HOST and re.search(ADDRESS, line):
                code = ADDRESS_ITSELF
            # A host that Python names is told; of other lines, OpenSSL's own words for the code.
            message = words if code in {HOST, ADDRESS_ITSELF} else verify_words().get(code, words)
        case "alert":
            error, reason = "SSLError", reason_of_alert(value)
        case "reason":
            system = value in BROKEN_OFF or re.fullmatch(r"E[A-Z]+", value)
            error, reason = "OSError" if system else "SSLError", value
        case "error":
            error = value
        case "text":
            error, words = "SSLError" if value.startswith("[") else "ValueError", value
        case "state" if value in FILES:
            # What is wrong with a file shows as this in Python, and a look into it tells more.
            error, words = "SSLError", "[SSL] PEM lib"
    return Failure(error, reason, code, message, words)
