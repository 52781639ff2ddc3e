"""Messages that only one browser can read (RFC 8291)."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zc.generationalset.push.keys import (
    CURVE,
    Keys,
    from_text,
    load_public,
    public_bytes,
)

#: The size of a record: push services need not take longer messages.
RECORD = 4096


def encrypted(body: bytes, keys: Keys) -> bytes:
    """Return a message of Content-Encoding aes128gcm, in one record.

    body
        At most some 3,900 bytes.
    keys
        Those of the browser, which were checked.
    """
    return sealed(body, keys, ec.generate_private_key(CURVE), os.urandom(16))


def sealed(
        body: bytes, keys: Keys, private: ec.EllipticCurvePrivateKey,
        salt: bytes) -> bytes:
    """Return a message, made with a key and a salt for it alone."""
    browser, own = from_text(keys.p256dh), public_bytes(private)
    secret = _derived(
        private.exchange(ec.ECDH(), load_public(browser)),
        from_text(keys.auth), b'WebPush: info\0' + browser + own, 32)
    key = _derived(secret, salt, b'Content-Encoding: aes128gcm\0', 16)
    nonce = _derived(secret, salt, b'Content-Encoding: nonce\0', 12)
    # 2 ends the last record; zeros could follow it, as padding.
    text = AESGCM(key).encrypt(nonce, body + b'\2', None)
    return b''.join([
        salt, RECORD.to_bytes(4, 'big'), bytes([len(own)]), own, text])


def _derived(secret: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    return HKDF(SHA256(), size, salt, info).derive(secret)
