"""Builds the HTTP answers with the headers of the real server."""

import json

from starlette.responses import Response

from pulumi_dokploy_deployments.simulator.http.errors import ApiError
from pulumi_dokploy_deployments.simulator.http.procedure import Void
from pulumi_dokploy_deployments.simulator.world.templates import Json

SECURITY = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Vary": "Accept-Encoding",
}
TRPC = {"Vary": "trpc-accept, Accept-Encoding"}


CODES = {
    "BAD_REQUEST": -32600,
    "UNAUTHORIZED": -32001,
    "NOT_FOUND": -32004,
    "METHOD_NOT_SUPPORTED": -32005,
    "UNSUPPORTED_MEDIA_TYPE": -32015,
    "INTERNAL_SERVER_ERROR": -32603,
}
"""tRPC's numbers for its error codes (transcripts 415, 416)."""


def _response(body: bytes, status: int, content_type: str | None, headers: dict[str, str]) -> Response:
    response = _bare(body, status, content_type)
    response.headers.update(SECURITY | headers)
    return response


def _bare(body: bytes, status: int, content_type: str | None = None) -> Response:
    response = Response(body, status)
    if content_type is None:
        if "content-type" in response.headers:
            del response.headers["content-type"]
    else:
        response.headers["content-type"] = content_type
    return response


def _text(text: str, status: int) -> Response:
    response = _response(text.encode(), status, None, {})
    del response.headers["vary"]
    return response


def encode(value: object) -> bytes:
    """Return JSON as JavaScript writes it: compact, unicode kept."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def procedure(value: object) -> Response:
    """Return a procedure's result: bare JSON, or nothing at all (transcript 30)."""
    body = b"" if isinstance(value, Void) else encode(value)
    return _response(body, 200, "application/json", {})


def refusal(error: ApiError, path: str | None) -> Response:
    """Return a procedure's error envelope (transcripts 62-81)."""
    return _response(encode(error.body(path)), error.status, "application/json", {})


def trpc(value: object) -> Response:
    """Return a result in the shape of /api/trpc (transcripts 93, 113)."""
    if isinstance(value, Void):
        data: Json = {"json": None, "meta": {"values": ["undefined"], "v": 1}}
    else:
        data = {"json": value}
    return _response(encode({"result": {"data": data}}), 200, "application/json", TRPC)


def trpc_refusal(error: ApiError, path: str | None) -> Response:
    """Return an error in the shape of /api/trpc, whose message holds zod's findings (transcripts 415, 416)."""
    envelope = error.body(path)
    message = json.dumps(error.issues, indent=2, ensure_ascii=False) if error.issues else error.message
    body = {"error": {"json": {"message": message, "code": CODES[error.code], "data": envelope["data"]}}}
    return _response(encode(body), error.status, "application/json", TRPC)


def page(value: Json, status: int = 200) -> Response:
    """Return what Next's own handlers write: charset, ETag (transcripts 60, 92, 202)."""
    body = encode(value)
    etag = f'"{sum(body) * len(body):x}"'
    return _response(body, status, "application/json; charset=utf-8", {"ETag": etag})


def unauthorized() -> Response:
    """Return the one 401 for wrong, exhausted and unverifiable keys (transcripts 60, 1205, 190)."""
    return page({"message": "Unauthorized"}, 401)


def head() -> Response:
    """Return the answer to HEAD (transcript 89)."""
    return _response(b"", 204, "application/json", {})


def invalid_json() -> Response:
    """Return the plain text for a body that is no JSON (transcript 77)."""
    return _text("Invalid JSON", 400)


def too_large() -> Response:
    """Return the plain text for a body of more than a mebibyte (transcript 412)."""
    return _text("Body exceeded 1mb limit", 413)


def no_page() -> Response:
    """Return the page for a path that is not the API's (measured; its real text is longer)."""
    text = b"<!DOCTYPE html><html><head><title>Dokploy</title></head><body>404</body></html>"
    headers = {"Cache-Control": "private, no-cache, no-store, max-age=0, must-revalidate", "X-Powered-By": "Next.js"}
    return _response(text, 404, "text/html; charset=utf-8", headers)


def moved(location: str, status: int = 308) -> Response:
    """Return a redirect, for trailing and double slashes or as a fault: no security headers (transcript 417)."""
    response = _bare(location.encode(), status)
    response.headers.update({"Location": location, "Refresh": f"0;url={location}"})
    return response


def proxy_error(status: int) -> Response:
    """Return an error page as a reverse proxy in front of the server writes it."""
    names = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
    name = names.get(status, "Error")
    text = f"<html><head><title>{status} {name}</title></head><body><h1>{status} {name}</h1></body></html>"
    return _response(text.encode(), status, "text/html", {})


def garbage() -> Response:
    """Return a login page with status 200, as a misplaced proxy does."""
    return _response(b"<!DOCTYPE html><html><body>Sign in</body></html>", 200, "text/html", {})
