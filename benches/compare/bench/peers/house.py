"""What a peer answers where guichet answers by itself: the same members, about the same length.

`request_id` is the peer's own expression for the id that it gave to the request.
"""

from __future__ import annotations

MESSAGES = {
    404: ("InvalidResource", "Cette ressource n’existe pas.", ""),
    426: (
        "NonSecureConnection",
        "Cette adresse n’est servie qu’en HTTPS. Votre requête n’a pas été exécutée.",
        "",
    ),
    429: (
        "TooManyRequests",
        "Vous avez envoyé trop de requêtes. Réessayez dans 1 jour.",
        ',"retryable":true,"retry_after":86400',
    ),
    503: (
        "ServiceUnavailable",
        "Le service est momentanément indisponible. Réessayez dans 5 secondes.",
        ',"retryable":true,"retry_after":5',
    ),
}

RETRY_AFTER = {429: "86400", 503: "5"}


def body(status: int, request_id: str) -> str:
    """A house JSON body."""
    name, message, more = MESSAGES[status]
    return f'{{"code":"fr.ammy{name}","message":"{message}","status":{status},"request_id":"{request_id}"{more}}}'


def headers(status: int) -> dict[str, str]:
    """The fields beside it; content type, length and request id are each peer's own affair."""
    fields = {
        "Content-Language": "fr",
        "Vary": "accept, accept-language",
        "Cache-Control": "no-store",
        "Error-Code": f"fr.ammy{MESSAGES[status][0]}",
    }
    if status in RETRY_AFTER:
        fields["Retry-After"] = RETRY_AFTER[status]
    return fields
