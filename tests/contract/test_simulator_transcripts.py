"""The simulator answers a replay of the whole recorded session as the real server answered it.

Every recorded HTTP exchange is sent again, in the order of the recording and in virtual time, to one empty
simulator. Ids differ, so they are learned from the answers. Compared are status, content type, keys, types,
the number of rows, and every value that is no id, time, path or free log text.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from pulumi_dokploy_deployments.simulator import Simulator
from pulumi_dokploy_deployments.simulator.world.services import Commit, Deployable

TRANSCRIPTS = Path(__file__).parent / "transcripts"
START = 1_795_484_600.0

NOT_REPLAYED = {
    "00-organization-all": "signed in with a browser session; the simulator knows API keys only",
    "01-createApiKey-default": "signed in with a browser session; keys are ready-made",
    "02-createApiKey-unlimited": "signed in with a browser session; keys are ready-made",
    "101-member-createApiKey": "signed in with a browser session; keys are ready-made",
    "212-dropDeployment": "a 500 whose cause was never established",
}

OWNER, BROKEN, SLOW, DOCKER = (
    "whuk3Re-ZQIDoUxTGLTP9",
    "Q3yNmlHRam1_P0znYgdFa",
    "CjT4m4VlxMeLGxe3TO-AW",
    "JEpZBVOh1AZSs0z8V7dpj",
)
SLOW2 = "1cERU8XcyBZOVUA7N0Wn4"
COMPOSE, BROKEN_COMPOSE, STACK, GIT_COMPOSE = (
    "4YUWYvwcVd0c-o86cpXZl",
    "Lol9ZM10FFdqvyHVEKJTi",
    "ZiL6jp0L2yuYPrOPzkTrJ",
    "gGyjLTLkOPoTeKVXyDu7B",
)
GOOD = Commit("d361209502c6916f665f594699c444bb27427681", "feat: good commit on main")
BAD = Commit("dfa17aa27828b434ffca57969a9b7c30b3ae7c56", "fix: a broken Dockerfile")
LONG = Commit("ec6c81aa7b1cf709770bea66a0950f91c0b9a7af", "chore: a slow build (25 s)")

FREE_VALUES = re.compile(
    r"(Id|At|Name|ByName|Path|Token|timestamp|processedOn|href|label|image|version|start|slug|ownerId)$|^id$"
)
"""Keys whose values differ from one instance to the next; their types are compared."""
NAMES_THAT_COUNT = {"registryName", "name"}

Step = str | float | Callable[["Session"], Awaitable[None]]


def load(name: str) -> dict[str, Any]:
    """Return one transcript."""
    found: dict[str, Any] = json.loads((TRANSCRIPTS / f"{name}.json").read_text())
    return found


def recorded_names() -> list[str]:
    """Return the transcripts that are HTTP exchanges."""
    names = []
    for path in sorted(TRANSCRIPTS.glob("*.json")):
        content = json.loads(path.read_text())
        if "request" in content and content.get("response"):
            names.append(path.stem)
    return names


@dataclass
class Session:
    """The replay: virtual time, the learned ids, and the answers by transcript."""

    now: float = START
    learned: dict[str, str] = field(default_factory=dict)
    answers: dict[str, httpx.Response | httpx.TransportError] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.simulator = Simulator(lambda: self.now, populated=False)
        self.world = self.simulator.world
        self.client = httpx.AsyncClient(
            transport=self.simulator.transport(), base_url="http://127.0.0.1:3000", follow_redirects=True
        )

    def translate(self, value: Any) -> Any:
        """Replace recorded ids by the simulator's, also inside of texts."""
        if isinstance(value, str):
            for recorded, actual in self.learned.items():
                value = value.replace(recorded, actual)
            return value
        if isinstance(value, dict):
            return {key: self.translate(item) for key, item in value.items()}
        return [self.translate(item) for item in value] if isinstance(value, list) else value

    def learn(self, recorded: Any, actual: Any) -> None:
        """Pair the ids of a recorded answer with those of the actual one."""
        if isinstance(recorded, dict) and isinstance(actual, dict):
            for key, item in recorded.items():
                other = actual.get(key)
                worth = key.endswith(("Id", "Token", "appName"))
                if worth and isinstance(item, str) and isinstance(other, str) and len(item) > 8:
                    self.learned[item] = other
                else:
                    self.learn(item, other)
        elif isinstance(recorded, list) and isinstance(actual, list):
            for item, other in zip(recorded, actual, strict=False):
                self.learn(item, other)

    def key_of(self, recorded: str | None) -> str | None:
        """Return the simulator's key for a redacted one."""
        names = {"uldVgu": "owner", "mbYbyw": "member", "dfXrjM": "rate_limited"}
        if recorded is None:
            return None
        name = names.get(recorded[:6])
        return self.simulator.ready["api_keys"][name] if name else recorded

    async def replay(self, name: str) -> None:
        """Send a recorded request again."""
        request = load(name)["request"]
        headers = {key: value for key, value in (request["headers"] or {}).items() if key != "x-api-key"}
        key = self.key_of((request["headers"] or {}).get("x-api-key"))
        if key is not None:
            headers["x-api-key"] = key.encode("ascii", "ignore").decode()
        headers = {k: v.encode("ascii", "ignore").decode() for k, v in headers.items()}
        body = request["body"]
        content: bytes | None = None
        if isinstance(body, dict) and set(body) == {"raw"}:
            content = str(body["raw"]).encode()
        elif body is not None:
            content = json.dumps(self.translate(body)).encode()
        query = self.translate(request["query"]) if request["query"] else None
        try:
            answer = await self.client.request(
                request["method"],
                self.translate(request["path"]),
                params=query,
                headers=headers,
                content=content,
            )
        except httpx.TransportError as error:
            self.answers[name] = error
            return
        self.answers[name] = answer
        if answer.content and "json" in answer.headers.get("content-type", ""):
            self.learn(load(name)["response"]["body"], answer.json())

    async def post(self, endpoint: str, **body: Any) -> None:
        """Send a request of the session that was not recorded."""
        key = self.simulator.ready["api_key"]
        await self.client.post(f"/api/{endpoint}", json=self.translate(body), headers={"x-api-key": key})

    def service(self, recorded: str) -> Deployable:
        """Return the service that was created for a recorded id."""
        found = self.world.services[self.learned[recorded]]
        assert isinstance(found, Deployable)
        return found

    def behave(self, recorded: str, **changes: Any) -> None:
        """Give a created service the behaviour that its recorded counterpart had."""
        self.world.set_behaviour(self.learned[recorded], **changes)

    def commit(self, recorded: str, ref: str, commit: Commit) -> None:
        """Put a recorded commit on a branch."""
        repository = self.service(recorded).repository
        assert repository is not None
        repository.refs.setdefault(ref, []).append(commit)

    def newest(self, recorded_deployment: str, recorded_service: str) -> None:
        """Learn which row a recorded deploymentId means: the service's newest one."""
        row = self.world.rows_of(self.service(recorded_service))[0]
        self.learned[recorded_deployment] = row["deploymentId"]


