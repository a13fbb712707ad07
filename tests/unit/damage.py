"""Bytes with something changed in them, the same for the same seed. No test is here."""

import random


def changed(data: bytes, luck: random.Random) -> bytes:
    """The same bytes with some of them changed, taken out, or doubled."""
    made = bytearray(data)
    for _ in range(luck.randrange(4)):
        at = luck.randrange(len(made) or 1)
        match luck.randrange(3):
            case 0:
                made[at : at + 1] = bytes([luck.randrange(256)])
            case 1:
                del made[at : at + luck.randrange(1, 40)]
            case _:
                made[at:at] = made[at : at + luck.randrange(1, 40)]
    return bytes(made)
