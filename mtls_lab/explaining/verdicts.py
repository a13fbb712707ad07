"""The shapes of a line about a certificate or a key.

Here: which shape means what. Not here: those about TLS itself (protocols.py), the words that they
are made of (vocabulary.py), how a line is compared with them (shapes.py), and the words of programs
that are known (data/lines.toml).
"""

from mtls_lab.explaining.protocols import FAILURES, PROTOCOLS
from mtls_lab.explaining.vocabulary import (
    AMISS,
    CALLED,
    CERT,
    CHECKED,
    CLIENT,
    FAILED,
    FITS,
    IS,
    KEY,
    LIST,
    LOADED,
    MUTUAL,
    NAME,
    NONE,
    NOT,
    OF_A_CA,
    OPENED,
    OURS,
    PEM,
    SENT,
    SET,
    STORE,
    TAKEN,
    UNABLE,
    UNASKED,
    UNKNOWN,
    USAGE,
    WHOSE,
    WRONG,
    not_done,
)

__all__ = ["SHAPES"]

#: A meaning, as data/lines.toml has it, and a line of it in small letters; the first counts.
SHAPES = (
    (
        "state pinned",
        rf"(?<!client cert )(?<!client certificate )\b(?:finger|thumb)print\b.{{0,60}}?"
        rf"(?:mismatch|{NOT} match)",
    ),
    ("state pinned", rf"\b{CERT}.{{0,20}}?{NOT} match.{{0,40}}?\b(?:\w{{1,6}}print\b|pin\b)"),
    (
        "state pinned",
        rf"\b{CERT}.{{0,20}}?{NOT} match.{{0,12}}?\b(?:trusted|pinned|stored|known) {CERT}",
    ),
    ("state pinned", rf"\b{CERT}.{{0,20}}?\bpin(?:ned|ning)?\b.{{0,30}}?(?:mismatch|{FAILED})"),
    (
        "state pinned",
        r"\b(?:invalid|wrong|unexpected) .{0,20}?\b(?:finger|thumb)print\b"
        r"|\b(?:finger|thumb)print (?:constraints?\b.{0,20}?not (?:met|satisfied)|check failed)",
    ),
    ("reason KEY_VALUES_MISMATCH", rf"\b{KEY}.{{0,80}}?{NOT} {FITS}"),
    ("reason KEY_VALUES_MISMATCH", rf"\bkey\b.{{0,80}}?{NOT} {FITS}.{{0,30}}?\b{CERT}"),
    (
        "state no certificate loaded @backend",
        rf"\b(?:server|broker|gateway)\b.{{0,6}}?(?:{NOT}|failed to) {SENT}.{{0,12}}?{CERT}",
    ),
    ("verify 79", r"\bbasic ?constraints\b.{0,30}?\b(?:unset|missing|false)\b|\bnot a ca cert"),
    ("verify 79", r"\b(?:issuer|signer)\b.{0,40}?\b(?:not|no) (?:marked as )?an? (?:valid )?ca\b"),
    ("verify 68", rf"\b{CERT}.{{0,30}}?\bsigned (?:using|with|by) an? (?:insecure|weak|broken)"),
    ("state crl not loaded", not_done(f"(?:{OPENED}|{LOADED})", LIST)),
    (
        "state ca file not usable",
        rf"{not_done(f'(?:{OPENED}|{LOADED})', OF_A_CA)}|\b(?:root|trusted) cas?: no {CERT} found",
    ),
    ("verify 32", rf"{USAGE}.{{0,30}}?not (?:allow|permit).{{0,20}}?\bsign"),
    ("reason KEY_VALUES_MISMATCH", rf"\b{CERT}\W.{{0,5}}?\bkey\b(?: pair)? mismatch"),
    ("reason KEY_VALUES_MISMATCH", rf"\b{CERT}.{{0,20}}?{NOT} {FITS}.{{0,20}}?\bkey\b"),
    ("state key open to others", rf"\b{KEY}.{{0,80}}?(?:group or (?:other|world)|too open)"),
    ("state bad password", rf"\b{WRONG}.{{0,40}}?\bkey\b|\b{STORE}.{{0,60}}?\b{WRONG}"),
    (
        "state bad password",
        rf"\b(?:key|{STORE}) pass(?:word|phrase)\b.{{0,20}}?(?:wrong|incorrect|{CHECKED} {FAILED})",
    ),
    ("state bad password", rf"\bkey\b.{{0,40}}?{UNABLE} (?:be )?decrypt"),
    ("state bad password", rf"\b{UNABLE}\b.{{0,6}}?decrypt.{{0,25}}?\b(?:key|{STORE})"),
    (
        "reason PEER_DID_NOT_RETURN_A_CERTIFICATE",
        rf"{CLIENT}.{{0,20}}?(?:{NOT}|failed to) (?:have |{SENT}).{{0,25}}?{CERT}"
        rf"|{CLIENT}.{{0,40}}?\b{SENT} (?:no|an empty|zero) (?:[\w.()]{{1,8}} ){{0,2}}{CERT}"
        rf"|\b(?:no|without(?: an?)?|missing) (?:valid |tls |ssl )*(?:client|peer)(?:'s)?"
        rf"(?: tls| ssl)? {CERT}{UNASKED}"
        rf"|\bempty (?:{CERT} (?:list|chain|message)|(?:client|peer) {CERT})"
        rf"|{NOT} (?:receive|get|include) (?:the |an? |any )?(?:client|peer)(?:'s)? {CERT}{UNASKED}"
        rf"|\bno (?:required )?{CERT} (?:(?:was )?{SENT} )?(?:from|by) (?:the |a )?{CLIENT}"
        rf"|\bno {CERT} {SENT} for \w{{0,12}} ?auth"
        rf"|\b{CERT}.{{0,20}}?\b(?:required|expected|requested|needed),? but "
        rf"(?:none|nothing|no|not {SENT})\b"
        rf"|\b{CERT} (?:is|was) not {SENT} by (?:the )?(?:client|peer|device)"
        rf"|\b(?:client|peer) {CERT} (?:is |was )?(?:missing|absent|not (?:found|{SENT}))",
    ),
    (
        "state certificate asked for @device",
        rf"\b{MUTUAL}(?: is)? (?:required|mandatory|needed){SET}"
        rf"|\b(?:requires?|demands?|needs) (?!no )(?:\w{{1,5}} ){{0,2}}{MUTUAL}{SET}",
    ),
    (
        "state not verified or missing @backend",
        rf"\b(?:server|broker|gateway|endpoint|remote host)(?: has)? {TAKEN}{OURS}",
    ),
    ("state not verified @device", rf"\bclient(?: has)? {TAKEN}{OURS}"),
    ("state alert without a name", rf"\b(?:peer|other side|remote)(?: has)? {TAKEN}{OURS}"),
    ("verify 26", rf"\b{CERT}.{{0,60}}?(?:{USAGE}|\bpurpose\b).{{0,30}}?{AMISS}|{USAGE} {AMISS}"),
    (
        "verify 26",
        rf"\b{CERT}.{{0,20}}?{NOT} (?:have|include|contain).{{0,20}}?\b(?:{USAGE}|eku\b)",
    ),
    (
        "verify 26",
        rf"\b{CERT}.{{0,20}}?(?:can ?not|can't|(?:may|must|should) not)(?: have)? be(?:en)? used "
        r"(?:as|for|by)",
    ),
    ("verify 26", r"\b(?:lacks?|missing|without|has no)\b.{0,25}?(?:key ?usage|eku)\b"),
    (
        "verify 26",
        rf"\b{CERT}.{{0,30}}?not (?:intended|valid|allowed|suitable|meant|usable) (?:for|as)"
        r"(?: an?)?(?: tls| ssl)? (?:client|server auth)(?!.{0,10}name)",
    ),
    (
        "verify 62",
        rf"\b{NAME}.{{0,60}}?(?:mismatch|{NOT} (?:match|valid for|equal)|differs? from"
        "|is different from)",
    ),
    ("verify 62", rf"\bunexpected {NAME}.{{0,30}}?\b{CERT}|\b{CERT}.{{0,30}}?\bunexpected {NAME}"),
    (
        "verify 62",
        rf"\b{NAME}.{{0,60}}?\b(?:not (?:\w{{1,9}} )?(?:in|among|on)|missing (?:in|from))\b"
        rf".{{0,20}}?\b(?:{CERT}|san\b|subject ?alt)",
    ),
    (
        "verify 62",
        rf"\b{CERT}.{{0,12}}?\bmissing {NAME}|\b{CERT} claims to be (?:from|for)\b"
        rf"|\bname mismatch: {CERT}"
        rf"|\b{CERT}.{{0,20}}?not issued (?:to|for) (?:this|the) {CALLED}",
    ),
    ("verify 62", rf"\b(?:no|without an?y?) (?:\w+ )?{NAME}.{{0,40}}?\bin (?:\w+ )?{CERT}"),
    ("verify 62", rf"\b{NAME}.{{0,12}}?\bnot (?:specified|listed|present) in (?:\w+ )?{CERT}"),
    ("verify 62", rf"\b(?:identity|host ?name|host name) {CHECKED} {FAILED}"),
    ("verify 62", rf"\b{CERT}.{{0,20}}?\bhost mismatch"),
    ("verify 62", rf"\b{CERT}.{{0,30}}?(?:{NOT} match|mismatch).{{0,30}}?\b{CALLED}"),
    ("verify 62", rf"\b{CERT}.{{0,60}}?(?:{NOT} (?:valid|issued)|invalid) for.{{0,12}}?{CALLED}"),
    (
        "verify 62",
        rf"\b{CERT}.{{0,20}}?\b(?:issued|valid|made) (?:to|for) (?!\d+ )\S.{{0,60}}?"
        r"\b(?:but (?:we|you|called|requested|connected|wanted|expected)|instead of"
        r"|not \S+\.[a-z])",
    ),
    (
        "verify 62",
        rf"\b{CERT}.{{0,20}}?{NOT} (?:have |contain |include |list )?.{{0,12}}?\bnames?\b",
    ),
    ("verify 12", r"\bcrl\b.{0,20}?\b(?:expired|out of date|too old|outdated)|\bexpired crl\b"),
    ("verify 10", rf"\b{CERT}{IS}expired\b(?! or not){NONE}|(?<!\b0 )\bexpired {CERT}{NONE}"),
    ("verify 9", rf"\b{CERT}.{{0,40}}?(?:not yet (?:valid|activ)|not valid yet|in the future)"),
    ("verify 10", rf"\b{CERT} (?:for|of) \S{{1,80}} expired\b{NONE}"),
    ("verify 10", rf"\b{CERT}.{{0,30}}?\b(?:no longer valid|lapsed|past its (?:expiry|end|valid))"),
    ("verify 10", rf"\b{CERT}.{{0,30}}?\bnot valid any ?more\b"),
    ("verify 10", rf"\b{CERT}.{{0,20}}?\bvalidity\b.{{0,12}}?(?:ended|is over|has passed)"),
    (
        "verify 9",
        rf"\b{CERT}.{{0,30}}?\bnot valid (?:before|until)\b(?! ?:)"
        r"|\bvalidity\b.{0,20}?not (?:yet )?(?:started|begun)",
    ),
    ("state out of date", r"\b(?:outside|not within|out of|beyond)\b.{0,20}?\bvalidity"),
    ("state out of date", rf"\b{CERT}.{{0,20}}?expired or not (?:yet|valid)"),
    (
        "state out of date",
        rf"\b{CERT}.{{0,12}}?\binvalid (?:usage )?date"
        rf"|\b{CERT}.{{0,20}}?\b(?:dates?|time|validity)\b.{{0,12}}?"
        rf"(?:invalid|not valid|{UNABLE})",
    ),
    ("verify 23", rf"\b{CERT}{IS}revoked\b{NONE}|\brevoked {CERT}{NONE}"),
    ("verify 23", rf"\b{CERT}.{{0,30}}?\b(?:listed|found|is) (?:on|in) .{{0,12}}?\bcrl\b"),
    ("verify 23", rf"\bserial\b.{{0,40}}?\b(?:is|was|been) revoked\b{NONE}"),
    ("verify 3", r"\bno (?:\w{1,8} )?crl\b.{0,20}?\b(?:available|found|for)\b"),
    ("verify 3", rf"\b{UNABLE}\b.{{0,40}}?\brevocation (?:status|list|check|server)"),
    (
        "verify 3",
        r"\brevocation (?:status|check|list|server)\b.{0,20}?"
        r"(?:unknown|unavailable|offline|unreachable|not available|failed)",
    ),
    (
        "state ocsp",
        r"\bfailed ocsp\b|\bocsp (?:response|status|check)\b.{0,30}?"
        r"\b(?:no|failed|unknown|invalid|error)\b",
    ),
    ("verify 18", rf"\bself[- ]signed {CERT}|\b{CERT} is self[- ]signed"),
    ("verify 25", r"\bpath ?len(?:gth)?\b.{0,30}?(?:exceeded|violat|too)"),
    ("verify 20", rf"\b(?:issuer|signer)\b.{{0,20}}?{UNKNOWN}"),
    (
        "verify 20",
        rf"\b{WHOSE}(?: certificate)?(?: is)? (?:unknown|(?:un|not )trusted)"
        rf"|\b{UNKNOWN} (?:certificate )?{WHOSE}|\bcertificate authority(?: is| was)? {UNKNOWN}",
    ),
    ("verify 20", rf"\b{CERT}.{{0,30}}?not (?:signed|issued) by (?:an?|any|the|our|one) (?!same)"),
    ("verify 20", r"\bmissing (?:trust anchor|root|issuer)\b"),
    ("verify 20", r"\bno (?:trusted|matching|known) (?:ca|root|issuer|trust anchor|authority)\b"),
    ("verify 20", rf"\b{CERT}.{{0,20}}?(?:not trusted|untrusted)|\buntrusted {CERT}{NONE}"),
    (
        "verify 20",
        r"\b(?:trust anchor|(?:ca|root|issuer) cert\w*)\b.{0,20}?not (?:be )?(?:found|present)",
    ),
    (
        "verify 20",
        rf"\b(?:{CERT}|chain|path)\b.{{0,20}}?{NOT} (?:terminate|end|lead|chain)\b"
        rf"|\bchain {NOT} contain (?:an?y? |of |the )*(?:required|trusted|root|ca)\b",
    ),
    (
        "verify 20",
        r"\b(?:issuer|ca)\b.{0,40}?\b(?:not|missing) (?:in|from) .{0,20}?"
        r"(?:bundle|store|list|pool|file)",
    ),
    ("verify 20", rf"\b{CERT}.{{0,12}}?\b(?:chain|path)\b.{{0,12}}?(?:in|not )complete"),
    (
        "verify 20",
        rf"\b{UNABLE}\b.{{0,12}}?(?:build|construct|find|locate|get|complete)\b.{{0,30}}?"
        r"(?:\bchain|\bpath\b|\bissuer|trust anchor|trusted root)",
    ),
    ("verify 7", rf"\b{CERT} signature (?!algo).{{0,20}}?(?:invalid|{FAILED}|not valid|mismatch)"),
    ("verify 7", rf"\b(?:bad|invalid) {CERT} signature\b"),
    ("verify 68", r"\bsignature algorithm\b.{0,30}?(?:weak|insecure)|\bweak signature"),
    ("verify 68", rf"\b{CERT}.{{0,30}}?\b(?:sha-?1|md5)\b.{{0,30}}?(?:allowed|weak|forbidden)"),
    ("verify 66", rf"\b{CERT}.{{0,20}}?\bkey\b.{{0,20}}?\btoo (?:small|short|weak)"),
    *PROTOCOLS,
    (
        "state user of the certificate @device",
        rf"\b{CERT}[^;,]{{0,40}}?not (?:authori[sz]ed|permitted|(?:in|on) the \w{{0,6}} ?list)"
        rf"|\b{CERT}[^;,]{{0,50}}?\bnot (?:allowed|accepted)\b"
        r"|\b(?:dn|subject|issuer) constraints?\b.{0,20}?not (?:met|satisfied)"
        rf"|\bno (?:user ?name|user|role) in the {CERT}|\bpeer name not authori[sz]ed"
        r"|\bx\.?509 auth[zn]\w*\b.{0,60}?\b(?:denied|failed|refused)"
        rf"|\b{CERT} (?:issuer|subject) {NOT} match\b",
    ),
    (
        "state certificate not parsed",
        rf"\b{UNABLE}\b.{{0,12}}?(?:pars|decod)\w*.{{0,20}}?\b{CERT}"
        rf"|\b(?:invalid|malformed|corrupt(?:ed)?) {CERT} (?:file|format|encoding|data)"
        rf"|\b{CERT} (?:file )?(?:is )?(?:malformed|corrupt)"
        rf"|\bnot an? (?:valid )?(?:pem|der|x\.?509)\b.{{0,10}}?{CERT}",
    ),
    (
        "state not verified or missing @backend",
        rf"\binvalid[- ](?:\w{{1,8}} )?client[- ]{CERT}"
        rf"|\bclient {CERT}(?: is| was)? (?:invalid|rejected|refused)\b",
    ),
    (
        "state no certificate loaded",
        rf"\bno (?:client )?{CERT} or key (?:files? )?(?:were |was )?(?:provided|specified)"
        r"|\b(?:x\.?509|tls|ssl) credentials are missing"
        r"|\bno (?:tls|ssl) credentials\b|\bno (?!client|peer|root|ca\b)"
        rf"(?:(?:x\.?509|tls|ssl|server) )*{PEM}(?: pem| file)* "
        rf"(?:specified|configured|given)\b{NONE}",
    ),
    (
        "state no key in file",
        rf"\b{UNABLE} find (?:the |any )?private key (?:associat\w*|for|of|in)\b"
        r"|\bno private key (?:was )?found in\b",
    ),
    (
        "state no start line",
        rf"\b(?:{UNABLE} find (?:an? |the |any )?|no ){CERT} in (?:ca ?path |file )?['/~]",
    ),
    (
        "state named file not opened",
        rf"{not_done(OPENED, PEM)}|\bi/o error\b.{{0,30}}?{PEM}"
        rf"|\b{PEM} \W?[/~]\S{{1,200}} (?:is )?missing|\bnew[ _]file failed for {CERT}"
        rf"|{PEM}.{{0,60}}?(?:\b(?:is|are|was) not (?:readable|a file)|: not a file)\b",
    ),
    ("state pair not taken", not_done(LOADED, PEM)),
    (
        "state not verified or missing @backend",
        rf"\b(?:{UNABLE}|failed) to authenticate (?:\w+ ){{0,2}}?client {CERT}",
    ),
    (
        "state not verified",
        rf"\b{CERT} {NOT} (?:validate|verify)\b"
        rf"|\binvalid (?:ssl |tls )?{CERT} (?:{SENT}|for (?:https://)?[\w-]+\.[\w.-]+(?:[:/]|\Z))",
    ),
    ("state not verified", rf"(?<!\b0 )\b{CERT}.{{0,30}}?{CHECKED}.{{0,10}}?{FAILED}"),
    (
        "state not verified",
        rf"(?<!\b0 )\b{CERT}(?:.{{0,30}}?not verified| chain(?: \w+)? is invalid\b"
        rf"|.{{0,60}}?(?:(?:could|can) ?not be|failed) {CHECKED})",
    ),
    ("state not verified", rf"\b{UNABLE}\W.{{0,12}}?{CHECKED}.{{0,30}}?{CERT}"),
    *FAILURES,
)
