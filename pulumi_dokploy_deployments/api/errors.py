"""What can go wrong between this package and the server, one class for each thing a caller can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from pulumi_dokploy_deployments.api.text import PLAIN, Text, Vocabulary, spell


class Step(StrEnum):
    """What kind of thing the person does next."""

    NONE = "none"
    RUN_AGAIN = "run_again"
    FIX_AND_RUN_AGAIN = "fix_and_run_again"
    WAIT = "wait"
    LOOK_AT_SERVICE = "look_at_service"
    CHANGE_INPUT = "change_input"
    CHECK_ADDRESS = "check_address"
    SET_KEY = "set_key"
    CONFIGURE = "configure"
    GRANT_ACCESS = "grant_access"
    LOOK_IN_FRONT = "look_in_front"
    """At the proxy, firewall or login page in front of the server."""
    CHANGE_SERVER = "change_server"
    """A setting of the service or of Dokploy, or Dokploy's version."""
    UPDATE_PACKAGE = "update_package"


class DokployError(Exception):
    """Root of every expected failure of this package.

    `str(error)` is one plain paragraph for the person at the terminal; it never contains a credential. A host that
    has other names for inputs and commands calls `told(vocabulary)` instead.

    Attributes:
        message: what failed, where and why.
        next_step: what to do about it, as a text.
        step: what to do about it, as a kind.
        property_name: the input that is at fault, by its name in the core; None where none is.
    """

    def __init__(
        self,
        message: Text,
        *,
        next_step: Text = "",
        step: Step = Step.NONE,
        property_name: str | None = None,
    ) -> None:
        self.text = message
        self.next_step_text = next_step
        self.step = step
        self.property_name = property_name
        super().__init__(spell(message))

    @property
    def message(self) -> str:
        """What failed, where and why, in Python's names."""
        return spell(self.text)

    @property
    def next_step(self) -> str:
        """What to do about it, in Python's names; empty where nothing can be said."""
        return spell(self.next_step_text)

    def told(self, vocabulary: Vocabulary) -> str:
        """The whole paragraph as a host spells it."""
        return f"{spell(self.text, vocabulary)} {spell(self.next_step_text, vocabulary)}".strip()

    def __str__(self) -> str:
        return self.told(PLAIN)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), dict(self.__dict__)))


def _rebuild(cls: type[DokployError], state: dict[str, object]) -> DokployError:
    error = cls.__new__(cls)
    error.__dict__.update(state)
    Exception.__init__(error, error.message)
    return error


class ConfigurationError(DokployError):
    """The address, the key or the extra headers are missing or can't be used."""


class TooOld(DokployError):
    """The server's version is below the oldest one that this package can work with; nothing was sent."""


class ApiError(DokployError):
    """A request to the server did not succeed.

    Attributes:
        operation: the endpoint, `application.deploy` for instance.
        server: the address of the server, without credentials.
        status: the HTTP status, None where no answer came.
        code: Dokploy's own code for the failure, `NOT_FOUND` for instance; None where Dokploy did not give one.
        has_worked: whether address and key had worked before, so that a key is not wrong and a page not the server.
        may_have_been_carried_out: whether the server may have acted on the request all the same.
    """

    may_have_been_carried_out: ClassVar[bool] = False
    _is_transient: ClassVar[bool] = False

    def __init__(
        self,
        message: Text,
        *,
        operation: str,
        server: str,
        status: int | None = None,
        code: str | None = None,
        has_worked: bool = False,
        next_step: Text = "",
        step: Step = Step.NONE,
        property_name: str | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step, step=step, property_name=property_name)
        self.operation = operation
        self.server = server
        self.status = status
        self.code = code
        self.has_worked = has_worked

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self._is_transient


class Trouble(StrEnum):
    """Why no connection came about, or why it ended."""

    REFUSED = "refused"
    """Nothing listens there."""
    UNKNOWN_NAME = "unknown name"
    """The host's name does not resolve."""
    NO_ANSWER = "no answer"
    """No connection within the time."""
    UNREACHABLE = "unreachable"
    """No route, or a proxy of this machine's own that does not let it through."""
    UNTRUSTED = "untrusted"
    """The certificate is signed by nobody that this machine knows."""
    EXPIRED = "expired"
    """The certificate is no longer, or not yet, valid."""
    OTHER_NAME = "other name"
    """The certificate is for another host."""
    NO_TLS = "no TLS"
    """What listens there does not speak TLS."""
    TLS = "TLS"
    """Anything else that went wrong while the connection was secured."""
    SLOW = "slow"
    """Connected, and no whole answer within the time."""
    CLOSED = "closed"
    """Connected, and closed before the answer was complete."""
    NOT_HTTP = "not HTTP"
    """What came back is not HTTP."""
    OTHER = "other"


class ConnectionFailed(ApiError):
    """No connection could be made: nothing has been sent.

    Attributes:
        trouble: what went wrong with the connection.
    """

    _is_transient = True

    def __init__(
        self,
        message: Text,
        *,
        operation: str,
        server: str,
        trouble: Trouble = Trouble.OTHER,
        has_worked: bool = False,
        next_step: Text = "",
        step: Step = Step.CHECK_ADDRESS,
    ) -> None:
        super().__init__(
            message, operation=operation, server=server, has_worked=has_worked, next_step=next_step, step=step
        )
        self.trouble = trouble


