"""The simulator answers a replay of the whole recorded session as the real server answered it.

Every recorded HTTP exchange is sent again, in the order of the recording and in virtual time, to one empty
simulator. Ids differ, so they are learned from the answers. Compared are status, content type, keys, types,
the number of rows, and every value that is no id, time, path or free log text.
"""

import asyncio
import inspect
import json
import re
from collections.abc import Callable
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
    r"|^(username|email|key|prefix|metadata|lastRequest|requestCount|expirationDate|createdAt2)$"
)
"""Keys whose values differ from one instance to the next; their types are compared."""
NAMES_THAT_COUNT = {"registryName", "name"}
LISTS_OF_SOMEBODY = re.compile(r"accessed(Projects|Environments|Services)")
"""Lists whose length differs from one instance to the next."""


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
        names = {"owner…": "owner", "uldVgu": "owner", "mbYbyw": "member", "dfXrjM": "rate_limited"}
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
        if isinstance(body, dict) and "raw" in body:
            content = str(body["raw"]).encode() * int(body.get("times", 1))
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
                follow_redirects=load(name)["response"]["status"] != 308,
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

    async def deploy(self, recorded: str, title: str, description: str = "") -> None:
        """Send a deployment that was not recorded."""
        body = {"applicationId": recorded, "title": title, "description": description}
        await self.post("application.deploy", **body)

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


def prepare_services(session: Session) -> None:
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


async def fill_history(session: Session) -> None:
    """Transcript 150: fourteen deployments, each finished before the next; then twenty at once."""
    counts = []
    for number in range(14):
        await session.deploy(DOCKER, f"run:p{number}", f"marker={number}")
        session.now += 0.45
        session.world.advance(session.now)
        counts.append(len(session.world.rows_of(session.service(DOCKER))))
    assert counts == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11, 11, 11]


async def burst(session: Session) -> None:
    """Twenty deployments queued at once push the early ones out of the history (seen in 151)."""
    for number in range(20):
        await session.deploy(DOCKER, f"run:burst{number}", "x")


async def measure_latency(session: Session) -> None:
    """Transcript 200: ten deployments, half a second apart."""
    for number in range(10):
        await session.deploy(DOCKER, f"run:l{number}")
        session.now += 0.5


async def prepare_slow2(session: Session) -> None:
    """The second slow application of transcript 232."""
    git: dict[str, Any] = {"customGitUrl": "http://127.0.0.1:5056/demo.git", "customGitBranch": "slow"}
    git |= {"customGitBuildPath": "/", "watchPaths": []}
    await session.post("application.saveGitProvider", applicationId=SLOW2, **git)
    session.behave(SLOW2, build_seconds=25.0, steps=25)
    session.commit(SLOW2, "slow", LONG)


def compose_commit(session: Session, sha: str, message: str, seconds: float) -> None:
    """Give the git compose its next commit and duration."""
    session.commit(GIT_COMPOSE, "slowcompose", Commit(sha, message))
    session.behave(GIT_COMPOSE, build_seconds=seconds, steps=12)


async def repeat(session: Session, name: str, times: int) -> None:
    """Send a request again whose repetitions were not kept."""
    for _ in range(times):
        await session.replay(name)


def database(session: Session, down: bool) -> None:
    """Stop or start Postgres."""
    session.world.faults.database_down = down


CACHED = ("7dcbbc6947141f3e6c6bf14d86002c2c238c09a8", "compose: slow build", 0.86)
UNCACHED = ("9a72acccf0a29c1d713f2c37bae5adb36ba47a8d", "compose: slow build, not cached", 36.2)
NO_ROLLBACK = {"applicationId": OWNER, "rollbackActive": False, "rollbackRegistryId": None}
UNRECORDED: dict[str, Callable[[Session], object]] = {
    "@services": prepare_services,
    "@restart1": lambda session: session.world.restart(1.0),
    "@restart": lambda session: session.world.restart(6.2),
    "@exhaust": lambda session: repeat(session, "1200-ratelimited-key", 3),
    "@exhausted": lambda session: repeat(session, "1206-ratelimited-key", 6),
    "@kill-slow": lambda session: session.post("application.killBuild", applicationId=SLOW),
    "@see-running": lambda session: session.newest("rLxA-97_vYtmuIk8ASCLp", SLOW),
    "@see-broken-compose": lambda session: session.newest("eK-6AiHLQRqyBceeZKrM-", BROKEN_COMPOSE),
    "@see-git-compose": lambda session: session.newest("tuk0Hhi4ha0T1fEF-pokX", GIT_COMPOSE),
    "@fill": fill_history,
    "@burst": burst,
    "@latency": measure_latency,
    "@rollbacks-off": lambda session: session.post("application.update", **NO_ROLLBACK),
    "@database-down": lambda session: database(session, True),
    "@database-up": lambda session: database(session, False),
    "@after-nul": lambda session: session.deploy(DOCKER, "run:after-nul"),
    "@secret-title": lambda session: session.deploy(SLOW, "run:secret-title"),
    "@know-member": lambda session: session.learned.update({"iCCpJHUAiBhWvWpIuHQWx": "member"}),
    "@break-log-folder": lambda session: session.behave(DOCKER, build="log_unwritable"),
    "@slow2": prepare_slow2,
    "@parallel1": lambda session: session.deploy(SLOW, "run:par1"),
    "@parallel2": lambda session: session.deploy(SLOW2, "run:par2"),
    "@cached": lambda session: compose_commit(session, *CACHED),
    "@uncached": lambda session: compose_commit(session, *UNCACHED),
}
"""Steps that were not recorded, or that happened outside of the API."""

STORY = [
    step
    for line in (Path(__file__).parents[1] / "unit" / "simulator" / "recorded_session.txt").read_text().splitlines()
    if not line.startswith("#")
    for step in line.split()
]
"""The session in its order: transcripts, +seconds that passed, and @steps that were not recorded."""


async def run_story() -> Session:
    """Replay everything."""
    session = Session()
    for step in STORY:
        if step.startswith("+"):
            session.now += float(step)
        elif step.startswith("@"):
            session.world.advance(session.now)
            outcome = UNRECORDED[step](session)
            if inspect.isawaitable(outcome):
                await outcome
        else:
            session.now += 0.02
            await session.replay(step)
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
        if LISTS_OF_SOMEBODY.fullmatch(key):
            return []
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
    free = free or (key == "name" and ".apiKeys[" in where)
    if not free and recorded != actual and "(registry-password)" not in str(recorded):
        return [f"{where}: {recorded!r} recorded, {actual!r} now"]
    return []


def _by_age(rows: list[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: str(row["createdAt"]))


REPLAYED = [name for name in recorded_names() if name not in NOT_REPLAYED]


def test_every_recorded_exchange_is_replayed_or_excused() -> None:
    steps = {step for step in STORY if step[0] not in "+@"}
    assert steps == set(REPLAYED)


@pytest.mark.parametrize("name", [n for n in REPLAYED if "readLogs" not in n and "server-down" not in n])
def test_replayed_request_is_answered_as_recorded(session: Session, name: str) -> None:
    recorded, actual = load(name)["response"], session.answers[name]
    assert isinstance(actual, httpx.Response)
    assert actual.status_code == recorded["status"]
    headers = {key.lower(): value for key, value in recorded["headers"].items()}
    assert actual.headers.get("content-type") == headers.get("content-type")
    for header in ("x-frame-options", "content-security-policy", "vary", "location", "refresh"):
        assert actual.headers.get(header) == headers.get(header)
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
