"""The proxies, guichet first: ratios are its figures divided by theirs."""

from .caddy import Caddy
from .envoy import Envoy
from .guichet import Guichet
from .haproxy import Haproxy
from .nginx import Nginx
from .pingora import Pingora
from .relay import Relay
from .sozu import Sozu

PEERS = (Guichet(), Nginx(), Haproxy(), Envoy(), Caddy(), Pingora(), Sozu(), Relay())
