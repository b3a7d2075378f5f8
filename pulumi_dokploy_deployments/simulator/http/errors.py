"""Error answers in the two shapes of a real server: tRPC's envelope and Next's bare message."""

from dataclasses import dataclass, field

from pulumi_dokploy_deployments.simulator.world.templates import Json

STATUS = {
    "BAD_REQUEST": 400,
    "UNAUTHORIZED": 401,
    "NOT_FOUND": 404,
    "METHOD_NOT_SUPPORTED": 405,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "INTERNAL_SERVER_ERROR": 500,
}


@dataclass
class ApiError(Exception):
    """A refusal of a procedure: `code` names it, `issues` are zod's findings about the input."""

    code: str
    message: str
    issues: list[Json] = field(default_factory=list)

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return STATUS[self.code]

    def body(self, path: str | None) -> Json:
        """Return the envelope; unknown paths carry no `path` (transcripts 62, 66, 74)."""
        zod: Json | None = None
        if self.issues:
            fields: dict[str, list[str]] = {}
            for issue in self.issues:
                fields.setdefault(str(issue["path"][0]), []).append(str(issue["message"]))
            zod = {"formErrors": [], "fieldErrors": fields}
        data: Json = {"code": self.code, "httpStatus": self.status}
        if path is not None:
            data["path"] = path
        data["zodError"] = zod
        body: Json = {"message": self.message, "code": self.code, "data": data}
        if self.issues:
            body["issues"] = self.issues
        return body


class FailedQuery(ApiError):
    """The database refused a query; the message repeats the query and its parameters (transcript 411)."""

    def __init__(self, parameters: str, query: str = "select …") -> None:
        """Keep the message as the server sends it."""
        super().__init__("INTERNAL_SERVER_ERROR", f"Failed query: {query}\nparams: {parameters}")


def not_found(what: str) -> ApiError:
    """Return "<what> not found"."""
    return ApiError("NOT_FOUND", f"{what} not found")


def no_access() -> ApiError:
    """Return what a member without access to a service gets: 401, never 403 (transcript 102)."""
    return ApiError("UNAUTHORIZED", "You don't have access to this service")


@dataclass
class BrokenConnection(Exception):
    """The connection ends without an answer; `kind` is refuse, drop_request, lose_answer or cut_off."""

    kind: str
