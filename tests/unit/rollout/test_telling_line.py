"""A failed build is told with the line that says why, whatever built it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_dokploy_deployments.api.text import spell
from pulumi_dokploy_deployments.rollout.next_steps import NEXT_STEPS
from pulumi_dokploy_deployments.rollout.telling_line import READ_LINES, FailureKind, telling_line
from tests.support.builders import transcript

DOKPLOYS_END = "❌ Docker build failed\n\nError occurred ❌, check the logs for details.\n"

BUILDKIT = """\
#12 [5/6] RUN npm run build
#12 0.512 npm error Missing script: "build"
#12 0.512 npm error
#12 0.515 npm error A complete log of this run can be found in: /app/.npm/_logs/2026-11-25T08_00_00_000Z-debug-0.log
#12 ERROR: process "/bin/sh -c npm run build" did not complete successfully: exit code: 1
------
 > [5/6] RUN npm run build:
0.512 npm error Missing script: "build"
0.512 npm error
0.515 npm error A complete log of this run can be found in: /app/.npm/_logs/2026-11-25T08_00_00_000Z-debug-0.log
------
Dockerfile:9
--------------------
   7 |
   8 |     COPY . .
   9 | >>> RUN npm run build
  10 |
--------------------
ERROR: failed to solve: process "/bin/sh -c npm run build" did not complete successfully: exit code: 1
"""
# A build on a build server, recorded with BuildKit 0.11 (recording 581).
BUILDKIT_OLD = """\
#5 [2/2] RUN ["/bin/busybox","sh","-c","echo about to fail; exit 3"]
#5 0.163 about to fail
#5 ERROR: executor failed running [/bin/busybox sh -c echo about to fail; exit 3]: exit code: 3
------
 > [2/2] RUN ["/bin/busybox","sh","-c","echo about to fail; exit 3"]:
0.163 about to fail
------
ERROR: failed to build: failed to solve: executor failed running [/bin/busybox sh -c echo about to fail; exit 3]: \
exit code: 3
"""
LEGACY = """\
Step 4/5 : RUN pip install -r requirements.txt
 ---> Running in 3f2a7b1c9d10
Collecting nosuch==1
ERROR: Could not find a version that satisfies the requirement nosuch==1 (from versions: none)
ERROR: No matching distribution found for nosuch==1
The command '/bin/sh -c pip install -r requirements.txt' returned a non-zero code: 1
"""
NIXPACKS = """\
#10 [stage-0 8/10] RUN --mount=type=cache,id=x,target=/app/node_modules/cache npm run build
#10 1.301 src/app.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.
#10 ERROR: process "/bin/bash -ol pipefail -c npm run build" did not complete successfully: exit code: 2
------
 > [stage-0 8/10] RUN --mount=type=cache,id=x,target=/app/node_modules/cache npm run build:
1.301 src/app.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.
------
ERROR: failed to solve: process "/bin/bash -ol pipefail -c npm run build" did not complete successfully: exit code: 2
Error: Docker build failed
"""
RAILPACK = """\
#9 [build] npm run build
#9 0.701 Error: Cannot find module 'vite'
#9 ERROR: process "sh -c npm run build" did not complete successfully: exit code: 1
ERROR: failed to build: failed to solve: process "sh -c npm run build" did not complete successfully: exit code: 1
"""
RAILPACK_NO_PLAN = (
    "⚠ Script start.sh not found\n✖ Railpack could not determine how to build the app.\n\n"
    "The following languages are supported:\nPhp, Golang, Java\n\nThe app contents that Railpack analyzed contains:\n"
    "./\n" + "├── some-directory/\n" * 90
)
PACK_OLD = """\
[builder] -----> Building
[builder] npm error Missing script: "build"
[builder]  !     Build failed
[builder] ERROR: failed to build: exit status 1
ERROR: failed to build: executing lifecycle: failed with status code: 51
"""
PACK_NEW = """\
===> DETECTING
heroku/jvm      6.1.2
===> BUILDING
[Error: Unexpected sbt exit code]
sbt unexpectedly exited with code '1'.
ERROR: failed to build: exit status 1
ERROR: failed to build: executing lifecycle: failed with status code: 51
"""
KILLED = """\
#12 30.11 Creating an optimized production build ...
#12 ERROR: process "/bin/sh -c npm run build" did not complete successfully: exit code: 137
ERROR: failed to solve: process "/bin/sh -c npm run build" did not complete successfully: exit code: 137
"""
DISK = """\
#9 12.2 npm error code ENOSPC
#9 12.2 npm error nospc ENOSPC: no space left on device, write
#9 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 228
"""


@pytest.mark.parametrize(
    ("log", "kind", "text"),
    [
        (BUILDKIT, FailureKind.COMMAND, '"npm run build" exited with code 1: npm error Missing script: "build"'),
        (BUILDKIT_OLD, FailureKind.COMMAND, '"echo about to fail; exit 3" exited with code 3: about to fail'),
        (
            LEGACY,
            FailureKind.COMMAND,
            '"pip install -r requirements.txt" exited with code 1: ERROR: Could not find a version that satisfies the '
            "requirement nosuch==1 (from versions: none)",
        ),
        (
            NIXPACKS,
            FailureKind.COMMAND,
            "\"npm run build\" exited with code 2: src/app.ts(3,7): error TS2322: Type 'string' is not assignable to "
            "type 'number'",
        ),
        (RAILPACK, FailureKind.COMMAND, "\"npm run build\" exited with code 1: Error: Cannot find module 'vite'"),
        (
            'target web: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2\n',
            FailureKind.COMMAND,
            '"make" exited with code 2',
        ),
        (
            'ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: context canceled\n',
            FailureKind.COMMAND,
            '"make" failed (context canceled)',
        ),
        (
            PACK_OLD,
            FailureKind.COMMAND,
            'the buildpacks\' build failed with status 51: npm error Missing script: "build"',
        ),
        (
            PACK_NEW,
            FailureKind.COMMAND,
            "the buildpacks' build failed with status 51: [Error: Unexpected sbt exit code]",
        ),
        (
            "heroku/jvm\n===> BUILDING\nERROR: failed to build: executing lifecycle: failed with status code: 51\n",
            FailureKind.COMMAND,
            "the buildpacks' build failed with status 51",
        ),
        (
            "===> BUILDING\nERROR: failed to build: executing lifecycle: failed with status code: 51\n",
            FailureKind.COMMAND,
            "the buildpacks' build failed with status 51",
        ),
        (
            "error: no such package\nlooked in three places\nERROR: failed to build: exit status 1\n"
            "ERROR: failed to build: executing lifecycle: failed with status code: 51\n",
            FailureKind.COMMAND,
            "the buildpacks' build failed with status 51: error: no such package",
        ),
        (
            "Step 3/5 : RUN ./check\n ---> Running in 1a2b3c4d5e6f\nError: only a warning\n ---> 0f1e2d3c4b5a\n"
            "Step 4/5 : RUN make\n ---> Running in 6f5e4d3c2b1a\nno rule for it\n"
            "The command '/bin/sh -c make' returned a non-zero code: 2\n",
            FailureKind.COMMAND,
            '"make" exited with code 2: no rule for it',
        ),
        (
            "#7 DONE 0.1s\n#8 CACHED\n------\n > [5/6] RUN make:\n0.5 first line\n0.6 no rule for it\n------\n"
            "0.9 not of this step\n"
            'ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2\n',
            FailureKind.COMMAND,
            '"make" exited with code 2: no rule for it',
        ),
        (
            KILLED,
            FailureKind.OUT_OF_MEMORY,
            '"npm run build" exited with code 137: Creating an optimized production build',
        ),
        (
            'ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 137\n',
            FailureKind.OUT_OF_MEMORY,
            '"make" exited with code 137: it was killed, usually for lack of memory',
        ),
        (
            DISK,
            FailureKind.DISK_FULL,
            '"npm ci" exited with code 228: npm error nospc ENOSPC: no space left on device, write',
        ),
        (
            "Nixpacks build failed\nError: Nixpacks was unable to generate a build plan for this app.\n"
            "Please check the documentation for supported languages: https://nixpacks.com\n",
            FailureKind.NO_BUILD_PLAN,
            "Nixpacks was unable to generate a build plan for this app",
        ),
        (RAILPACK_NO_PLAN, FailureKind.NO_BUILD_PLAN, "Railpack could not determine how to build the app"),
        (
            "===> DETECTING\nERROR: No buildpack groups passed detection.\nERROR: failed to detect: no buildpacks "
            "participating\nERROR: failed to build: executing lifecycle: failed with status code: 20\n",
            FailureKind.NO_BUILD_PLAN,
            "no buildpack recognises the application",
        ),
        (
            "Error response from daemon: pull access denied for shop, repository does not exist or may require "
            "'docker login': denied: requested access to the resource is denied\n",
            FailureKind.REGISTRY_ACCESS,
            "pull access denied for shop, repository does not exist or may require 'docker login': denied: requested "
            "access to the resource is denied",
        ),
        (
            "ERROR: failed to solve: node:99: failed to resolve source metadata for docker.io/library/node:99: "
            "docker.io/library/node:99: not found\n",
            FailureKind.IMAGE_MISSING,
            "node:99: failed to resolve source metadata for docker.io/library/node:99: docker.io/library/node:99: not "
            "found",
        ),
        (
            " web Error manifest for 127.0.0.1:5055/nosuch:1 not found: manifest unknown: manifest unknown\n"
            "Error response from daemon: manifest for 127.0.0.1:5055/nosuch:1 not found: manifest unknown\n"
            "Error: ❌ Docker command failed\n",
            FailureKind.IMAGE_MISSING,
            "manifest for 127.0.0.1:5055/nosuch:1 not found: manifest unknown",
        ),
        (
            "Error response from daemon: toomanyrequests: You have reached your pull rate limit.\n",
            FailureKind.REGISTRY_LIMIT,
            "toomanyrequests: You have reached your pull rate limit",
        ),
        (
            "yaml: line 3: mapping values are not allowed in this context\nError: ❌ Docker command failed\n",
            FailureKind.COMPOSE_FILE,
            "yaml: line 3: mapping values are not allowed in this context",
        ),
        ("services.web.ports must be a list\n", FailureKind.COMPOSE_FILE, "services.web.ports must be a list"),
        (
            "validating /etc/dokploy/compose/x/code/docker-compose.yml: services.web additional properties "
            "'imagee' not "
            "allowed\n",
            FailureKind.COMPOSE_FILE,
            "validating /etc/dokploy/compose/x/code/docker-compose.yml: services.web additional properties "
            "'imagee' not "
            "allowed",
        ),
        (
            'service "web" refers to undefined network front: invalid compose project\n',
            FailureKind.COMPOSE_FILE,
            'service "web" refers to undefined network front: invalid compose project',
        ),
        (
            "Error response from daemon: driver failed programming external connectivity on endpoint web: Bind for "
            "0.0.0.0:80 failed: port is already allocated\n",
            FailureKind.PORT_TAKEN,
            "driver failed programming external connectivity on endpoint web: Bind for 0.0.0.0:80 failed: port is "
            "already allocated",
        ),
        (
            "ERROR: failed to solve: failed to read dockerfile: open Dockerfile: no such file or directory\n",
            FailureKind.DOCKERFILE,
            "failed to read dockerfile: open Dockerfile: no such file or directory",
        ),
        (
            'ERROR: failed to solve: failed to compute cache key: failed to calculate checksum of ref x::y: "/dist": '
            "not found\n",
            FailureKind.FILE_MISSING,
            'failed to compute cache key: failed to calculate checksum of ref x::y: "/dist": not found',
        ),
        (
            "COPY failed: file not found in build context or excluded by .dockerignore: stat dist: file does "
            "not exist\n",
            FailureKind.FILE_MISSING,
            "COPY failed: file not found in build context or excluded by .dockerignore: stat dist: file does not exist",
        ),
        (
            "Cloning into '/etc/dokploy/applications/x/code'...\nwarning: Could not find remote branch nosuch "
            "to clone.\n"
            "fatal: Remote branch nosuch not found in upstream origin\n",
            FailureKind.BRANCH_MISSING,
            "Remote branch nosuch not found in upstream origin",
        ),
        (
            "remote: Repository not found.\nfatal: repository 'https://github.com/me/nosuch.git/' not found\n",
            FailureKind.REPOSITORY_MISSING,
            "repository 'https://github.com/me/nosuch.git/' not found",
        ),
        (
            "ERROR: Repository not found.\nfatal: Could not read from remote repository.\n\nPlease make sure "
            "you have the "
            "correct access rights\nand the repository exists.\n",
            FailureKind.REPOSITORY_MISSING,
            "Repository not found",
        ),
        (
            "git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.\n",
            FailureKind.GIT_ACCESS,
            "git@github.com: Permission denied (publickey)",
        ),
        (
            "fatal: Could not read from remote repository.\n",
            FailureKind.GIT_ACCESS,
            "Could not read from remote repository",
        ),
        (
            "fatal: could not read Username for 'https://github.com': No such device or address\n",
            FailureKind.GIT_ACCESS,
            "could not read Username for 'https://github.com': No such device or address",
        ),
        (
            "remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://gitlab.com/me/shop.git/'\n",
            FailureKind.GIT_ACCESS,
            "Authentication failed for 'https://gitlab.com/me/shop.git/'",
        ),
        (
            "fatal: unable to access 'https://git.example.com/': Could not resolve host: git.example.com\n",
            FailureKind.NETWORK,
            "unable to access 'https://git.example.com/': Could not resolve host: git.example.com",
        ),
        ("something\nError: it broke\nmore\n", FailureKind.OTHER, "it broke"),
    ],
)
def test_the_telling_line_is_found(log: str, kind: FailureKind, text: str) -> None:
    told = telling_line((log + DOKPLOYS_END).split("\n"))
    assert told is not None
    assert (told.kind, told.text) == (kind, text)


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("36-readLogs-broken", FailureKind.COMMAND, '"echo about-to-fail && exit 7" exited with code 7: about-to-fail'),
        (
            "155-readLogs-bad-image",
            FailureKind.IMAGE_MISSING,
            "manifest for 127.0.0.1:5055/reg/absent:9 not found: manifest unknown: manifest unknown",
        ),
        (
            "172-readLogs-compose-broken",
            FailureKind.NETWORK,
            'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 10.255.255.53:53: '
            "write udp "
            "192.0.2.2:48404->10.255.255.53:53: write: operation not permitted",
        ),
    ],
)
def test_recorded_failures_are_told_with_their_cause(name: str, kind: FailureKind, text: str) -> None:
    told = telling_line(_log_of(name))
    assert told is not None
    assert (told.kind, told.text) == (kind, text)


def test_a_recorded_clone_that_failed_is_told_with_git_s_own_words() -> None:
    frames = transcript("299-ws-live-log-clone-failed")
    log = "".join(text for text in _texts(frames) if "Cloning" in text or "fatal" in text)
    told = telling_line(log.split("\n"))
    assert told is not None
    assert (told.kind, told.text) == (FailureKind.GIT, "dumb http transport does not support shallow capabilities")


def test_a_good_log_and_dokploy_s_own_closing_lines_tell_nothing() -> None:
    assert telling_line(_log_of("52-readLogs-compose")) is None
    assert telling_line(DOKPLOYS_END.split("\n")) is None
    assert telling_line([]) is None


def test_where_no_line_looks_like_a_reason_the_command_s_last_words_are_told() -> None:
    log = [
        "#7 [4/4] RUN make",
        "#7 0.101 reading the sources",
        "#7 0.312 the third table has no key",
        "#7 0.313 --------",
        "#7 0.314 npm error A complete log of this run can be found in: /app/x.log",
        '#7 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2',
    ]
    told = telling_line(log)
    assert told is not None
    assert told.text == '"make" exited with code 2: the third table has no key'


def test_of_several_steps_in_one_log_only_the_summary_of_the_failed_one_is_told() -> None:
    log = [
        "0.1 error: of another step",
        " > [2/2] RUN make:",
        "0.2 error: the third table has no key",
        "------",
        'ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2',
    ]
    told = telling_line(log)
    assert told is not None
    assert "the third table has no key" in told.text
    assert "another step" not in told.text


def test_lines_of_a_stage_that_is_built_beside_the_failed_one_are_not_its_own() -> None:
    log = """\
