"""Keys of Web Push: an application's own, and those of browsers."""

from __future__ import annotations

import binascii
import json
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

CURVE = ec.SECP256R1()
#: Seconds for which a push service may trust a signature; a day is allowed.
TRUST = 12 * 3600


class BadKey(ValueError):
    """A key, or a file with one, isn't what it should be."""


class Keys(NamedTuple):
    """What a browser gives to those who may push to it, in base64url.

    p256dh
        The browser's public key.
    auth
        A secret, so that the push service can't write messages itself.
    """

    p256dh: str
    auth: str

    def check(self) -> Keys:
        """Return the keys without padding.  Raises BadKey."""
        public, auth = from_text(self.p256dh), from_text(self.auth)
        load_public(public)
        if len(auth) != 16:
            raise BadKey(f'expected 16 bytes of auth, got {len(auth)}')
        return Keys(to_text(public), to_text(auth))


Keys.__module__ = 'zc.generationalset.push'  # for pickles


class VAPID:
    """The key by which push services know an application (RFC 8292).

    .. code-block:: python

        vapid = VAPID.make('vapid.json', 'mailto:ann@example.org')
        VAPID.load('vapid.json').public

    Push services accept pushes to a browser only with the key for which the
    browser subscribed.  So an application keeps its key for good.

    private
        A key of the curve P-256.
    contact
        Whom a push service can tell of trouble: a URL, ``mailto:`` or
        ``https:``.
    """

    def __init__(
            self, private: ec.EllipticCurvePrivateKey, contact: str) -> None:
        if not contact.startswith(('mailto:', 'https://')):
            raise BadKey("expected a contact such as 'mailto:ann@example.org'"
                         f', got {contact!r}')
        self._private = private
        self.contact = contact
        #: The key that a browser subscribes with, in base64url.
        self.public = to_text(public_bytes(private))

    @classmethod
    def make(cls, path: str, contact: str) -> VAPID:
        """Make a key, and a file with it that only its owner can read.

        Raises BadKey, and OSError, also if the file is there.
        """
        vapid = cls(ec.generate_private_key(CURVE), contact)
        text = json.dumps({
            'contact': contact,
            'private_key': vapid._private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption()).decode()}, indent=1)
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(made, 'w', encoding='utf-8') as file:
            file.write(text + '\n')
        return vapid

    @classmethod
    def load(cls, path: str) -> VAPID:
        """Read a file that ``make`` made.  Raises BadKey, and OSError."""
        with open(path, encoding='utf-8') as file:
            try:
                found = json.load(file)
                key = serialization.load_pem_private_key(
                    found['private_key'].encode(), None)
                contact = str(found['contact'])
            except (LookupError, TypeError, AttributeError,
                    ValueError) as error:
                raise BadKey(f'expected a file of "gset push keys", got '
                             f'{path}') from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or (
                key.curve.name != CURVE.name):
            raise BadKey(f'{path}: expected a key of the curve P-256')
        return cls(key, contact)

    def authorization(self, url: httpx.URL) -> str:
        """Return the header Authorization for a push to a URL."""
        origin = f'{url.scheme}://{url.netloc.decode()}'
        signed = '.'.join([to_text(json.dumps(part).encode()) for part in (
            {'typ': 'JWT', 'alg': 'ES256'},
            {'aud': origin, 'exp': int(time.time()) + TRUST,
             'sub': self.contact})])
        r, s = utils.decode_dss_signature(self._private.sign(
            signed.encode(), ec.ECDSA(hashes.SHA256())))
        signature = to_text(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))
        return f'vapid t={signed}.{signature}, k={self.public}'


def public_bytes(private: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the public key: a point without compression."""
    return private.public_key().public_bytes(
        serialization.Encoding.X962,
        serialization.PublicFormat.UncompressedPoint)


def load_public(public: bytes) -> ec.EllipticCurvePublicKey:
    """Return a public key.  Raises BadKey if it is no point of the curve."""
    if len(public) != 65:
        raise BadKey(f'expected a key of 65 bytes, got {len(public)}')
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public)
    except ValueError as error:
        raise BadKey('expected a point of the curve P-256') from error


def to_text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b'=').decode()


def from_text(text: str) -> bytes:
    """Return the bytes of base64url, with or without padding."""
    bare = text.rstrip('=')
    try:
        data = urlsafe_b64decode(bare + '=' * (-len(bare) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadKey('expected a key in base64url') from error
    if to_text(data) != bare:  # Python skips what isn't in the alphabet.
        raise BadKey('expected a key in base64url')
    return data
