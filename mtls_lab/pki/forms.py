"""The forms of files that people take for PEM, in words: what each is, and how PEM is made of it.

Here: the words, and by what a file of one form begins. Not here: reading a file and telling which
form it has (kinds.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "BARE_CR",
    "BY_BLOCK",
    "CUT_OFF",
    "DASHES",
    "ENCRYPTED",
    "ENTRIES",
    "ESCAPED",
    "EXCHANGE",
    "INSTEAD",
    "IN_JSON",
    "JKS",
    "NOT_ALONE",
    "ONE_LINE",
    "ON_THE_WAY",
    "PACKED",
    "PAGE",
    "RUN_TOGETHER",
    "STORES",
    "SYSTEMD",
    "TWICE",
    "UTF_16",
    "Kind",
]

EXCHANGE = "exchange the two file names, or name the other file"
#: What to do about a file that holds neither of the two that are mixed up.
INSTEAD = {
    "a certificate signing request": "name the other file: a request goes to a CA, which makes the "
    "certificate of it",
    "a public key": "name the other file: of a key pair, this is the half that everybody may have",
    "a certificate revocation list": "name the other file: revocation lists have another option",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is instead of PEM that `ssl` reads.

    Attributes:
        name: a short name for it.
        found: what is said of the file after its name, such as "is a PKCS #12 file".
        todo: how to make PEM of it; `{path}` is the file, as a shell wants it.
    """

    name: str
    found: str
    todo: str


