"""A hash that goes on from where it ended: SHA-224, for whoever knows what its digest leaves out.

Not here: SHA-256, which the module's own examples show.
"""

import hashlib
import struct

from mtls_lab.exercises import extension

#: Where SHA-224 begins (FIPS 180-4, section 5.3.2); the rest is SHA-256.
START = bytes.fromhex("c1059ed8367cd5073070dd17f70e5939ffc00b316858151164f98fa7befa4fa4")


def test_sha_224_goes_on_after_32_bits() -> None:
    """What the check of `seal` says: the digest and one word more are all of the state."""
    message, more = b"a key" + b"the moon is full", b" of cheese"
    padded = message + extension.padding(len(message))
    assert len(padded) == 64
    words = extension._compressed(struct.unpack(">8I", START), padded)
    state = struct.pack(">8I", *words)
    digest = hashlib.sha224(message).digest()
    assert (state[:28], 8 * len(state[28:])) == (digest, 32)
    longer = extension.extended(state, len(message), more)
    assert longer[:28] == hashlib.sha224(padded + more).digest()