async def prepare_services(session: Session) -> None:
    """Behaviours and commits of the services that the first requests created."""
    session.behave(OWNER, build_seconds=0.45)
    session.behave(BROKEN, build_seconds=0.35, build="fails")
    session.behave(SLOW, build_seconds=25.2, steps=25)
    session.behave(DOCKER, build_seconds=0.055)
    session.behave(COMPOSE, build_seconds=0.3)
    session.behave(BROKEN_COMPOSE, build_seconds=0.35, build="fails")
    session.behave(STACK, build_seconds=0.05)
    for service, ref, commit in ((OWNER, "main", GOOD), (BROKEN, "broken", BAD), (SLOW, "slow", LONG)):
        session.commit(service, ref, commit)


async def exhaust_key(session: Session) -> None:
    """The three requests between 1200 and 1204 that were not kept."""
    for _ in range(3):
        await session.replay("1200-ratelimited-key")


async def keep_using_exhausted_key(session: Session) -> None:
    """The requests between 1206 and 1213."""
    for _ in range(6):
        await session.replay("1206-ratelimited-key")


async def fill_history(session: Session) -> None:
    """Transcript 150: fourteen deployments, each finished before the next."""
    counts = []
    for number in range(14):
        await session.post(
            "application.deploy",
            applicationId=DOCKER,
            title=f"run:p{number}",
            description=f"marker={number}",
        )
        session.now += 0.45
        session.world.advance(session.now)
        counts.append(len(session.world.rows_of(session.service(DOCKER))))
    assert counts == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11, 11, 11]


