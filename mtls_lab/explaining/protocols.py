"""The shapes of a line about TLS itself: its versions and ciphers, no TLS at all, or its failure.

Here: which shape means what. Not here: shapes about certificates and keys (verdicts.py), and the
words that all are made of (vocabulary.py).
"""

from mtls_lab.explaining.vocabulary import FAILED, NONE, NOT, UNABLE

__all__ = ["FAILURES", "PROTOCOLS"]

PROTOCOLS = (
    (
        "reason UNSUPPORTED_PROTOCOL",
        r"\b(?:tls|ssl)\b.{0,20}?\bversions?\b[^:]{0,30}?"
        r"(?:not (?:supported|allowed|enabled)|unsupported|too (?:low|old)|mismatch)"
        r"|\bunsupported (?:tls|ssl)(?: protocol)? version"
        r"|\bno (?:common|shared|matching) (?:tls|ssl)(?: protocol)? version"
        r"|\bprotocol version\b.{0,12}?(?:too (?:low|old)|unsupported|not supported|mismatch)"
        rf"|\b{NOT} support (?:tls|ssl) ?v?\d"
        r"|\b(?:wants|offered|requested|uses) (?:tls|ssl) ?v?\d.{0,20}?(?:disabled|not allowed)"
        r"|\boffer(?:s|ed) (?:only|at most|no more than) (?:tls|ssl)",
    ),
    (
        "reason NO_CIPHER_MATCH",
        r"\bcipher (?:list|suites?|string)\b.{0,40}?(?:\berror\b|invalid).{0,12}?(?:no valid|\Z)",
    ),
    (
        "reason NO_CIPHER_MATCH",
        r"\bnot a valid (?:cipher|(?:tls|ssl) (?:protocol )?version)"
        rf"|\b{UNABLE}(?: to)? set .{{0,16}}?(?:(?:tls|ssl)\b.{{0,12}}?\bversion|cipher)",
    ),
    (
        "state server without tls",
        rf"\bserver\b.{{0,30}}?{NOT} (?:advertis|offer|announc|support)\w*"
        r" (?:required )?(?:start)?(?:tls|ssl)\b(?! ?v?\d)"
        r"|\b(?:start)?tls\b.{0,40}?not supported"
        r"(?: by (?:this|the) server|, but .{0,12}?mandatory)",
    ),
    (
        "state nothing in common",
        r"\bno (?:common|shared|matching|acceptable|valid) (?:tls |ssl )?cipher",
    ),
    (
        "reason WRONG_VERSION_NUMBER",
        r"\bnot (?:look like )?(?:an? |the )?(?:tls|ssl) "
        r"(?:handshake|record|connection|message|packet|client ?hello)"
        r"|\bhttp request\b.{0,20}?\b(?:on|to|at) (?:an? |the )?(?:tls|ssl|https) port"
        r"|\binstead of (?:an? |the )?(?:tls|ssl)? ?(?:handshake|record|client ?hello)"
        r"|\bexpected (?:an? |the )?(?:tls|ssl) \S{1,20}.{0,12}?\bgot\b"
        r"|\bnon[- ](?:tls|ssl) (?:data|traffic|connection|message|request|record)"
        r"|\b(?:plain ?text|unencrypted) (?:connection|requests?|data|traffic|http\S*)\b.{0,12}?"
        r"\b(?:on|at|to|over)\b.{0,10}?\b(?:tls|ssl)",
    ),
)
#: TLS failed, and nothing is said of why; asked for after all others.
FAILURES = (
    ("state alert without a name", r"\b(?:tls|ssl) alert received|received a? ?(?:tls|ssl) alert"),
    (
        "state not verified or not tls",
        r"\b(?:tls|ssl) (?:handshake|negotiation|connection)(?: (?:with|from|to|for|by) \S{1,60})? "
        rf"{FAILED}{NONE}",
    ),
    ("state not verified or not tls", rf"\b(?:tls|ssl): (?:\w{{1,12}}: )?handshake {FAILED}{NONE}"),
    (
        "state not verified or not tls",
        r"\berror in (?:the )?(?:tls|ssl) handshake\b"
        rf"|\b{UNABLE}(?: to)? (?:start|perform|do|complete|finish|establish) (?:an? |the )?"
        r"(?:tls|ssl) (?:encryption|session|negotiation|handshake|connection)\b",
    ),
    ("state not verified or not tls", r"\b(?:tls|ssl) initiali[sz]ation failed"),
)
