"""Finds the line of a build log that says why the build failed, and which kind of failure it is; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pulumi_dokploy_deployments.api.one_line import one_line

READ_LINES = 200
"""So many of a log's last lines are worth reading: BuildKit repeats a step's output and the Dockerfile at the end."""
_LAST_LINES = 60
"""A cause other than a failed command stands near the end; the same words further up may be a step that went well."""
_MAX_LINE = 2000
_MAX_COMMAND = 120
_MAX_DETAIL = 200


class FailureKind(StrEnum):
    """What made a build fail, as far as its log tells."""

    COMMAND = "command"
    """A command of the build exited with a code other than 0."""
    OUT_OF_MEMORY = "out of memory"
    DISK_FULL = "disk full"
    IMAGE_MISSING = "image missing"
    REGISTRY_ACCESS = "registry access"
    REGISTRY_LIMIT = "registry limit"
    BRANCH_MISSING = "branch missing"
    REPOSITORY_MISSING = "repository missing"
    GIT_ACCESS = "git access"
    GIT = "git"
    """Another error of git."""
    NETWORK = "network"
    """An address could not be reached from the server."""
    COMPOSE_FILE = "compose file"
    DOCKERFILE = "Dockerfile"
    """The Dockerfile is missing or is not valid."""
    FILE_MISSING = "file missing"
    """A file that the Dockerfile copies is not there."""
    NO_BUILD_PLAN = "no build plan"
    """Nixpacks, Railpack or the buildpacks do not recognise the application."""
    PORT_TAKEN = "port taken"
    OTHER = "other"


@dataclass(frozen=True)
class Telling:
    """Why a build failed.

    Attributes:
        kind: which kind of failure it is.
        text: the cause as a clause for a message, without a full stop.
    """

    kind: FailureKind
    text: str


def telling_line(log: Sequence[str]) -> Telling | None:
    """The cause that the end of a build log shows; None where no line tells.

    Args:
        log: the log's last lines, without terminal colours.
    """
    lines = [line[:_MAX_LINE].rstrip() for line in log[-READ_LINES:]]
    found = _failed_command(lines) or _buildpack(lines) or _known_cause(lines[-_LAST_LINES:])
    return found or _generic(lines[-_LAST_LINES:])


# Dokploy's own closing lines name no cause (recordings 36, 155, 172, 299).
_DOKPLOYS_OWN = re.compile(r"❌|check the logs for details")


# --- a command that failed ----------------------------------------------------------------------------------------

_COMMANDS = (
    # BuildKit: `#12 ERROR: process "/bin/sh -c npm run build" did not complete successfully: exit code: 1`.
    re.compile(r'process "(?P<command>.*)" did not complete successfully: (?:exit code: (?P<code>\d+)|(?P<how>.*))'),
    # BuildKit of older releases (recording 581).
    re.compile(r"executor failed running \[(?P<command>.*)\]: (?:exit code: (?P<code>\d+)|(?P<how>.*))"),
    # The legacy builder (recording 36).
    re.compile(r"The command '(?P<command>.*)' returned a non-zero code: (?P<code>\d+)"),
)
_SHELL = re.compile(r"^(?:/\S*/)?(?:busybox )?(?:ba|a)?sh (?:-\w+ )*(?:pipefail )?(?:-\w+ )*")
_TIMED = re.compile(r"^(?:#(?P<step>\d+) )?\d+\.\d+ (?P<text>.*)$")
_STEP = re.compile(r"^#(?P<step>\d+) ERROR: ")
_SUMMARY = re.compile(r"^ > (?:\[|\S+ \[)")
_LEGACY_OUTPUT_BEGINS = re.compile(r"^\s*---> Running in ")


def _failed_command(lines: Sequence[str]) -> Telling | None:
    for index in range(len(lines) - 1, -1, -1):
        found = next((match for pattern in _COMMANDS if (match := pattern.search(lines[index]))), None)
        if found is None:
            continue
        output = _output_before(lines, index)
        command = _cut(_SHELL.sub("", one_line(found["command"])) or found["command"], _MAX_COMMAND)
        groups = found.groupdict()
        code, how = groups.get("code"), one_line(groups.get("how"))
        ended = f"exited with code {code}" if code is not None else f"failed ({how})" if how else "failed"
        return _of_command(f'"{command}" {ended}', code, output)
    return None


def _of_command(text: str, code: str | None, output: Sequence[str]) -> Telling:
    detail = _detail(output)
    kind = FailureKind.COMMAND
    if any(_DISK_FULL.search(line) for line in output):
        kind = FailureKind.DISK_FULL
    elif code == "137" or any(_OUT_OF_MEMORY.search(line) for line in output):
        kind = FailureKind.OUT_OF_MEMORY
    if not detail and code == "137":
        detail = "it was killed, usually for lack of memory"
    return Telling(kind, f"{text}: {detail}" if detail else text)


def _output_before(lines: Sequence[str], index: int) -> list[str]:
    """What the failed command wrote: BuildKit's lines have a time, the legacy builder's stand just before."""
    summary = _summary_block(lines, index)
    if summary:
        return summary
    step = _STEP.match(lines[index])
    timed = [match for line in lines[:index] if (match := _TIMED.match(line))]
    wanted = step["step"] if step else timed[-1]["step"] if timed else None
    of_step = [match["text"] for match in timed if match["step"] == wanted]
    if of_step:
        return of_step
    plain: list[str] = []
    for line in reversed(lines[:index]):
        if _LEGACY_OUTPUT_BEGINS.match(line):
            break
        plain.append(line)
    return plain[::-1]


def _summary_block(lines: Sequence[str], index: int) -> list[str]:
    """BuildKit's repetition of the step's last output: ` > [5/6] RUN npm run build:` and timed lines."""
    head = next((at for at in reversed(range(index)) if _SUMMARY.match(lines[at])), None)
    if head is None:
        return []
    block: list[str] = []
    for line in lines[head + 1 : index]:
        timed = _TIMED.match(line)
        if timed is None:
            break
        block.append(timed["text"])
    return block


# What a tool writes before the reason itself; npm's `code`, `path` and pointers to a log are no reasons.
_REASON = re.compile(
    r"^\s*(?:npm (?:ERR!|error) (?!code |errno |path |command |syscall |signal |cwd |A complete log|\s*$)|"
    r"error\b|Error: |ERROR\b|fatal\b|FATAL\b|panic: |\[ERROR\]|\[Error: |E: |\w*(?:Error|Exception): |"
    r"[^\s:]+(?::\d+)+:? (?:\S+ )?error\b|\S+\(\d+,\d+\): error\b|.{0,80}\b(?:command )?not found$)"
)
_NOISE = re.compile(
    r"^\s*(?:npm (?:ERR!|error|notice|warn)|npm (?:ERR!|error) A complete log.*|-+|=+|\^+|\}|\)|\])?\s*$"
)
_NPM_LOG = re.compile(r"A complete log of this run can be found in")


def _detail(output: Sequence[str]) -> str:
    """The line of a command's output that gives the reason: the first that looks like one, else the last."""
    said = [line for line in output if not _NOISE.match(line) and not _NPM_LOG.search(line)]
    reason = next((line for line in said if _REASON.match(line)), said[-1] if said else "")
    return _cut(one_line(reason), _MAX_DETAIL)


