"""Lines of foreign programs without what differs from run to run.

Here: text to text. Not here: which lines are worth reading (programs.py).
"""

import re
from collections.abc import Iterable

from mtls_lab.common import printable

__all__ = ["steady"]

#: What is taken out, and what is put there; in this order.
VARYING = [
    (r"^\d{4}[-/]\d\d[-/]\d\d[ T][\d:.,]+(?: ?[A-Z]{3,4}\b)?(?: \[\d+\])?[: ]*", ""),  # a time
    (r"^\d{10}: ", ""),  # Mosquitto's
    (r"^[IWE]\d{4} [\d:.]+ +\d+ [\w.]+:\d+\] ", ""),  # gRPC's, with a line of C
    (r"\[(\w+)\] \d+#\d+: (?:\*\d+ )?", r"[\1] "),  # nginx: processes and connections
    (r"\b[0-9A-F]{8,}:(?=error:)", ""),  # OpenSSL: a thread
    (r":[\w./]+\.c:\d+:", ": "),  # and a line of C
    (r" *<?\b0x[0-9a-fA-F]+>?", ""),  # Python: an object
    (r"((?:\[?::1\]?|127\.0\.0\.1|localhost)(?:\]?:|', ?|, port |/127\.0\.0\.1:))\d+", r"\1…"),
    (r"\bport(\W{1,3})\d{4,5}", r"port\1…"),
    (r"\[?(?:::1|127\.0\.0\.1)\]?:…", "…"),
    (r" *\(_ssl\.c:\d+\)", ""),  # Python: a line of C
    (r"\b20\d\d-\d\d-\d\dT[\d:.]+Z?", "…"),  # Go: now, and a certificate's date
    (r"\bauto-[0-9A-F-]{20,}", "auto-…"),  # Mosquitto: a name for who has none
]


def steady(line: str, folders: Iterable[str] = ()) -> str:
    """Return a line that is the same in the next run, and harmless on a screen.

    Example:
        >>> print(steady("2026/11/26 07:46:45 [info] 12#12: *1 client closed"))
        [info] client closed
        >>> print(steady("http: TLS handshake error from 127.0.0.1:41873: EOF"))
        http: TLS handshake error from …: EOF
    """
    for folder in folders:
        line = line.replace(f"{folder}/", "").replace(folder, ".")
    for pattern, text in VARYING:
        line = re.sub(pattern, text, line)
    return printable(line.strip())
