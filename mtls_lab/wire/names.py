"""The names that IANA gave to the numbers in TLS messages.

Here: data/tls.toml, the name of a message, and one way to spell a number with its name. Not here:
which numbers a message holds (reading/).
"""

from __future__ import annotations

from functools import cache

from mtls_lab.facts import read_facts

__all__ = ["alert_name", "handshake_name", "name_of", "registry", "rfc_of", "spelled"]


@cache
def _facts() -> tuple[dict[str, dict[int, str]], dict[str, dict[str, str | list[str]]]]:
    facts = read_facts("tls")
    rfc = facts.pop("rfc")
    named = {
        name: {int(number, 0): text for number, text in entries.items()}
        for name, entries in facts.items()
    }
    return named, rfc


def registry(name: str) -> dict[int, str]:
    """Return one table of data/tls.toml: names by their numbers.

    Example:
        >>> registry("psk_modes")
        {0: 'psk_ke', 1: 'psk_dhe_ke'}
    """
    return _facts()[0][name]


def name_of(name: str, number: int) -> str | None:
    """Return what the registry `name` calls this number, or None if it is not in there.

    Example:
        >>> name_of("alerts", 48), name_of("alerts", 200)
        ('unknown_ca', None)
    """
    return registry(name).get(number)


def handshake_name(message: bytes) -> str:
    """Name a handshake message by its first byte.

    Example:
        >>> handshake_name(bytes([1])), handshake_name(bytes([99]))
        ('ClientHello', 'type 99')
    """
    return name_of("handshake_types", message[0]) or f"type {message[0]}"


def alert_name(alert: bytes) -> str:
    """Name an alert by its second byte.

    Example:
        >>> alert_name(bytes([2, 48])), alert_name(bytes([2, 255]))
        ('Alert unknown_ca', 'Alert 255')
    """
    return f"Alert {name_of('alerts', alert[1]) or alert[1]}"


def spelled(name: str, number: int, size: int) -> str:
    """Return a number of `size` bytes for a reader, with its name if it has one.

    Numbers that a client adds only to keep servers used to unknown ones are called GREASE
    (RFC 8701).

    Example:
        >>> spelled("groups", 29, 2), spelled("groups", 0x1A1A, 2), spelled("groups", 7, 2)
        ('x25519 (0x001d)', 'GREASE (0x1a1a)', '0x0007')
    """
    number_text = f"0x{number:0{2 * size}x}"
    known = name_of(name, number)
    if known is None and size == 2 and number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF:
        known = "GREASE"
    return f"{known} ({number_text})" if known else number_text


def rfc_of(kind: str, name: str, *, tls13: bool = True) -> str:
    """Return where a message or an extension is defined, or "" where that is not known.

    Example:
        >>> rfc_of("extensions", "key_share"), rfc_of("handshake_types", "Finished", tls13=False)
        ('RFC 8446, 4.2.8', 'RFC 5246, 7.4.9')
    """
    where = _facts()[1][kind].get(name, "")
    if isinstance(where, str):
        return where
    new, old = where
    return (new if tls13 else old) or new or old