# --- buildpacks ---------------------------------------------------------------------------------------------------

_PHASE = re.compile(r"^(?:\[(?:analyzer|detector|restorer|builder|exporter)\] ?)")
_LIFECYCLE = re.compile(r"(?:executing lifecycle.*|\blifecycle\b.*)failed with status code: (?P<code>\d+)")
_NO_GROUP = re.compile(r"No buildpack groups passed detection")
_BUILDER_FAILED = re.compile(r"^ERROR: failed to (?:build|launch|export|detect)\b")
_BUILDING = re.compile(r"^===> BUILDING")
_NO_PLAN = re.compile(
    r"unable to generate a build plan|could not determine how to build|No default language could be detected|"
    r"Application not supported by|No start command (?:could be|was) found"
)


def _buildpack(lines: Sequence[str]) -> Telling | None:
    """Builders that look for themselves how an application is built: `pack` (Heroku, Paketo), Nixpacks, Railpack."""
    last = next((match for line in reversed(lines) if (match := _LIFECYCLE.search(line))), None)
    if any(_NO_GROUP.search(line) for line in lines):
        return Telling(FailureKind.NO_BUILD_PLAN, "no buildpack recognises the application")
    # Railpack lists the whole directory below its reason.
    no_plan = next((line for line in reversed(lines) if _NO_PLAN.search(line)), None)
    if no_plan is not None:
        return Telling(FailureKind.NO_BUILD_PLAN, _clause(_PHASE.sub("", no_plan).lstrip(" !")))
    if last is None:
        return None
    # Newer releases of pack write the phases as headings, older ones before each line.
    begins = next((at + 1 for at in reversed(range(len(lines))) if _BUILDING.match(lines[at])), 0)
    prefixed = [line for line in lines if _PHASE.match(line)]
    said = [_PHASE.sub("", line).lstrip(" !").strip() for line in prefixed or lines[begins:]]
    said = [line for line in said if line and not _BUILDER_FAILED.match(line) and not _DOKPLOYS_OWN.search(line)]
    return _of_command(f"the buildpacks' build failed with status {last['code']}", None, said)


# --- causes with words of their own -------------------------------------------------------------------------------