RUN_TOGETHER = Kind(
    "run together",
    "has an END line and the next BEGIN line on one line: a line end is missing between two blocks",
    "put a line end after each END line",
)
ESCAPED = Kind(
    "escaped",
    "has \\n as two characters where its lines should end, as a value of an environment variable "
    "or of JSON does",
    "turn them into line ends, in bash: printf '%b' \"$(tr -d '\"' < {path})\" > NEW.pem",
)
IN_JSON = Kind(
    "in json",
    "is JSON with PEM in its values, as Vault and other programs with an API print it",
    "take one value out: jq -r .NAME {path} > NEW.pem, where Vault's NAME is data.certificate",
)
ONE_LINE = Kind(
    "one line",
    "has its whole PEM block on one line",
    "make it again, with BEGIN and END each on a separate line",
)
NOT_ALONE = Kind(
    "not alone",
    "has something before or behind the dashes of a BEGIN or END line (spaces, a quotation mark, a "
    "line number, a mark of a page, a character that cannot be seen): these lines have to stand "
    "alone",
    "take away what is not PEM, such as the indentation of a YAML file: grep -oE -- "
    "'-----(BEGIN|END) [A-Z ]+-----|([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|"
    "[A-Za-z0-9+/]{2}==)' {path} > NEW.pem",
)
BARE_CR = Kind(
    "bare cr",
    "ends its lines with CR alone, as old Mac programs do: OpenSSL sees one line",
    "turn them into line ends: tr '\\r' '\\n' < {path} > NEW.pem",
)
CUT_OFF = Kind(
    "cut off",
    "is cut off: its last block has a BEGIN line and no END line",
    "copy it again, or write the whole of it",
)
DASHES = Kind(
    "dashes",
    "has a BEGIN or END line without its five hyphens, or in other letters: an editor, a chat or a "
    "copy by hand has changed it",
    "write it as -----BEGIN CERTIFICATE----- (or PRIVATE KEY), in plain ASCII",
)
ENTRIES = Kind(
    "entries",
    "holds files in base64 under names, as a Secret of Kubernetes and a kubeconfig do",
    "write each entry into a file, without the base64: kubectl get secret NAME -o "
    "jsonpath='{.data.tls\\.crt}' | base64 -d > tls.crt",
)
STORES = Kind(
    "stores",
    "holds a keystore (JKS or PKCS #12) in base64 under a name, as a Secret of Kubernetes does",
    "write it into a file, without the base64, and name that: kubectl get secret NAME -o "
    "jsonpath='{.data.keystore\\.jks}' | base64 -d > keystore.jks",
)
TWICE = Kind(
    "entries twice",
    "holds files under names that were encoded in base64 twice",
    "encode each once: base64 -w0 FILE; kubectl create secret and stringData take it as it is",
)
#: UTF-16 with its mark, which tells the order of its bytes, and the dashes without one.
UTF_16 = {
    re.compile(start): Kind(
        "utf-16",
        "is text in UTF-16",
        f"write it in UTF-8: iconv -f {name} -t UTF-8 {{path}} > NEW.pem",
    )
    for start, name in (
        (rb"\xff\xfe|\xfe\xff", "UTF-16"),
        (rb"-\0-\0", "UTF-16LE"),
        (rb"\0-\0-", "UTF-16BE"),
    )
}
JKS = Kind(
    "jks",
    "is a Java keystore (JKS or JCEKS)",
    "convert it: keytool -importkeystore -srckeystore {path} -destkeystore NEW.p12 "
    "-deststoretype pkcs12, then openssl pkcs12 -in NEW.p12 -out NEW.pem",
)
PACKED = Kind(
    "packed", "is compressed or an archive", "unpack it first: gunzip, unzip or tar -xf {path}"
)
PAGE = Kind("page", "is a web page or XML", "download the file itself, not its page")
PKCS11 = Kind(
    "pkcs11",
    "names a key in a token or HSM (PKCS #11), which never leaves it",
    "let the program load OpenSSL's pkcs11 provider or engine, and give it the URI in the place of "
    "the file; the lab loads neither",
)
#: By their beginning, or by what is in them: files that were to become another one on their way.
ON_THE_WAY = {
    re.compile(rb"version https://git-lfs\.github\.com/"): Kind(
        "lfs pointer",
        "is a pointer of Git LFS in the place of the file",
        "fetch the file itself: git lfs pull",
    ),
    re.compile(rb"(?:\$\{|\{\{|<%)[^\r\n]{1,200}\s*$"): Kind(
        "placeholder",
        "holds a placeholder that nothing has filled in (${…}, {{ … }})",
        "see that the value has this name, and that the program that fills it in was run",
    ),
    re.compile(rb"-----BEGIN(?:%20|\+)"): Kind(
        "url encoded",
        "is encoded for a URL or a header, with %0A where its lines end",
        "decode it: python3 -c 'import sys, urllib.parse as u; print(u.unquote(sys.stdin.read()))' "
        "< {path} > NEW.pem",
    ),
    re.compile(rb"\{[^{}]{0,4096}\"kty\"\s*:"): Kind(
        "jwk",
        "holds a JSON Web Key",
        "export it as PEM from the program that made it, or make a new key",
    ),
    re.compile(rb"pkcs11:\S{3}"): PKCS11,
    re.compile(rb"SQLite format 3\0"): Kind(
        "database",
        "is a database, as NSS keeps certificates and keys in (cert9.db, key4.db)",
        "export from its folder: pk12util -d FOLDER -n NICKNAME -o NEW.p12, then openssl pkcs12 "
        "-in NEW.p12 -out NEW.pem",
    ),
    re.compile(rb"PuTTY-User-Key-File-"): Kind(
        "putty",
        "holds a key in PuTTY's own form (.ppk)",
        "convert it: puttygen {path} -O private-openssh -o NEW.key; a key that is Ed25519 this "
        "makes one of OpenSSH, so make a new one: openssl genpkey -algorithm ed25519 -out NEW.key",
    ),
    re.compile(rb"(?:ssh-(?:rsa|ed25519)|ecdsa-sha2-|sk-)\S{0,60} AAAA"): Kind(
        "ssh public",
        "holds a public key of SSH, or a certificate of it, as for authorized_keys",
        "have a certificate issued by a CA: TLS knows no keys of SSH",
    ),
}
#: The same of files that a tool has encrypted as a whole: by what, and how it decrypts one.
ENCRYPTED = {
    re.compile(begins): Kind("still encrypted", f"is encrypted as a whole, by {tool}", todo)
    for begins, tool, todo in (
        (rb"\$ANSIBLE_VAULT;", "Ansible Vault", "decrypt it: ansible-vault decrypt {path}"),
        (rb"\0GITCRYPT\0", "git-crypt", "decrypt it in its working copy: git-crypt unlock"),
        (
            rb"age-encryption\.org/|-----BEGIN AGE ENCRYPTED",
            "age",
            "decrypt it: age -d -i IDENTITY -o NEW.pem {path}",
        ),
        (
            # A message for a key, in the old form of packets, and one with a password.
            rb"-----BEGIN PGP MESSAGE|\x85[\0-\x05][\s\S]\x03|\x84[\s\S]\x03|\x8c[\s\S][\x04-\x06]",
            "GnuPG",
            "decrypt it: gpg -o NEW.pem -d {path}",
        ),
        (rb"[\s\S]{0,4096}\bENC\[AES256_GCM,", "SOPS", "decrypt it: sops -d {path} > NEW.pem"),
        (
            rb"[\s\S]{0,4096}\bENC\[PKCS7,",
            "hiera-eyaml",
            "decrypt it: eyaml decrypt -e {path}",
        ),
        (
            rb"""[\s\S]{0,4096}\bkind["']?:\s{0,8}["']?SealedSecret\b""",
            "kubeseal, as a SealedSecret",
            "take it from the cluster, where the controller has made a Secret of it: kubectl get "
            "secret NAME -o jsonpath='{.data.tls\\.key}' | base64 -d > NEW.pem",
        ),
        (
            rb"vault:v\d{1,6}:",
            "Vault's transit engine",
            "decrypt it: vault write -field=plaintext transit/decrypt/NAME ciphertext=@{path} | "
            "base64 -d > NEW.pem",
        ),
        (
            rb"Salted__|U2FsdGVkX1",
            "openssl enc or a tool that calls it, such as transcrypt",
            "decrypt it as it was encrypted: openssl enc -d -aes-256-cbc -pbkdf2 -in {path} -out "
            "NEW.pem; with -a, if it is text",
        ),
    )
}
SYSTEMD = Kind(
    "systemd",
    "is a credential that systemd has encrypted",
    "decrypt it on the machine for which it was made: systemd-creds --name= decrypt {path} "
    "NEW.pem; a unit has it in $CREDENTIALS_DIRECTORY (LoadCredentialEncrypted=)",
)