class AnswerLost(ConnectionFailed):
    """The connection broke after the request had been sent: the server may have carried it out."""

    may_have_been_carried_out = True


class RequestTimeout(AnswerLost):
    """No answer came in time: the server may have carried the request out."""


class Unauthorized(ApiError):
    """Dokploy's 401 without a code. It gives the same answer for a wrong key, for a key whose rate limit is used up
    (transcripts 1200-1213) and while its own database is down (transcripts 190-193). Transient once the key has
    worked: it is not wrong then."""

    @property
    def is_transient(self) -> bool:
        """Whether the key had worked before."""
        return self.has_worked


class AccessDenied(ApiError):
    """401 with a code: the key is valid, its user may not do this (transcripts 102-108). Dokploy never says 403."""


class NotFound(ApiError):
    """404 with a code: Dokploy has no such deployment, service or server."""


class MissingEndpoint(ApiError):
    """404 with exactly "Not found": this version of Dokploy has no such endpoint (transcripts 62, 621, 622, 629).

    It says nothing about the thing that was asked for, so it is no `NotFound`.
    """


class InvalidRequest(ApiError):
    """400 with a code: the server refused the request.

    Attributes:
        fields: what the server says of each field, by the field's path.
    """

    def __init__(
        self,
        message: Text,
        *,
        operation: str,
        server: str,
        status: int | None = 400,
        code: str | None = None,
        has_worked: bool = False,
        fields: Mapping[str, str] | None = None,
        next_step: Text = "",
        step: Step = Step.NONE,
        property_name: str | None = None,
    ) -> None:
        super().__init__(
            message,
            operation=operation,
            server=server,
            status=status,
            code=code,
            has_worked=has_worked,
            next_step=next_step,
            step=step,
            property_name=property_name,
        )
        self.fields = dict(fields or {})


class ServerError(ApiError):
    """5xx: the server, or something in front of it, failed; it may have carried the request out.

    `code` tells whether Dokploy itself says so.
    """

    may_have_been_carried_out = True
    _is_transient = True


class RateLimited(ApiError):
    """429: never seen from Dokploy itself, but proxies send it.

    Attributes:
        retry_after_seconds: what the proxy asks to wait for, None where it does not say.
    """

    _is_transient = True

    def __init__(
        self,
        message: Text,
        *,
        operation: str,
        server: str,
        retry_after_seconds: float | None = None,
        code: str | None = None,
        has_worked: bool = False,
        next_step: Text = "",
        step: Step = Step.WAIT,
    ) -> None:
        super().__init__(
            message,
            operation=operation,
            server=server,
            status=429,
            code=code,
            has_worked=has_worked,
            next_step=next_step,
            step=step,
        )
        self.retry_after_seconds = retry_after_seconds


class SomethingInFront(ApiError):
    """Not Dokploy answered but something in front of it: a login page, a firewall, a proxy, a redirect to elsewhere,
    or an answer that was broken on the way. It says nothing about the service or the key.
    """

    may_have_been_carried_out = True
    _is_transient = True


class AnswerTooLarge(SomethingInFront):
    """The answer is longer than any of Dokploy's is; the rest of it was not read."""


class UnexpectedAnswer(ApiError):
    """JSON in a shape that this version does not know: a newer server, or one odd answer."""

    may_have_been_carried_out = True
    _is_transient = True


class LogStreamFailure(StrEnum):
    """Why there is no live log, or no more of it."""

    NO_CONNECTION = "no connection"
    """Nothing listens there, the name does not resolve, the certificate is bad, or no answer came in time."""
    UPGRADE_REFUSED = "upgrade refused"
    """Something answered, but not with a WebSocket: a proxy that does not pass upgrades on, for instance."""
    KEY_REFUSED = "key refused"
    """Closed at once without a code or a word: what Dokploy does for a wrong key (transcripts 306, 307)."""
    PATH_REFUSED = "path refused"
    """Closed with 4000: no path was given, or one that is not a log (transcripts 308, 309)."""
    LOG_MISSING = "log missing"
    """The log's file is gone (transcript 310)."""
    NOT_OFFERED = "not offered"
    """The server says in words that it can't: the cloud version, an unknown remote server, no SSH to it."""
    BROKEN = "broken"
    """The connection broke, or the server closed it with an error."""


class LogStreamUnavailable(ApiError):
    """There is no live log, or no more of it. The log's end is still to be had from `deployment.readLogs`.

    Attributes:
        failure: which of the ways it failed.
    """

    def __init__(
        self,
        message: Text,
        *,
        failure: LogStreamFailure,
        operation: str,
        server: str,
        status: int | None = None,
        next_step: Text = "",
        step: Step = Step.NONE,
    ) -> None:
        super().__init__(message, operation=operation, server=server, status=status, next_step=next_step, step=step)
        self.failure = failure