async def burst(session: Session) -> None:
    """Twenty deployments queued at once push the early ones out of the history (seen in 151)."""
    for number in range(20):
        await session.post("application.deploy", applicationId=DOCKER, title=f"run:burst{number}", description="x")
    session.now += 4


async def measure_latency(session: Session) -> None:
    """Transcript 200: ten deployments, half a second apart."""
    for number in range(10):
        await session.post("application.deploy", applicationId=DOCKER, title=f"run:l{number}")
        session.now += 0.5


def call(endpoint: str, **body: Any) -> Callable[[Session], Awaitable[None]]:
    """Return a step that sends a request which was not recorded."""

    async def step(session: Session) -> None:
        await session.post(endpoint, **body)

    return step


def act(action: Callable[[Session], object]) -> Callable[[Session], Awaitable[None]]:
    """Return a step that changes the instance from outside."""

    async def step(session: Session) -> None:
        session.world.advance(session.now)
        action(session)

    return step


def restart_story(prefix: str) -> list[Step]:
    """Transcripts 140 and 141: two deployments, a restart while the first builds."""
    return [
        f"{prefix}-deploy-1",
        0.3,
        f"{prefix}-deploy-2",
        2.0,
        f"{prefix}-before-restart",
        act(lambda session: session.world.restart(6.2)),
        0.1,
        f"{prefix}-server-down",
        6.2,
        f"{prefix}-after-restart",
        f"{prefix}-app-one-after",
        f"{prefix}-queueList-after",
        10.0,
    ]


async def prepare_slow2(session: Session) -> None:
    """The second slow application of transcript 232."""
    await session.post(
        "application.saveGitProvider",
        applicationId=SLOW2,
        customGitUrl="http://127.0.0.1:5056/demo.git",
        customGitBranch="slow",
        customGitBuildPath="/",
        watchPaths=[],
    )
    session.behave(SLOW2, build_seconds=25.0, steps=25)
    session.commit(SLOW2, "slow", LONG)


def git_compose(sha: str, message: str, seconds: float) -> Callable[[Session], Awaitable[None]]:
    """Return a step that gives the git compose its next commit and duration."""

    def action(session: Session) -> None:
        session.commit(GIT_COMPOSE, "slowcompose", Commit(sha, message))
        session.behave(GIT_COMPOSE, build_seconds=seconds, steps=12)

    return act(action)


def steps(*items: Step) -> list[Step]:
    """Return steps as one list."""
    return list(items)


