"""Ready-made services of the instance for everything that can become of what a good deployment starts."""

from typing import Any

from . import factory
from .services import Behaviour, Build, Registry, Server
from .templates import Json
from .world import World

IMAGES = "127.0.0.1:5055"
FATAL = ("starting", "FATAL: cannot reach db:5432")
"""What the process of transcripts 522 to 524 and 531 writes before it ends with 7."""
SERVICE = "  {name}:\n    image: 127.0.0.1:5055/bb:1\n    command: {command}\n"
STAYS = "['/bin/busybox','sleep','100000']"
DB = "services:\n" + SERVICE.format(name="db", command=STAYS)
WEB = "services:\n" + SERVICE.format(name="web", command=STAYS)
CHECK = "    healthcheck:\n      test: ['CMD','/bin/busybox','false']\n      interval: 1s\n      retries: 2\n"
COMPOSES = {
    "crash": f"{DB}  web:\n    image: {IMAGES}/fatal:1\n    restart: unless-stopped\n",
    "loop4": "services:\n"
    + SERVICE.format(name="web", command="['/bin/busybox','sh','-c','/bin/busybox sleep 4; exit 1']")
    + "    restart: always\n",
    "exit3": "services:\n" + SERVICE.format(name="web", command="['/bin/busybox','sh','-c','exit 3']"),
    "unhealthy": WEB + CHECK,
    "job": WEB + SERVICE.format(name="init", command="['/bin/busybox','true']"),
    "scaled": f"{WEB}    scale: 3\n",
    "profile": WEB + SERVICE.format(name="mig", command="['/bin/busybox','false']") + "    profiles: [tools]\n",
    "missing": f"services:\n  web:\n    image: {IMAGES}/nosuch:1\n",
    "tag": f"services:\n  web:\n    image: {IMAGES}/bb:${{TAG}}\n    command: {STAYS}\n",
}
"""Composes by name (transcripts 531, 505, 502, 503, 504, 515, 516, 507, 571)."""
STACKS = {
    "stack-crash": DB + SERVICE.format(name="web", command="['/bin/busybox','sh','-c','exit 1']"),
    "stack-missing": f"services:\n  web:\n    image: {IMAGES}/nosuch:9\n",
}
"""Stacks by name (transcripts 510, 538)."""
HOST_PORT = {"Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}]}


def populate(world: World, build_seconds: float, registry: Registry) -> Server:
    """Add the services; return the build server that some of them use."""
    quick = min(0.05, build_seconds)
    build = factory.create_server(world, "build")
    world.set_image(f"{IMAGES}/fatal:1", runtime="exits", exit_code=7, output=FATAL)
    world.set_image(f"{IMAGES}/bb:9", missing=True)

    def application(name: str, behaviour: Behaviour, image: str = "bb:1", **columns: Any) -> None:
        behaviour.build_seconds = quick
        factory.docker_application(world, name, f"{IMAGES}/{image}", behaviour=behaviour, **columns)

    application("exit0", Behaviour(runtime="exits", exit_code=0, output=("migrated",)), "done:1")
    application("fatal", Behaviour(), "fatal:1")
    application("late", Behaviour(runtime="exits", exit_after=9.0), "late:1")
    application("oom", Behaviour(runtime="exits", exit_after=2.0, exit_code=137, oom_killed=True), "oom:1")
    application("slowready", Behaviour(ready_after=12.0), "ready:1")
    never: Json = {"Condition": "none"}
    application("once0", Behaviour(runtime="exits", exit_code=0), "done:1", restartPolicySwarm=never)
    application("once7", Behaviour(), "fatal:1", restartPolicySwarm=never)
    twice = {"Condition": "on-failure", "Delay": 1_000_000_000, "MaxAttempts": 2}
    application("max2", Behaviour(), "fatal:1", restartPolicySwarm=twice)
    application("unplaceable", Behaviour(), placementSwarm={"Constraints": ["node.labels.disk==ssd"]})
    application("hostport", Behaviour(), endpointSpecSwarm=dict(HOST_PORT))
    columns: Json = {"buildServerId": build.id, "buildRegistryId": registry.id}
    builds: dict[str, Build] = {"buildserver": "ok", "buildserver-broken": "fails"}
    for name, outcome in builds.items():
        behaviour = Behaviour(build=outcome, build_seconds=build_seconds)
        factory.git_application(world, name, "feat: built elsewhere", behaviour=behaviour, **columns)
    for name, text in COMPOSES.items():
        env = "TAG=1" if name == "tag" else ""
        factory.raw_compose(world, name, text, env=env, behaviour=Behaviour(build_seconds=build_seconds))
    for name, text in STACKS.items():
        factory.raw_compose(world, name, text, compose_type="stack", behaviour=Behaviour(build_seconds=quick))
    return build
