"""Real connections on loopback: the backend, the device, and the attacker between them.

Here: everything that holds a socket or a TLS context. Not here: the bytes and values that pass
(wire/), and what an attack proves (attacks/).
"""

from mtls_lab.net.apart import Presented, ask_apart, ask_each_apart
from mtls_lab.net.backend import Backend
from mtls_lab.net.contexts import (
    client_context,
    current,
    forbid_resumption,
    only,
    only_trusted_client,
    server_context,
)
from mtls_lab.net.device import Upstream, ask
from mtls_lab.net.relay import Relay
from mtls_lab.net.serving import running, serve, stop_all
from mtls_lab.net.sockets import Acceptor, Address, nobody_listens
from mtls_lab.net.tampering import Chunk, Tamper, cut, flip_bit, replace
from mtls_lab.net.tls import PeerCertificate, hang_up, subject_of, watch

__all__ = [
    "Acceptor",
    "Address",
    "Backend",
    "Chunk",
    "PeerCertificate",
    "Presented",
    "Relay",
    "Tamper",
    "Upstream",
    "ask",
    "ask_apart",
    "ask_each_apart",
    "client_context",
    "current",
    "cut",
    "flip_bit",
    "forbid_resumption",
    "hang_up",
    "nobody_listens",
    "only",
    "only_trusted_client",
    "replace",
    "running",
    "serve",
    "server_context",
    "stop_all",
    "subject_of",
    "watch",
]