STORY: list[Step] = [
    "10-project-create",
    "12-environment-create",
    *[f"13-application-create-{name}app" for name in ("ok", "broken", "slow", "docker")],
    *[f"14-saveGitProvider-{name}app" for name in ("ok", "broken", "slow")],
    "14-saveDockerProvider-dockerapp",
    *[f"15-saveBuildType-{name}app" for name in ("ok", "broken", "slow")],
    *[f"16-update-{name}app" for name in ("ok", "broken", "slow")],
    *steps("20-compose-create", "20-compose-create-broken", "20-compose-create-stack"),
    *steps("21-compose-update-raw", "21-compose-update-raw-broken", "21-compose-update-raw-stack"),
    prepare_services,
    *steps("30-application-deploy", 0.8, "31-deployment-all", "32-deployment-readLogs"),
    *steps("33-application-redeploy", 0.8, "34-application-deploy-broken", 0.6, "35-deployment-all-broken"),
    *steps("36-readLogs-broken", "37-application-deploy-docker", 0.3, "88-queueList-empty"),
    act(lambda session: session.world.restart(1.0)),
    1.5,
    *steps("40-deploy-slow-1", 0.002, "40-deploy-slow-2", 0.1, "40-deploy-slow-3"),
    *steps(0.2, "40-deploy-compose-behind", 0.01, "40-deploy-okapp-behind", 1.1),
    *steps("42-queueList-mixed", "43-deployment-all-while-queued"),
    "43b-deployment-all-okapp-waiting-behind-slowapp",
    *steps("44-killProcess-while-running", "47-application-one-while-running", "48-allCentralized", 4.4),
    *steps("49-readLogs-running", "46-application-cancelDeployment", "45-application-cleanQueues", 30.0),
    *steps("50-deployment-all-slow-after", "51-allByCompose-after", "52-readLogs-compose"),
    *steps("60-no-key", "61-bad-key", "61b-bad-key-unknown-path", "61c-bearer-header", "62-unknown-path"),
    *steps("63-wrong-method-GET-on-mutation", "64-wrong-method-POST-on-query", "65-unknown-app-deployment-all"),
    *steps("66-unknown-app-deploy", "67-unknown-app-one", "68-unknown-compose-deploy", "69-unknown-compose-all"),
    *steps("70-unknown-deployment-kill", "71-unknown-deployment-remove", "72-unknown-deployment-readLogs"),
    *steps("73-unknown-rollback", "74-missing-param", "75-empty-param", "76-deploy-empty-body-object"),
    *steps("77-deploy-malformed-json", "78-deploy-wrong-content-type", "79-deploy-no-body"),
    *steps("80-deploy-title-wrong-type", "81-allByType-bad-type", "82-allByType-application"),
    *steps("83-allByType-compose", "84-allByServer-unknown", "85-readLogs-tail-zero", "86-readLogs-tail-2"),
    *steps("87-killProcess-finished", "89-HEAD", "90-OPTIONS", "91-compose-cancelDeployment", "92-health"),
    *steps("93-settings-health-trpc", "94-settings-getDokployVersion", "95-version-unauth"),
    *steps("102-member-deployment-all", "103-member-deploy", "104-member-allCentralized"),
    *steps("105-member-queueList", "106-member-application-one", "107-member-killProcess"),
    *steps("108-member-readLogs", "109-member-rollback", "110-trailing-slash", "111-double-slash"),
    *steps("112-extra-query", "113-trpc-style"),
    *steps("1200-ratelimited-key", exhaust_key, "1204-ratelimited-key", "1205-ratelimited-key"),
    *steps("1206-ratelimited-key", keep_using_exhausted_key, "1213-ratelimited-key"),
    *steps("130-deploy", 0.2, "130-deploy-2nd", 4.6, "130-application-killBuild-running", 4.0),
    call("application.killBuild", applicationId=SLOW),
    *steps(0.3, "132-deployment-all-after-kill", "131-readLogs-killed", "132b-killBuild-nothing-running"),
    *steps("133-deploy", 3.7),
    act(lambda session: session.newest("rLxA-97_vYtmuIk8ASCLp", SLOW)),
    *steps("133-removeDeployment-while-running", 25.0, "134-application-one-after-removed"),
    *steps("135-removeDeployment-finished", "136-deployment-all-after-remove"),
    *restart_story("140-restart-TERM"),
    "140-late",
    *restart_story("141-restart-KILL"),
    *steps(fill_history, "150-prune-deployment-all", burst),
]
for _title in ("empty", "long", "special", "ws", "none"):
    STORY += [f"151-title-{_title}-deploy", 0.4, f"151-title-{_title}-row"]
