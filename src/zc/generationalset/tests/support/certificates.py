"""Contexts for TLS between two sides that know each other's certificates."""

import ssl

from zc.generationalset.tests.support.places import DATA

SERVER, CLIENT = DATA / 'server.pem', DATA / 'client.pem'


def contexts():
    """Return those of a server, a client, and one without a certificate.

    The client checks that the server's certificate has the name ``server``.
    """
    for_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for_server.load_cert_chain(SERVER)
    for_server.load_verify_locations(CLIENT)
    for_server.verify_mode = ssl.CERT_REQUIRED
    for_client, without = (
        ssl.create_default_context(cafile=SERVER) for _ in range(2))
    for_client.load_cert_chain(CLIENT)
    return for_server, for_client, without
