"""Ready-made answers that are not Dokploy's: what proxies, login pages and broken connections put in their place."""

from .templates import Json

LOGIN = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Sign in to continue</form></body></html>"


def _page(status: int, name: str) -> Json:
    title = f"{status} {name}"
    body = f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center></body></html>"
    return {"kind": "answer", "status": status, "content_type": "text/html", "body": body}


def _json(body: str, status: int = 200) -> Json:
    return {"kind": "answer", "status": status, "content_type": "application/json", "body": body}


ODD_ANSWERS: dict[str, Json] = {
    "login page": {"kind": "answer", "status": 200, "content_type": "text/html; charset=utf-8", "body": LOGIN},
    "redirect to login": {
        "kind": "answer",
        "status": 302,
        "headers": {"Location": "https://login.example.com/?rd=dokploy"},
        "body": '<a href="https://login.example.com/?rd=dokploy">Found</a>.',
    },
    "401 page": _page(401, "Authorization Required"),
    "403 page": _page(403, "Forbidden"),
    "404 page": _page(404, "Not Found"),
    "404 text": {"kind": "answer", "status": 404, "content_type": "text/plain", "body": "404 page not found\n"},
    "429 page": _page(429, "Too Many Requests") | {"headers": {"Retry-After": "5"}},
    "500 page": _page(500, "Internal Server Error"),
    "502 page": _page(502, "Bad Gateway"),
    "503 page": _page(503, "Service Unavailable") | {"headers": {"Retry-After": "5"}},
    "504 page": _page(504, "Gateway Time-out"),
    "malformed": _json('{"deployments": [}'),
    "empty": _json(""),
    "null": _json("null"),
    "another type": _json('{"success": true}'),
    "truncated": {"kind": "truncated"},
    "cut off": {"kind": "cut_off"},
    "wrong encoding": {"kind": "wrong_encoding"},
    "gzip bomb": {"kind": "gzip_bomb"},
    "drip": {"kind": "drip", "seconds": 1.0},
}
"""Arguments of a fault by the name that a person would give the answer."""