#: Blocks that ssl does not read.
BY_BLOCK = {
    b"TSS2 PRIVATE KEY": Kind(
        "tss2",
        "holds a key that only a TPM can open (TSS2 PRIVATE KEY)",
        "start the program on the machine with this TPM, with OPENSSL_CONF naming a "
        "configuration that loads the tpm2 provider, as mtls-lab ask does by itself: the "
        "key cannot be converted",
    ),
    b"TSS KEY BLOB": Kind(
        "tss",
        "holds a key of a TPM 1.2 (TSS KEY BLOB)",
        "have a new key made in a TPM 2.0 or in a file, and a certificate issued for it: OpenSSL 3 "
        "reads no such key",
    ),
    b"PKCS#11 PROVIDER URI": PKCS11,
    b"PKCS7": Kind(
        "pkcs7",
        "holds a PKCS #7 bundle of certificates",
        "convert it: openssl pkcs7 -print_certs -in {path} -out NEW.pem",
    ),
    b"OPENSSH PRIVATE KEY": Kind(
        "openssh",
        "holds a key in OpenSSH's own form",
        "convert a copy of it: ssh-keygen -p -m PKCS8 -f COPY; an Ed25519 key stays as it is, so "
        "make a new one: openssl genpkey -algorithm ed25519 -out NEW.key",
    ),
}
for _half in (b"PRIVATE", b"PUBLIC"):
    BY_BLOCK[b"PGP %s KEY BLOCK" % _half] = Kind(
        "pgp",
        f"holds a {_half.decode().lower()} key of OpenPGP (GnuPG)",
        "TLS knows no keys of OpenPGP: make a key and a request, openssl req -new -newkey rsa:2048 "
        "-nodes -keyout NEW.key -out NEW.csr, and have a CA issue the certificate",
    )
