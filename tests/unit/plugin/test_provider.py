"""The provider as the engine calls it, over a small model of the server: the real gRPC messages, no sockets."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any, Never

import grpc
import pytest
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime.proto import provider_pb2, status_pb2

from pulumi_dokploy_deployments.api.connection import Connection
from pulumi_dokploy_deployments.hosts.plugin.partial_state import DETAILS_KEY
from pulumi_dokploy_deployments.hosts.plugin.provider import DokployProvider
from pulumi_dokploy_deployments.hosts.plugin.servicer import Servicer
from pulumi_dokploy_deployments.hosts.plugin.wire import UNKNOWN_TEXT, plain, wired
from pulumi_dokploy_deployments.hosts.servers import Servers
from pulumi_dokploy_deployments.waiting.context import RunContext
from pulumi_dokploy_deployments.waiting.reporter import Reporter
from tests.support.builders import SERVICE_ID
from tests.support.fake_dokploy import FakeDokploy
from tests.support.listener import Listener
from tests.support.virtual_clock import VirtualClock

SDK = tuple(int(part) for part in version("pulumi").split(".")[:2])
URN = "urn:pulumi:prod::shop::dokploy-deployments:index:Deployment::web"
CHILD = "urn:pulumi:prod::shop::my:Component$dokploy-deployments:index:Deployment::web"
INPUTS: dict[str, Any] = {"applicationId": SERVICE_ID, "triggers": {"image_tag": "1"}}


class Aborted(Exception):
    """A call that ended with a status."""

    def __init__(self, details: str, metadata: Any) -> None:
        super().__init__(details)
        self.details = details
        self.metadata = dict(metadata)

    @property
    def kept(self) -> provider_pb2.ErrorResourceInitFailed:
        """The state that the engine is to keep."""
        status = status_pb2.Status.FromString(self.metadata[DETAILS_KEY])
        detail = provider_pb2.ErrorResourceInitFailed()
        assert status.details[0].Unpack(detail)
        return detail


class Context:
    """A call's context."""

    async def abort(self, code: grpc.StatusCode, details: str, metadata: Any = ()) -> Never:
        """End the call."""
        assert code is grpc.StatusCode.UNKNOWN
        raise Aborted(details, metadata)


class OneServer(Servers):
    """Everything runs on the model."""

    def __init__(self, fake: FakeDokploy, clock: VirtualClock) -> None:
        super().__init__()
        self._fake, self._clock = fake, clock

    def run_context(
        self, _connection: Connection, reporter: Reporter, *, request_timeout_seconds: float | None = None
    ) -> RunContext:
        return RunContext(self._fake, self._clock, reporter, has_live_log=False)