#9 0.1 Error: of another stage
#12 0.5 npm error Missing script
#9 0.6 Error: of another stage once more
#10 0.7 Error: of a third stage
#12 ERROR: process "/bin/sh -c npm run build" did not complete successfully: exit code: 1
"""
    told = telling_line(log.splitlines())
    assert told is not None
    assert told.text == '"npm run build" exited with code 1: npm error Missing script'


def test_where_no_step_is_named_the_last_one_s_lines_are_the_failed_one_s() -> None:
    log = """\
#9 0.1 Error: of an earlier stage
#12 0.5 npm error Missing script
ERROR: failed to solve: process "/bin/sh -c npm run build" did not complete successfully: exit code: 1
"""
    told = telling_line(log.splitlines())
    assert told is not None
    assert told.text == '"npm run build" exited with code 1: npm error Missing script'


def test_dokploy_s_own_words_are_not_the_reason_where_another_line_is() -> None:
    told = telling_line(["Error: no space for it", "", "Error: ❌ check the logs for details."])
    assert told is not None
    assert told.text == "no space for it"


@pytest.mark.parametrize(("length", "end"), [(200, "x"), (201, "…"), (400, "…")])
def test_a_long_reason_is_cut_to_what_fits_and_shows_it(length: int, end: str) -> None:
    told = telling_line([f"Error: {'x' * length}"])
    assert told is not None
    assert (len(told.text), told.text[-1]) == (min(length, 200), end)


def test_a_cause_far_above_a_failed_command_is_not_taken_for_it() -> None:
    log = ["Error response from daemon: manifest unknown", *(["a line"] * 20), *BUILDKIT.split("\n")]
    told = telling_line(log)
    assert told is not None
    assert told.kind is FailureKind.COMMAND


LINES = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        [line for log in (BUILDKIT, LEGACY, NIXPACKS, PACK_OLD, PACK_NEW, KILLED) for line in log.split("\n")]
    ),
    st.sampled_from(
        ["fatal: Could not read from remote repository.", "fatal: ", "ERROR: ", " > [", "ERROR: failed to solve: "]
    ),
)


@given(st.lists(LINES, max_size=30))
def test_any_log_is_read_without_an_error_and_what_is_told_fits_into_a_message(log: list[str]) -> None:
    told = telling_line(log)
    if told is not None:
        assert told.text
        assert told.text.isprintable()
        assert len(told.text) <= 400
        assert told.kind in NEXT_STEPS


def test_a_log_without_end_takes_no_longer_than_its_last_lines() -> None:
    log = ['process "' * 400 + "x" * 100_000] * READ_LINES * 50
    began = time.process_time()
    telling_line(log)
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize("kind", FailureKind)
def test_each_kind_of_failure_has_a_next_step(kind: FailureKind) -> None:
    text, step = NEXT_STEPS[kind]
    assert spell(text).endswith(", then try again.")
    assert step.value != "none"


def _log_of(name: str) -> list[str]:
    (log,) = [text for text in _texts(transcript(name)["response"]) if "\n" in text]
    return log.split("\n")


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in _texts(part)]
