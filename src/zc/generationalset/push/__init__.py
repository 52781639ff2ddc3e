"""Push: tells servers and browsers that a served set has changed.

A pusher is a client of a server.  It follows a set as any client does, but
keeps only the position.  Subscribers are told where the set is now, and never
what is in it; they ask the server with what they have, as all clients do.
"""

from zc.generationalset.extras import need

need('push')

from zc.generationalset.push.addresses import Forbidden, check_url
from zc.generationalset.push.keys import VAPID, BadKey, Keys
from zc.generationalset.push.patience import Patience
from zc.generationalset.push.pusher import Pusher
from zc.generationalset.push.subscriptions import (
    Subscription,
    Subscriptions,
    TooMany,
)

__all__ = ['VAPID', 'BadKey', 'Forbidden', 'Keys', 'Patience', 'Pusher',
           'Subscription', 'Subscriptions', 'TooMany', 'check_url']