STORY += [
    *steps("152-title-null", "153-extra-field", 0.4, "154-update-command-crash", "154-deploy-crash", 3.0),
    *steps("154-deploy-crash-row", "154-update-command-reset", "155-bad-image", "155-deploy-bad-image", 0.3),
    *steps("155-deploy-bad-image-row", "155-readLogs-bad-image", "155-restore"),
    *steps("160-registry-create", "161-update-rollbackActive", "162-deploy-rb1", 0.75, "162-deploy-rb2", 0.75),
    *steps("163-deployment-all-with-rollback", "164-allByType-with-rollback", "165-rollback"),
    *steps("166-deployment-all-after-rollback", "167-rollback-delete", "168-deployment-all-after-rollback-delete"),
    *steps("169-removeDeployment-with-rollback", "169b-rollback-after-remove"),
    *steps("170-compose-deploy", 1.0, "171-compose-redeploy", 1.0, "172-compose-deploy-broken", 1.0),
    act(lambda session: session.newest("eK-6AiHLQRqyBceeZKrM-", BROKEN_COMPOSE)),
    *steps("172-readLogs-compose-broken", "173-compose-stack-deploy", 0.5, "174-allByCompose"),
    *steps("175-allCentralized", "176-compose-cleanQueues", "177-compose-killBuild", "178-compose-one"),
    *steps("179-clearDeployments", "179b-readLogs-after-clear", "180-cleanAllDeploymentQueue"),
    *steps("181-server-create", "182-server-all", "183-allByServer"),
    call("application.update", applicationId=OWNER, rollbackActive=False, rollbackRegistryId=None),
    act(lambda session: setattr(session.world.faults, "database_down", True)),
    *steps("190-db-down-deployment-all", 0.5, "191-db-down-deployment-all", 0.5, "192-db-down-deployment-all"),
    *steps("193-db-down-deploy", "193b-db-down-health"),
    act(lambda session: setattr(session.world.faults, "database_down", False)),
    *steps("194-0-db-back", "194-1-db-back", "194-2-db-back", "194-3-db-back"),
    *steps("195-deploy", 0.3, "195-deploy-2", 5.0),
    act(lambda session: setattr(session.world.faults, "database_down", True)),
    30.0,
    act(lambda session: setattr(session.world.faults, "database_down", False)),
    *steps("196-after-db-outage-mid-deploy", "197-after-db-outage-okapp", "198-app-one-after-db-outage"),
    *steps(measure_latency, "201-application-one", "202-webhook-deploy", "203-webhook-bad-token", 0.5),
    *steps("204-title-NUL-deploy", 0.5, "204-title-NUL-rows", "204-title-NUL-app"),
    call("application.deploy", applicationId=DOCKER, title="run:after-nul"),
    0.4,
    call("application.deploy", applicationId=SLOW, title="run:secret-title"),
    *steps(0.5, "205-member-queueList-while-running", "205-member-killBuild", 4.0),
    call("application.killBuild", applicationId=SLOW),
    1.0,
    act(lambda session: session.learned.update({"iCCpJHUAiBhWvWpIuHQWx": "member"})),
    *steps("206-assignPermissions", "207-member-granted-deployment-all", "208-member-granted-deploy", 1.0),
    *steps("210-application-create-drop", "211-saveBuildType-drop", "213-deploy-drop", 2.0),
    act(lambda session: session.behave(DOCKER, build="log_unwritable")),
    *steps("220-deploy-logdir-broken", 0.3, "220-deploy-logdir-broken-row", "221-readLogs-no-logPath"),
    *steps("230-set-buildsConcurrency-2", "231-application-create-slow2", prepare_slow2),
    call("application.deploy", applicationId=SLOW, title="run:par1"),
    0.05,
    call("application.deploy", applicationId=SLOW2, title="run:par2"),
    *steps(5.0, "232-queueList-concurrency", "233-killBuild-kills-all", 1.0),
    *steps("240-compose-create-git", "241-compose-update-git"),
    git_compose("7dcbbc6947141f3e6c6bf14d86002c2c238c09a8", "compose: slow build", 0.86),
    *steps("242-compose-deploy", 6.0, "242-compose-killBuild-running", "243-compose-deploy", 2.0),
    "244-set-buildsConcurrency-1",
    git_compose("9a72acccf0a29c1d713f2c37bae5adb36ba47a8d", "compose: slow build, not cached", 36.2),
    *steps("250-compose-deploy", 6.0, "250-compose-killBuild-running", 31.0),
    act(lambda session: session.newest("tuk0Hhi4ha0T1fEF-pokX", GIT_COMPOSE)),
    *steps("251-readLogs-compose-killed", "252-stuck-running-row"),
    act(lambda session: session.world.restart(6.2)),
    *steps(6.5, "253-stuck-row-after-restart"),
]


async def run_story() -> Session:
    """Replay everything."""
    session = Session()
    for step in STORY:
        if isinstance(step, float):
            session.now += step
        elif isinstance(step, str):
            session.now += 0.02
            await session.replay(step)
        else:
            await step(session)
    return session


@pytest.fixture(scope="module")
def session() -> Session:
    """Return the finished replay."""
    return asyncio.run(run_story())


