"""What a line has that is nobody else's business: an explanation is pasted into tickets.

Here: passwords and tokens in a line, left out. Not here: characters that do harm (text.py).
"""

from __future__ import annotations

import re
from functools import cache

__all__ = ["discreet"]

#: A name of a secret, a sign, and the secret: in quotes, or up to a blank or what ends a setting.
NAMED = r"""(\b\w{0,20}(?:password|passwd|passphrase|secret|token|api_?key)\ ?=\ ?
       | ["']\w{0,20}(?:password|passwd|passphrase|secret|token|api_?key)["']\ ?[:=]\ ?
       | \bauthorization["']?:\ ?["']?(?:bearer|basic)\ )
    (?:"[^"]{1,500}"|'[^']{1,500}'|[^\s"'&,;)]{1,500})"""
#: Between a user and a host.
IN_AN_ADDRESS = r"""(\b[a-z][a-z0-9+]{1,20}://[^\s/:@"']{0,60}:)[^\s/@"']{1,200}(?=@)"""
#: One of these is in each line that has a secret; most have none, and no expression is compiled.
HINTS = ("passw", "passphrase", "secret", "token", "key", "authorization", "@")


def discreet(line: str) -> str:
    """Return a line with … for each password and token in it.

    Example:
        >>> discreet("cannot connect: password=hunter2 sslkey=my.key")
        'cannot connect: password=… sslkey=my.key'
        >>> discreet("dial postgres://app:hunter2@db:5432: tls: bad certificate")
        'dial postgres://app:…@db:5432: tls: bad certificate'
        >>> discreet("https://db.example:5432/ refused the password: bad certificate")
        'https://db.example:5432/ refused the password: bad certificate'
    """
    small = line.lower()
    if any(hint in small for hint in HINTS):
        for pattern in _patterns():
            line = pattern.sub(r"\1…", line)
    return line


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(each, re.VERBOSE | re.IGNORECASE) for each in (NAMED, IN_AN_ADDRESS))
