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


def _response(body: bytes, status: int, content_type: str | None, headers: dict[str, str]) -> Response:
    response = Response(body, status)
    if content_type is None:
        if "content-type" in response.headers:
            del response.headers["content-type"]
    else:
        response.headers["content-type"] = content_type
    response.headers.update(SECURITY | headers)
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
    """Return an error in the shape of /api/trpc."""
    envelope = error.body(path)
    body = {"error": {"json": {"message": error.message, "code": -32600, "data": envelope["data"]}}}
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
    return _response(b"Invalid JSON", 400, None, {})


def moved(location: str, status: int = 308) -> Response:
    """Return a redirect, for trailing and double slashes or as a fault."""
    return _response(location.encode(), status, None, {"Location": location, "Refresh": f"0;url={location}"})


def proxy_error(status: int) -> Response:
    """Return an error page as a reverse proxy in front of the server writes it."""
    names = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
    name = names.get(status, "Error")
    text = f"<html><head><title>{status} {name}</title></head><body><h1>{status} {name}</h1></body></html>"
    return _response(text.encode(), status, "text/html", {})


def garbage() -> Response:
    """Return a login page with status 200, as a misplaced proxy does."""
    return _response(b"<!DOCTYPE html><html><body>Sign in</body></html>", 200, "text/html", {})