def differences(recorded: Any, actual: Any, where: str = "$", key: str = "") -> list[str]:
    """Return where the actual answer is not like the recorded one."""
    if isinstance(recorded, dict) and isinstance(actual, dict):
        found = [f"{where}: missing {name}" for name in recorded.keys() - actual.keys()]
        found += [f"{where}: unexpected {name}" for name in actual.keys() - recorded.keys()]
        for name in recorded.keys() & actual.keys():
            found += differences(recorded[name], actual[name], f"{where}.{name}", name)
        return found
    if isinstance(recorded, list) and isinstance(actual, list):
        if len(recorded) != len(actual):
            return [f"{where}: {len(recorded)} items recorded, {len(actual)} now"]
        if key == "deployments":
            # The nested rows come in the order of the table's pages, which nobody promises (transcript 201).
            recorded, actual = _by_age(recorded), _by_age(actual)
        pairs = zip(recorded, actual, strict=True)
        return [d for index, (a, b) in enumerate(pairs) for d in differences(a, b, f"{where}[{index}]", key)]
    if type(recorded) is not type(actual):
        return [f"{where}: {recorded!r} recorded, {actual!r} now"]
    free = FREE_VALUES.search(key) and key not in NAMES_THAT_COUNT
    if not free and recorded != actual and "(registry-password)" not in str(recorded):
        return [f"{where}: {recorded!r} recorded, {actual!r} now"]
    return []


def _by_age(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: str(row["createdAt"]))


REPLAYED = [name for name in recorded_names() if name not in NOT_REPLAYED]


def test_every_recorded_exchange_is_replayed_or_excused() -> None:
    steps = {step for step in STORY if isinstance(step, str)}
    assert steps == set(REPLAYED)


@pytest.mark.parametrize("name", [n for n in REPLAYED if "readLogs" not in n and "server-down" not in n])
def test_replayed_request_is_answered_as_recorded(session: Session, name: str) -> None:
    recorded, actual = load(name)["response"], session.answers[name]
    assert isinstance(actual, httpx.Response)
    assert actual.status_code == recorded["status"]
    headers = {key.lower(): value for key, value in recorded["headers"].items()}
    assert actual.headers.get("content-type") == headers.get("content-type")
    for header in ("x-frame-options", "content-security-policy", "vary"):
        assert actual.headers.get(header) == headers.get(header) or name == "77-deploy-malformed-json"
    body: Any = actual.text
    if recorded["body_is_json"]:
        body = actual.json()
    assert differences(session.translate(recorded["body"]), body) == []


@pytest.mark.parametrize("name", [n for n in REPLAYED if "readLogs" in n])
def test_replayed_log_has_the_recorded_stages_and_end(session: Session, name: str) -> None:
    recorded, actual = load(name)["response"], session.answers[name]
    assert isinstance(actual, httpx.Response)
    assert actual.status_code == recorded["status"]
    if not isinstance(recorded["body"], str):
        assert differences(recorded["body"], actual.json()) == []
        return
    before, now = recorded["body"], actual.json()
    assert _stages(session.translate(before)) == _stages(now)
    assert _last(session.translate(before)) == _last(now)
    if load(name)["request"]["query"].get("tail") in {2, 5}:
        assert before.count("\n") == now.count("\n")


def _stages(text: str) -> list[str]:
    """Return the lines that mark a stage, in order, without what differs from build to build."""
    marks = ("✅", "❌", "Building ", "Pulling 127", "Initializing", "Step 1/3", "Detected", "App Name")
    lines = [line for line in text.split("\n") if any(mark in line for mark in marks)]
    return [re.sub(r"[0-9a-f]{12}", "#", line).rstrip() for line in lines if "local/does-not" not in line]


def _last(text: str) -> str:
    lines = [line for line in text.split("\n") if line.strip()]
    return re.sub(r"step[ -]\d+", "step", re.sub(r"[0-9a-f]{12}", "#", lines[-1])) if lines else ""


@pytest.mark.parametrize("name", [n for n in REPLAYED if "server-down" in n])
def test_connections_are_refused_while_the_server_restarts(session: Session, name: str) -> None:
    assert isinstance(session.answers[name], httpx.ConnectError)
