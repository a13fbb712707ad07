"""The shapes of a line about a certificate or a key, and the words that they are made of.

Here: which shape means what. Not here: how a line is compared with them (shapes.py), and the words
of programs that are known (data/lines.toml).
"""

import re

__all__ = ["ABOUT", "ALSO_WELL", "KEY", "SHAPES", "VERDICT", "WELL"]

CERT = r"(?:certificates?|certs?)\b(?!-[a-z])"  # not of cert-manager
ABOUT = (
    r"(?:certificates?|certs?|x\.?509|m?tls|ssl|crls?|key ?stores?|pkcs ?#?12|trust anchors?"
    r"|client authentication|cipher suites?|handshake|passphrase|pem)\b"
)
KEY = r"(?:private[ _]key|key ?file|certificate.{0,40}?\bkey|certs?\b.{0,80}?\bkey)\b"
STORE = r"(?:key ?store|pkcs ?#?12|p12|pfx)\b"
NOT = r"(?:do(?:es)?(?: not|n[o']t)|did(?: not|n't)|has(?: not|n't)|not)"
FITS = r"(?:match|belong|correspond|fit)"
UNKNOWN = r"(?:unknown|un(?:trusted|recogni[sz]ed)|not (?:found|trusted|known|recogni[sz]ed))"
FAILED = r"(?:fail(?:ed|ure|s)?|error|unsuccessful)\b"
CHECKED = r"(?:check|verif(?:y|ied|ication)|validat(?:e|ed|ion))\b"
#: Between a certificate and what it is, and behind a word that is asked for, counted or set.
IS = r"(?:.{0,30}?(?:\b(?:ha[sd]|have|is|was|are|been)|[:(]))? ?"
NONE = r"(?!\W{1,3}(?:no|false|0)\b|s? (?:total|count)\b)"
SET = r"(?!\W{1,3}(?:yes|true|on|1|no|false|off|0)\b)"
NAME = (
    r"(?:common ?name|cn|host ?name|server ?name|domain(?: name)?|subject(?: ?alt\w*)?(?: ?name)?"
    r"|san|identity|owner|peer name)\b"
)
CALLED = (
    r"(?:host ?name|host|server(?: ?name)?|domain|target|dns|ip|address|name|identity|sans?|cn"
    r"|subject)\b"
)
UNABLE = r"(?:fail(?:ed|ure|s)?|error|(?:could |did |can ?)not|can't|couldn't|unable|impossible)"
WRONG = r"(?:wrong|incorrect|bad|invalid) pass(?:word|phrase)"
WHOSE = r"(?:issuer|signer|ca|authority|root)\b"
SENT = (
    r"(?:sen[dt]|present(?:ed)?|provided?|suppl(?:y|ied)|return(?:ed)?|offer(?:ed)?"
    r"|show(?:n|ed)?)\b"
)
CLIENT = r"\b(?:client|peer|remote(?: host| peer)?|device)\b"
#: A client certificate that nobody has asked for, or a setting.
UNASKED = (
    r"(?! (?:is |was )?(?:available|ca names|configured|required|needed|loaded|set|specified"
    r"|requested)\b)"
)
MUTUAL = (
    rf"(?<!no )(?:client (?:tls |ssl )?(?:{CERT}|auth\w*)"
    r"|(?:mutual|m) ?(?:tls|ssl|auth)\w*(?: auth\w*)?)"
)
USAGE = r"\b(?:key ?)?usage\b(?! of)"
AMISS = (
    r"(?:not (?:allowed|permitted|valid)|invalid|incorrect|wrong|mismatch|missing|violat"
    rf"|{NOT} (?:include|contain|allow|permit|have|match))"
)
TAKEN = r"(?:reject(?:ed|s)?|refuse[ds]?|denie[ds]|did not accept|does not accept|declined)"
OURS = rf"(?: our| the| my| this| your)?(?: own)?(?: tls| client)? {CERT}"
#: A meaning, as data/lines.toml has it, and a line of it in small letters; the first counts.
SHAPES = (
    ("state pinned", rf"\b(?:finger|thumb)print\b.{{0,60}}?(?:mismatch|{NOT} match)"),
    ("state pinned", rf"\b{CERT}.{{0,20}}?{NOT} match.{{0,40}}?\b(?:\w{{1,6}}print\b|pin\b)"),
    (
        "state pinned",
        rf"\b{CERT}.{{0,20}}?{NOT} match.{{0,12}}?\b(?:trusted|pinned|stored|known) {CERT}",
    ),
    ("state pinned", rf"\b{CERT}.{{0,20}}?\bpin(?:ned|ning)?\b.{{0,30}}?(?:mismatch|{FAILED})"),
    ("reason KEY_VALUES_MISMATCH", rf"\b{KEY}.{{0,80}}?{NOT} {FITS}"),
    ("reason KEY_VALUES_MISMATCH", rf"\b{CERT}\W.{{0,5}}?\bkey\b(?: pair)? mismatch"),
    ("reason KEY_VALUES_MISMATCH", rf"\b{CERT}.{{0,20}}?{NOT} {FITS}.{{0,20}}?\bkey\b"),
    ("state key open to others", rf"\b{KEY}.{{0,80}}?(?:group or (?:other|world)|too open)"),
    ("state bad password", rf"\b{WRONG}.{{0,40}}?\bkey\b|\b{STORE}.{{0,60}}?\b{WRONG}"),
    (
        "state bad password",
        rf"\b(?:key|{STORE}) pass(?:word|phrase)\b.{{0,20}}?(?:wrong|incorrect)",
    ),
    ("state bad password", rf"\bkey\b.{{0,40}}?{UNABLE} (?:be )?decrypt"),
    ("state bad password", rf"\b{UNABLE}\b.{{0,6}}?decrypt.{{0,25}}?\b(?:key|{STORE})"),
    (
        "reason PEER_DID_NOT_RETURN_A_CERTIFICATE",
        rf"{CLIENT}.{{0,20}}?{NOT} (?:have |{SENT}).{{0,25}}?{CERT}"
        rf"|{CLIENT}.{{0,20}}?\b{SENT} (?:no|an empty|zero) (?:\w{{1,6}} )?{CERT}"
        rf"|\b(?:no|without(?: an?)?|missing) (?:valid |tls |ssl )*(?:client|peer)(?:'s)?"
        rf"(?: tls| ssl)? {CERT}{UNASKED}"
        rf"|\bempty {CERT} (?:list|chain|message)"
        rf"|\bno {CERT} (?:{SENT} )?(?:from|by) (?:the |a )?(?:client|peer|device)"
        rf"|\b{CERT}.{{0,20}}?\b(?:required|expected|requested|needed),? but (?:none|nothing|no)\b"
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
    ("verify 26", rf"\b{CERT}.{{0,60}}?{USAGE}.{{0,30}}?{AMISS}|{USAGE} {AMISS}"),
    (
        "verify 26",
        rf"\b{CERT}.{{0,20}}?{NOT} (?:have|include|contain).{{0,20}}?\b(?:{USAGE}|eku\b)",
    ),
    ("verify 26", rf"\b{CERT}.{{0,20}}?(?:can ?not|can't|may not|must not) be used (?:as|for|by)"),
    ("verify 26", r"\b(?:lacks?|missing|without|has no)\b.{0,25}?(?:key ?usage|eku)\b"),
    (
        "verify 26",
        rf"\b{CERT}.{{0,30}}?not (?:intended|valid|allowed|suitable|meant|usable) (?:for|as)"
        r"(?: an?)?(?: tls| ssl)? (?:client|server auth)(?!.{0,10}name)",
    ),
    ("verify 62", rf"\b{NAME}.{{0,60}}?(?:{NOT} match|mismatch|{NOT} valid for)"),
    ("verify 62", rf"\b{NAME}.{{0,60}}?(?:differs? from|is different from|{NOT} equal)"),
    ("verify 62", rf"\bunexpected {NAME}.{{0,30}}?\b{CERT}|\b{CERT}.{{0,30}}?\bunexpected {NAME}"),
    (
        "verify 62",
        rf"\b{NAME}.{{0,60}}?\b(?:not (?:\w{{1,9}} )?(?:in|among|on)|missing (?:in|from))\b"
        rf".{{0,20}}?\b(?:{CERT}|san\b|subject ?alt)",
    ),
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
    ("verify 10", rf"\b{CERT}{IS}expired\b(?! or not){NONE}|\bexpired {CERT}{NONE}"),
    ("verify 9", rf"\b{CERT}.{{0,40}}?(?:not yet (?:valid|active)|not valid yet|in the future)"),
    ("verify 10", rf"\b{CERT} (?:for|of) \S{{1,80}} expired\b{NONE}"),
    ("verify 10", rf"\b{CERT}.{{0,30}}?\b(?:no longer valid|lapsed|past its (?:expiry|end|valid))"),
    ("verify 10", rf"\b{CERT}.{{0,20}}?\bvalidity\b.{{0,12}}?(?:ended|is over|has passed)"),
    ("verify 9", rf"\b{CERT}.{{0,30}}?\bnot valid (?:before|until)\b(?! ?:)"),
    ("verify 9", r"\bvalidity\b.{0,20}?not (?:yet )?(?:started|begun)"),
    ("state out of date", r"\b(?:outside|not within|out of|beyond)\b.{0,20}?\bvalidity"),
    ("state out of date", rf"\b{CERT}.{{0,20}}?expired or not (?:yet|valid)"),
    (
        "state out of date",
        rf"\b{CERT}.{{0,20}}?\b(?:dates?|time|validity)\b.{{0,12}}?"
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
    ("verify 18", rf"\bself[- ]signed {CERT}|\b{CERT} is self[- ]signed"),
    ("verify 79", r"\b(?:issuer|signer)\b.{0,20}?\bnot a ca\b|\bnot a (?:valid )?ca cert"),
    ("verify 25", r"\bpath ?len(?:gth)?\b.{0,30}?(?:exceeded|violat|too)"),
    ("verify 20", rf"\b(?:issuer|signer)\b.{{0,20}}?{UNKNOWN}"),
    ("verify 20", rf"\b{WHOSE}(?: certificate)?(?: is)? (?:unknown|(?:un|not )trusted)"),
    ("verify 20", rf"\b{UNKNOWN} (?:certificate )?{WHOSE}"),
    ("verify 20", rf"\bcertificate authority(?: is| was)? {UNKNOWN}"),
    ("verify 20", rf"\b{CERT}.{{0,30}}?not (?:signed|issued) by (?:an?|any|the|our|one) (?!same)"),
    ("verify 20", r"\bno (?:trusted|matching|known) (?:ca|root|issuer|trust anchor|authority)\b"),
    ("verify 20", rf"\b{CERT}.{{0,20}}?(?:not trusted|untrusted)|\buntrusted {CERT}{NONE}"),
    (
        "verify 20",
        r"\b(?:trust anchor|(?:ca|root|issuer) cert\w*)\b.{0,20}?not (?:be )?(?:found|present)",
    ),
    ("verify 20", rf"\b(?:{CERT}|chain|path)\b.{{0,20}}?{NOT} (?:terminate|end|lead|chain)\b"),
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
    ("state nothing in common", r"\bno (?:common|shared|matching|acceptable) (?:tls |ssl )?cipher"),
    (
        "reason WRONG_VERSION_NUMBER",
        r"\bnot (?:an? |the )?(?:tls|ssl) "
        r"(?:handshake|record|connection|message|packet|client ?hello)"
        r"|\bhttp request\b.{0,20}?\b(?:on|to|at) (?:an? |the )?(?:tls|ssl|https) port"
        r"|\binstead of (?:an? |the )?(?:tls|ssl)? ?(?:handshake|record|client ?hello)"
        r"|\bexpected (?:an? |the )?(?:tls|ssl) \S{1,20}.{0,12}?\bgot\b"
        r"|\bnon[- ](?:tls|ssl) (?:data|traffic|connection|message|request|record)"
        r"|\b(?:plain ?text|unencrypted) (?:connection|requests?|data|traffic|http\S*)\b.{0,12}?"
        r"\b(?:on|at|to|over)\b.{0,10}?\b(?:tls|ssl)",
    ),
    (
        "state user of the certificate @device",
        rf"\b{CERT}[^;,]{{0,40}}?not (?:authori[sz]ed|permitted|(?:in|on) the \w{{0,6}} ?list)"
        rf"|\b{CERT}[^;,]{{0,50}}?\bnot (?:allowed|accepted)\b",
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
        rf"\binvalid[- ]client[- ]{CERT}"
        rf"|\bclient {CERT}(?: is| was)? (?:invalid|rejected|refused)\b",
    ),
    (
        "state pair not taken",
        rf"\b{CERT} (?:files?|and key)\b.{{0,30}}?{UNABLE} be (?:loaded|read)",
    ),
    ("state not verified", rf"\b{CERT} {NOT} (?:validate|verify)\b"),
    ("state not verified", rf"(?<!\b0 )\b{CERT}.{{0,30}}?{CHECKED}.{{0,10}}?{FAILED}"),
    ("state not verified", rf"(?<!\b0 )\b{CERT}.{{0,30}}?(?:failed {CHECKED}|not verified)"),
    ("state not verified", rf"\b{UNABLE}\W.{{0,12}}?{CHECKED}.{{0,30}}?{CERT}"),
    ("state alert without a name", r"\b(?:tls|ssl) alert received|received a? ?(?:tls|ssl) alert"),
    (
        "state not verified or not tls",
        r"\b(?:tls|ssl) (?:handshake|negotiation)(?: (?:with|from|to|for|by) \S{1,60})? "
        rf"{FAILED}{NONE}",
    ),
    ("state not verified or not tls", rf"\b(?:tls|ssl): (?:\w{{1,12}}: )?handshake {FAILED}{NONE}"),
    ("state not verified or not tls", r"\berror in (?:the )?(?:tls|ssl) handshake\b"),
    ("state not verified or not tls", r"\b(?:tls|ssl) initiali[sz]ation failed"),
)

#: What a program also says when all is well, and the words of a line in which it does.
ALSO_WELL = {
    *("state certificate asked for @device", "reason WRONG_VERSION_NUMBER", "verify 18"),
    "reason UNSUPPORTED_PROTOCOL",
    "reason PEER_DID_NOT_RETURN_A_CERTIFICATE",
}
WELL = re.compile(
    r"\b(?:info|debug|notice|config\w*|enabled|disabled|optional\w*|listening|redirect\w*"
    r"|generat\w*|creat\w*)\b"
)

#: One of these is in each line of such a shape.
VERDICT = re.compile(
    r"fail|error|\bno|n't|cannot|unable|invalid|expired|revo[ck]|unrec|untrust|unknown|match|wrong|bad|miss"
    r"|reject|refuse|denie|self|without|require|demand|need|mandatory|lack|too |violat|incorrect"
    r"|differ|unexpected|incomplete|corrupt|malformed|weak|insecure|outside|out of|beyond|ended"
    r"|is over|has passed|laps|past its|plain|unencrypted|instead|but |alert|too open|group or"
    r"|exceed|offer|disabled|empty|absent|declined|impossible|http request|future|allowed|forbid"
)
