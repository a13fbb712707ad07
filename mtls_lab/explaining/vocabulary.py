"""The words that shapes are made of: what a line is about, and what it says of that.

Here: nouns and verbs, as patterns in small letters. Not here: which of them together mean what
(verdicts.py).
"""

import re

__all__ = [
    "ABOUT",
    "ALSO_WELL",
    "AMISS",
    "CALLED",
    "CERT",
    "CHECKED",
    "CLIENT",
    "FAILED",
    "FITS",
    "IS",
    "KEY",
    "LIST",
    "LOADED",
    "MUTUAL",
    "NAME",
    "NONE",
    "NOT",
    "OF_A_CA",
    "OPENED",
    "OURS",
    "PEM",
    "SENT",
    "SET",
    "STORE",
    "TAKEN",
    "UNABLE",
    "UNASKED",
    "UNKNOWN",
    "USAGE",
    "VERDICT",
    "WELL",
    "WHOSE",
    "WRONG",
    "not_done",
]

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
    r"(?:common ?name|cn|host ?name|server ?name|domain(?: name)?|subject(?: ?alt\w*)?(?: ?names?)?"
    r"|san|sni|identity|owner|peer name)\b"
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
CLIENT = r"\b(?:client|user|peer|remote(?: host| peer)?|device)\b"
#: A client certificate that nobody has asked for, or a setting.
UNASKED = (
    r"(?! or key| (?:is |was )?(?:available|ca names|configured|required|needed|loaded|set"
    r"|specified|requested)\b)"
)
MUTUAL = (
    rf"(?<!no )(?:client (?:tls |ssl )?(?:{CERT}(?: auth\w*)?|auth\w*)"
    r"|(?:mutual|m) ?(?:tls|ssl|auth)\w*(?: auth\w*)?)"
)
USAGE = r"\b(?:key ?)?usage\b(?! of)"
AMISS = (
    r"(?:not (?:allowed|permitted|valid)|invalid|incorrect|wrong|mismatch|missing|violat"
    rf"|{NOT} (?:include|contain|allow|permit|have|match))"
)
TAKEN = r"(?:reject(?:ed|s)?|refuse[ds]?|denie[ds]|did not accept|does not accept|declined)"
OURS = rf"(?: our| the| my| this| your)?(?: own)?(?: tls| client)? {CERT}"
#: What a program does with a file: the first fail of a file that is not there or closed alone.
OPENED = r"(?:open|read|find|stat)(?:ed|ing)?\b"
LOADED = r"(?:load|import|us|process|assign|configur|add)(?:ed|ing|e)?\b"
PEM = (
    rf"(?:(?:(?:pkcs ?#?12|p12) )?{CERT}|pem ?file|private[ _]key|(?:private )?key ?file|key ?pair)"
)
OF_A_CA = (
    rf"(?:(?:ca|root|authority)\b(?:[ -]{CERT}| (?:file|list|bundle|store)\b)"
    r"|certificate authorit(?:y|ies)\b"
    r"|trust(?:ed)? (?:file|store|list|anchors?)\b)"
)
LIST = r"(?:certificate )?(?:revocation list|crl)\b"
#: What may stand before the object of a verb, and behind it, where nothing else is meant.
ITS = (
    r"(?:(?:the|an?|any|our|its|own|valid|x\.?509|m?tls|ssl|pem|server(?:'s)?|client(?:'s)?|host"
    r"|local|default|device|signing|encrypted|configured|extra|user specified) )*"
)
WHOLE = (
    r"(?:[ /](?:(?:and|or) )?(?:files?|chains?|lists?|pairs?|key|private key)\b)*"
    r"(?=[^\w/~\\]{0,4}(?:\Z|[/~\\]|[\"'`\[(:;,&]|\S{1,80}\.(?:pem|crt|cer|key|der|p12)\b)"
    r"|[\"'`\[(:;,&]|(?: in:?| from) (?:file|[/~\"'`])| for (?:verif|use|tls|ssl|context|front))"
)


def not_done(done: str, what: str) -> str:
    """Return the shape of a line in which this was not done with something of this kind."""
    return (
        rf"\b{UNABLE}\b(?: occurred)?(?: while| when| trying| to| be)*[ :]{done} {ITS}{what}{WHOLE}"
        rf"|\b{done} (?:of )?{ITS}{what}(?: \S{{1,200}})? {FAILED}"
        rf"|\b{what}(?: (?:file|chain|list)s?)*(?: \W?[/~]\S{{1,200}})? "
        rf"(?:{done} {FAILED}|(?:\w+ ){{0,2}}{UNABLE} be {done})"
    )


#: What a program also says when all is well, and the words of a line in which it does.
ALSO_WELL = {
    *("state certificate asked for @device", "reason WRONG_VERSION_NUMBER", "verify 18"),
    "reason UNSUPPORTED_PROTOCOL",
    "reason PEER_DID_NOT_RETURN_A_CERTIFICATE",
    *("state no certificate loaded", "state named file not opened", "state pair not taken"),
    *("state ca file not usable", "state no key in file"),
}
WELL = re.compile(
    r"\b(?:info|debug|notice\b(?!:)|config\w*|enabled|disabled|optional\w*|listening|redirect\w*"
    r"|generat\w*|creat\w*|serving|using|falling back|skipp\w*)\b"
)

#: One of these is in each line of such a shape.
VERDICT = re.compile(
    r"fail|error|\bno|n't|cannot|unable|invalid|expired|revo[ck]|unrec|untrust|unknown|match|wrong|bad|miss"
    r"|reject|refuse|denie|self|without|require|demand|need|mandatory|lack|too |violat|incorrect"
    r"|differ|unexpected|incomplete|corrupt|malformed|weak|insecure|outside|out of|beyond|ended"
    r"|is over|has passed|laps|past its|plain|unencrypted|instead|but |alert|too open|group or"
    r"|exceed|offer|disabled|empty|absent|declined|impossible|http request|future|allowed|forbid"
)
