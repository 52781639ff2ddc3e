"""Browsers that subscribe, as far as Web Push goes.

They decrypt and verify with libraries that this package doesn't use.
"""

import json
import os
import time

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import jwt

from zc.generationalset.push import Keys
from zc.generationalset.push.keys import to_text


class Browser:
    """A browser that has subscribed.

    public
        The key of the application, with which it has subscribed.
    """

    def __init__(self, public):
        self._public = public
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)
        self.keys = Keys(
            to_text(self._private.public_key().public_bytes(
                serialization.Encoding.X962,
                serialization.PublicFormat.UncompressedPoint)),
            to_text(self._auth))

    def subscription(self, endpoint):
        """Return what a page gets as JSON when it subscribes."""
        return {'endpoint': endpoint, 'expirationTime': None,
                'keys': self.keys._asdict()}

    def read(self, origin, headers, body):
        """Return a message, after the checks of a push service."""
        assert headers['content-encoding'] == 'aes128gcm'
        assert 0 < int(headers['ttl']) <= 28 * 24 * 3600
        scheme, values = headers['authorization'].split(' ', 1)
        assert scheme == 'vapid'
        values = dict(each.strip().split('=', 1)
                      for each in values.split(','))
        assert values['k'] == self._public
        claims = jwt.decode(values['t'], values['k'])
        assert claims['aud'] == origin
        assert 0 < claims['exp'] - time.time() <= 24 * 3600
        assert claims['sub'].startswith('mailto:')
        return json.loads(http_ece.decrypt(
            body, private_key=self._private, auth_secret=self._auth))