class Engine:
    """Calls the provider as the engine does."""

    def __init__(self, clock: VirtualClock) -> None:
        self.fake = FakeDokploy(clock)
        self.told = Listener()
        self.flushed = 0
        self.provider = DokployProvider(lambda _urn: self.told, self._flush)
        self.provider._servers = OneServer(self.fake, clock)
        self.servicer = Servicer([], "1.0.0", self.provider, "127.0.0.1:1")

    async def _flush(self) -> None:
        self.flushed += 1

    async def configure(self, **args: Any) -> provider_pb2.ConfigureResponse:
        """Configure the provider."""
        given = {"endpoint": "https://dokploy.example.com", "apiKey": "key", **args}
        request = provider_pb2.ConfigureRequest(args=struct(given), acceptSecrets=True)
        answer: provider_pb2.ConfigureResponse = await self.servicer.Configure(request, Context())
        return answer

    async def check(self, news: dict[str, Any], olds: dict[str, Any] | None = None) -> provider_pb2.CheckResponse:
        """Check a resource's inputs."""
        request = provider_pb2.CheckRequest(urn=CHILD, olds=struct(olds or {}), news=struct(news))
        answer: provider_pb2.CheckResponse = await self.servicer.Check(request, Context())
        return answer

    async def create(self, news: dict[str, Any] | None = None, **more: Any) -> provider_pb2.CreateResponse:
        """Create a resource."""
        request = provider_pb2.CreateRequest(urn=URN, properties=struct(news or INPUTS), **more)
        answer: provider_pb2.CreateResponse = await self.servicer.Create(request, Context())
        return answer

    async def update(self, olds: dict[str, Any], news: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Update a resource; gives its state."""
        request = provider_pb2.UpdateRequest(id="the-id", urn=URN, olds=struct(olds), news=struct(news), **more)
        return values((await self.servicer.Update(request, Context())).properties)

    async def diff(self, olds: dict[str, Any], news: dict[str, Any]) -> provider_pb2.DiffResponse:
        """Compare."""
        request = provider_pb2.DiffRequest(id="the-id", urn=URN, olds=struct(olds), news=struct(news))
        answer: provider_pb2.DiffResponse = await self.servicer.Diff(request, Context())
        return answer

    async def read(self, resource_id: str, state: dict[str, Any] | None = None) -> provider_pb2.ReadResponse:
        """Read, or import."""
        request = provider_pb2.ReadRequest(id=resource_id, urn=URN, properties=struct(state or {}))
        answer: provider_pb2.ReadResponse = await self.servicer.Read(request, Context())
        return answer

    async def invoke(self, function: str, **args: Any) -> dict[str, Any]:
        """Call a function."""
        request = provider_pb2.InvokeRequest(tok=f"dokploy-deployments:index:{function}", args=struct(args))
        return values(getattr(await self.servicer.Invoke(request, Context()), "return"))


def struct(properties: dict[str, Any]) -> Any:
    return PropertyValue.marshal_map({name: wired(value) for name, value in properties.items()})


def values(properties: Any) -> dict[str, Any]:
    return {name: plain(value) for name, value in PropertyValue.unmarshal_map(properties).items()}


@pytest.fixture
async def engine(clock: VirtualClock) -> Engine:
    """A configured provider."""
    engine = Engine(clock)
    await engine.configure()
    return engine


# --- create and update ------------------------------------------------------------------------------------------


async def test_a_create_gives_id_and_state_in_the_schema_s_names(engine: Engine) -> None:
    created = await engine.create()
    state = values(created.properties)
    assert created.id == f"application/{SERVICE_ID}/{state['deploymentId']}"
    assert (state["status"], state["health"]) == ("done", "healthy")
    assert state["triggers"] == {"image_tag": "1"}
    assert engine.fake.sent[0]["title"] == "pulumi up: shop/prod (web)"
    assert engine.flushed > 0


async def test_a_preview_sends_nothing_and_names_what_is_not_known_yet(engine: Engine) -> None:
    created = await engine.create(preview=True)
    raw = PropertyValue.unmarshal_map(created.properties)
    assert raw["deploymentId"].value == UNKNOWN_TEXT
    assert raw["applicationId"].value == SERVICE_ID
    state = values((await engine.create()).properties)

    stored = await engine.update(state, {**INPUTS, "timeoutSeconds": 5.0}, preview=True)
    assert stored["deploymentId"] == state["deploymentId"]
    again = await engine.update(state, {**INPUTS, "triggers": {"image_tag": "2"}}, preview=True)
    assert repr(again["deploymentId"]) == "<not known yet>"
    assert again["url"] == state["url"]
    assert len(engine.fake.sent) == 1


async def test_a_failed_create_keeps_its_state_and_shows_no_traceback(engine: Engine) -> None:
    engine.fake.fails = True
    with pytest.raises(Aborted) as failure:
        await engine.create()
    assert failure.value.details.startswith('The deployment of application "shop" failed')
    assert "Traceback" not in failure.value.details
    assert 'File "' not in failure.value.details
    kept = failure.value.kept
    assert list(kept.reasons) == [failure.value.details]
    assert values(kept.inputs) == INPUTS
    state = values(kept.properties)
    assert kept.id == f"application/{SERVICE_ID}/{state['deploymentId']}"

    change = await engine.diff(state, INPUTS)
    assert change.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert "status" in change.detailedDiff


async def test_a_failed_update_keeps_the_resource_s_id(engine: Engine) -> None:
    state = values((await engine.create()).properties)
    engine.fake.fails = True
    with pytest.raises(Aborted) as failure:
        await engine.update(state, {**INPUTS, "triggers": {"image_tag": "2"}})
    assert failure.value.kept.id == "the-id"
    assert values(failure.value.kept.properties)["status"] == "error"


async def test_what_never_reached_the_server_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(Aborted) as failure:
        await engine.create({"applicationId": "gone"})
    assert "has no application with the id 'gone'" in failure.value.details
    assert DETAILS_KEY not in failure.value.metadata


async def test_cancel_ends_every_wait_at_once_and_says_what_still_runs(engine: Engine, clock: VirtualClock) -> None:
    engine.fake.build_seconds = 600.0
    waits = [asyncio.create_task(engine.create()) for _ in range(2)]
    clock.after(30.0, lambda: cancel(engine))
    with pytest.raises(Aborted) as failure:
        await waits[0]
    assert clock.elapsed < 35.0
    assert "is still running at the server" in failure.value.details
    assert values(failure.value.kept.properties)["status"] == "running"
    with pytest.raises(Aborted):
        await waits[1]
    await engine.provider.cancel()  # as at every normal end


_cancels: set[asyncio.Future[None]] = set()


def cancel(engine: Engine) -> None:
    """The engine's call at Ctrl-C."""
    _cancels.add(asyncio.ensure_future(engine.provider.cancel()))


async def test_custom_timeouts_win_and_do_not_enter_the_state(engine: Engine) -> None:
    engine.fake.build_seconds = 100.0
    with pytest.raises(Aborted, match="did not finish within 7 s") as failure:
        await engine.create({**INPUTS, "timeoutSeconds": 50.0}, timeout=7.0)
    assert values(failure.value.kept.properties)["timeoutSeconds"] == 50.0
    assert "raise the resource option customTimeouts" in failure.value.details


async def test_the_provider_s_time_counts_where_a_resource_gives_none(engine: Engine) -> None:
    await engine.configure(timeoutSeconds="9")
    engine.fake.build_seconds = 100.0
    with pytest.raises(Aborted, match="did not finish within 9 s") as failure:
        await engine.create()
    assert "timeoutSeconds" not in values(failure.value.kept.properties)
    assert "raise the provider's timeoutSeconds" in failure.value.details


# --- check and diff ---------------------------------------------------------------------------------------------


async def test_bad_inputs_are_told_under_the_schema_s_names(engine: Engine) -> None:
    answer = await engine.check({"applicationId": SERVICE_ID, "waitFor": "soon"})
    assert [(failure.property, failure.reason) for failure in answer.failures] == [
        ("waitFor", "'soon' is not a value of waitFor. It is one of: healthy, done, none.")
    ]


async def test_unknowns_pass_a_check_as_they_are(engine: Engine) -> None:
    news = {"applicationId": UNKNOWN_TEXT, "triggers": {"image": UNKNOWN_TEXT}}
    answer = await engine.check(news)
    assert list(answer.failures) == []
    assert answer.inputs == struct(news)
    assert engine.fake.calls["application.one"] == 0


async def test_a_service_that_is_not_there_fails_the_check(engine: Engine) -> None:
    answer = await engine.check({"applicationId": "gone"})
    assert [failure.property for failure in answer.failures] == ["applicationId"]


async def test_a_server_that_is_away_or_not_configured_is_no_input_s_fault(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.fake.server.up_again_at = 9999.0
    assert [failure.property for failure in (await engine.check(INPUTS)).failures] == [""]
    for name in ("DOKPLOY_ENDPOINT", "DOKPLOY_URL", "DOKPLOY_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    await engine.configure(endpoint=None)
    assert [failure.property for failure in (await engine.check(INPUTS)).failures] == [""]


async def test_two_deployments_of_one_service_are_told(engine: Engine) -> None:
    await engine.check(INPUTS)
    await engine.check(INPUTS)
    assert engine.told.warnings == []
    request = provider_pb2.CheckRequest(urn=CHILD.replace("::web", "::api"), news=struct(INPUTS))
    await engine.servicer.Check(request, Context())
    (warning,) = engine.told.warnings
    assert "with 2 resources: web, api" in warning


async def test_no_server_is_asked_where_its_address_is_not_known_yet(clock: VirtualClock) -> None:
    engine = Engine(clock)
    await engine.configure(endpoint=UNKNOWN_TEXT)
    assert list((await engine.check(INPUTS)).failures) == []
    assert sum(engine.fake.calls.values()) == 0


async def test_a_diff_names_the_trigger_that_changed(engine: Engine) -> None:
    state = values((await engine.create()).properties)
    assert (await engine.diff(state, INPUTS)).changes == provider_pb2.DiffResponse.DIFF_NONE
    change = await engine.diff(state, {**INPUTS, "triggers": {"image_tag": "2"}})
    assert dict.fromkeys(change.detailedDiff) == {"triggers.image_tag": None}
    assert list(change.replaces) == []
    replaced = await engine.diff(state, {**INPUTS, "applicationId": "other"})
    assert list(replaced.replaces) == ["applicationId"]


# --- read and import --------------------------------------------------------------------------------------------


async def test_a_deployment_is_found_by_its_id_and_as_the_latest(engine: Engine) -> None:
    created = await engine.create()
    for resource_id in (created.id, f"application/{SERVICE_ID}/latest"):
        found = await engine.read(resource_id)
        assert found.id == created.id
        assert values(found.inputs) == {"applicationId": SERVICE_ID}
        assert values(found.properties)["status"] == "done"
    assert len(engine.fake.sent) == 1


async def test_the_first_triggers_of_an_imported_deployment_do_not_deploy(engine: Engine) -> None:
    created = await engine.create()
    imported = values((await engine.read(created.id)).properties)
    change = await engine.diff(imported, INPUTS)
    assert dict.fromkeys(change.detailedDiff) == {"triggers": None}
    state = await engine.update(imported, INPUTS)
    assert len(engine.fake.sent) == 1
    assert (await engine.diff(state, INPUTS)).changes == provider_pb2.DiffResponse.DIFF_NONE
    again = await engine.update(state, {**INPUTS, "triggers": {"image_tag": "2"}})
    assert len(engine.fake.sent) == 2
    assert again["deploymentId"] != state["deploymentId"]


@pytest.mark.parametrize("resource_id", [f"application/{SERVICE_ID}/none", "application/gone/latest"])
async def test_what_is_not_there_is_no_state_at_all(engine: Engine, resource_id: str) -> None:
    found = await engine.read(resource_id)
    assert found == provider_pb2.ReadResponse()


@pytest.mark.parametrize("resource_id", ["", "nonsense", f"application/{SERVICE_ID}", "app/x/y", "application//y"])
async def test_an_id_that_can_t_be_meant_is_told_with_its_form(engine: Engine, resource_id: str) -> None:
    with pytest.raises(Aborted, match="application/<application id>/<deployment id>"):
        await engine.read(resource_id)


async def test_a_service_that_is_gone_is_a_resource_that_is_gone(engine: Engine) -> None:
    created = await engine.create()
    state = values(created.properties)
    assert (await engine.read(created.id, state)).id == created.id
    assert await engine.read(created.id, {**state, "applicationId": "gone"}) == provider_pb2.ReadResponse()


# --- functions and failures -------------------------------------------------------------------------------------


async def test_a_function_gives_its_result_in_the_schema_s_names(engine: Engine) -> None:
    await engine.create()
    found = await engine.invoke("getApplicationDeployments", applicationId=SERVICE_ID, limit=1.0, status=["done"])
    [row] = found["deployments"]
    assert row["status"] == "done"
    assert row["createdAt"].endswith("Z")


@pytest.mark.parametrize(
    ("function", "args", "words"),
    [
        ("getApplicationDeployments", {}, "is missing"),
        ("getApplicationDeployments", {"applicationId": "a", "status": "queued"}, "No deployment has the status"),
        ("getRollbackCandidates", {}, "No service is named"),
        ("getNothing", {}, "There is no function"),
    ],
)
async def test_a_function_s_bad_arguments_are_told(
    engine: Engine, function: str, args: dict[str, Any], words: str
) -> None:
    with pytest.raises(Aborted, match=words):
        await engine.invoke(function, **args)


async def test_a_mistake_of_ours_keeps_its_traceback(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> Never:
        raise KeyError("ours")

    monkeypatch.setattr(engine.provider, "create", broken)
    with pytest.raises(Exception, match="ours") as failure:
        await engine.create()
    assert not isinstance(failure.value, Aborted)
    if SDK >= (3, 260):  # older ones raise it as it is
        assert 'File "' in str(failure.value)


async def test_another_address_changes_the_provider_and_replaces_nothing(engine: Engine) -> None:
    request = provider_pb2.DiffRequest(olds=struct({"endpoint": "a"}), news=struct({"endpoint": "b"}))
    answer = await engine.servicer.DiffConfig(request, Context())
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == []
    same = provider_pb2.DiffRequest(olds=struct({"endpoint": "a"}), news=struct({"endpoint": "a"}))
    assert (await engine.servicer.DiffConfig(same, Context())).changes == provider_pb2.DiffResponse.DIFF_NONE