_DISK_FULL = re.compile(r"no space left on device|\bENOSPC\b")
_OUT_OF_MEMORY = re.compile(
    r"JavaScript heap out of memory|cannot allocate memory|signal: killed|exit code: 137|\bOOMKilled\b", re.IGNORECASE
)
_CAUSES: tuple[tuple[FailureKind, re.Pattern[str]], ...] = (
    (FailureKind.DISK_FULL, _DISK_FULL),
    (FailureKind.OUT_OF_MEMORY, _OUT_OF_MEMORY),
    (FailureKind.BRANCH_MISSING, re.compile(r"Remote branch .{1,200} not found in upstream|couldn't find remote ref")),
    (
        FailureKind.GIT_ACCESS,
        re.compile(
            r"Authentication failed for|could not read (?:Username|Password)|Permission denied \(publickey|"
            r"Host key verification failed|Invalid username or (?:password|token)|HTTP Basic: Access denied|"
            r"Support for password authentication was removed|Could not read from remote repository"
        ),
    ),
    (
        FailureKind.REPOSITORY_MISSING,
        re.compile(
            r"fatal: repository .{1,400} not found|Repository not found|does not appear to be a git repository|"
            r"The project you were looking for could not be found"
        ),
    ),
    (FailureKind.REGISTRY_LIMIT, re.compile(r"toomanyrequests|pull rate limit")),
    (
        FailureKind.REGISTRY_ACCESS,
        re.compile(
            r"pull access denied|requested access to the resource is denied|unauthorized: |no basic auth credentials|"
            r"insufficient_scope|error from registry: denied|failed to authorize"
        ),
    ),
    (
        FailureKind.IMAGE_MISSING,
        re.compile(
            r"manifest unknown|manifest for .{1,400} not found|no such manifest|repository name not known to registry|"
            r"failed to solve: [^\s\"]{1,400}: not found|"
            r"failed to resolve (?:source metadata|reference) .{1,900}: not found|No such image: |"
            r"no matching manifest for"
        ),
    ),
    (
        FailureKind.NETWORK,
        re.compile(
            r"dial tcp|no such host|i/o timeout|TLS handshake timeout|Could not resolve host|connection refused|"
            r"Temporary failure in name resolution|Failed to connect to |net/http: request canceled|x509: "
        ),
    ),
    (
        FailureKind.DOCKERFILE,
        re.compile(
            r"failed to read dockerfile|unable to evaluate symlinks in Dockerfile path|[Dd]ockerfile parse error|"
            r"dockerfile.{0,40}: (?:no such file|unknown instruction)|unable to prepare context|"
            r"Cannot locate specified Dockerfile"
        ),
    ),
    (
        FailureKind.FILE_MISSING,
        re.compile(r"failed to (?:calculate checksum|compute cache key).{0,900}not found|(?:COPY|ADD) failed: "),
    ),
    (
        FailureKind.COMPOSE_FILE,
        re.compile(
            r"^(?:ERROR: |Error: )?(?:yaml: |validating .{1,400}: |services\.\S+ |"
            r"service \"[^\"]{1,200}\" (?:refers|depends|has neither)|\(root\) |The Compose file .{1,400} is invalid)|"
            r"no configuration file provided|"
            r"invalid interpolation format|required variable .{1,200} is missing|env file .{1,400} not found|"
            r"Additional property .{1,200} is not allowed|top-level object must be a mapping|"
            r"undefined (?:network|volume|secret|config) |docker-compose\S*\.ya?ml: no such file|"
            r"mapping values are not allowed|Unsupported config option"
        ),
    ),
    (
        FailureKind.PORT_TAKEN,
        re.compile(r"port is already allocated|address already in use|port '?\d+'? is already in use"),
    ),
)
_PREFIX = re.compile(
    r"^(?:#\d+ )?(?:\d+\.\d+ )?"
    r"(?:(?:ERROR|Error|error|fatal|remote): |Error response from daemon: |✖ |failed to build: |failed to solve: )*"
)
_GIT = re.compile(r"^fatal: ")


def _known_cause(lines: Sequence[str]) -> Telling | None:
    """The last line with the words of a known cause; the order of the causes decides between those of one line."""
    for line in reversed(lines):
        kind = next((kind for kind, pattern in _CAUSES if pattern.search(line)), None)
        if kind is FailureKind.GIT_ACCESS and "Could not read from remote" in line:
            kind = _why_remote_unreadable(lines)
        if kind is not None and (text := _clause(line)):
            return Telling(kind, text)
    git = next((line for line in reversed(lines) if _GIT.match(line)), None)
    return Telling(FailureKind.GIT, _clause(git) or "git failed") if git is not None else None


def _why_remote_unreadable(lines: Sequence[str]) -> FailureKind | None:
    """`fatal: Could not read from remote repository.` follows the reason, which leads where it is there."""
    if any(
        pattern.search(line) for _, pattern in _CAUSES for line in lines if not line.startswith("fatal: Could not read")
    ):
        return None
    return FailureKind.GIT_ACCESS


def _clause(line: str) -> str:
    """A line as a clause: without the markers before it."""
    text = one_line(line)
    return _cut(_PREFIX.sub("", text) or text, _MAX_DETAIL)


# --- everything else ----------------------------------------------------------------------------------------------

_ERROR_LINE = re.compile(
    r"^(?:#\d+ )?(?:ERROR: |Error: |error: |Error response from daemon: |failed to |panic: |E: |"
    r"\S*(?:Error|Exception): |npm (?:ERR!|error) (?!code |errno |A complete log))"
)


def _generic(lines: Sequence[str]) -> Telling | None:
    said = [line for line in lines if not _DOKPLOYS_OWN.search(line)]
    line = next((line for line in reversed(said) if _ERROR_LINE.match(line)), None)
    text = _clause(line) if line is not None else ""
    return Telling(FailureKind.OTHER, text) if text else None


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
