"""The ready-made instance: services for every outcome, keys for every answer, and how to find them."""

from . import factory, outcomes
from .access import DEFAULT_LIMIT, ApiKey, Principal
from .ids import log_stamp
from .logs import path_of
from .processes import Runtime
from .services import DATABASE_KINDS, Behaviour, Deployable
from .tasks import Content
from .templates import Json
from .world import World

SECRET_ENVIRONMENT = "SECRET_TOKEN=simulated-environment-secret\nMODE=production"
COMPOSE_FILE = "services:\n  web:\n    image: local/busybox:1\n    command: sleep 1000000\n"
PAUSE = {"Parallelism": 1, "FailureAction": "pause", "Order": "stop-first", "Monitor": 5_000_000_000}


def populate(world: World, build_seconds: float, slow_seconds: float) -> Json:
    """Fill an empty world; return what the first line of stdout tells: ids by name, keys, names."""
    _, environment = factory.create_project(world, "demo", "simulated")
    where = str(environment["environmentId"])
    registry = factory.create_registry(world, "local")
    server = factory.create_server(world, "remote")
    server_ids = {"remote": server.id}
    # The cloud has no host of its own for services.
    home = server.id if world.cloud else None

    def git(name: str, message: str, behaviour: Behaviour, server_id: str | None = None) -> Deployable:
        service = factory.create_application(world, name, where, server_id=server_id or home)
        service.fields |= {
            "sourceType": "git",
            "customGitUrl": "http://127.0.0.1:5056/demo.git",
            "customGitBranch": "main",
            "customGitBuildPath": "/",
            "watchPaths": [],
            "buildType": "dockerfile",
            "env": SECRET_ENVIRONMENT,
        }
        service.behaviour = behaviour
        world.push_commit(service.id, message)
        return service

    def docker(name: str, behaviour: Behaviour, **fields: object) -> Deployable:
        service = factory.create_application(world, name, where, server_id=home)
        service.fields |= {
            "sourceType": "docker",
            "dockerImage": f"127.0.0.1:5055/reg/{name}:2",
            "username": "reg",
            "password": "simulated-pull-password",
            "registryUrl": "127.0.0.1:5055",
            "env": SECRET_ENVIRONMENT,
        } | fields
        service.behaviour = behaviour
        return service

    quick = min(0.05, build_seconds)
    slow_steps = max(1, min(round(slow_seconds), 60))
    ok = git("ok", "feat: good commit on main", Behaviour(build_seconds=build_seconds))
    ok.fields |= {"rollbackActive": True, "rollbackRegistryId": registry.id}
    git("broken", "fix: a broken Dockerfile", Behaviour(build="fails", build_seconds=build_seconds))
    git("slow", "chore: a slow build", Behaviour(build_seconds=slow_seconds, steps=slow_steps))
    git("git", "feat: first commit", Behaviour(build_seconds=build_seconds))
    git("other", "feat: another application", Behaviour(build_seconds=build_seconds))
    git("remote", "feat: on a remote server", Behaviour(build_seconds=build_seconds), server.id)
    docker("docker", Behaviour(build_seconds=quick))
    crash = docker("crash", Behaviour(build_seconds=build_seconds))
    unhealthy = docker("unhealthy", Behaviour(build_seconds=quick))
    paused = docker("paused", Behaviour(build_seconds=quick), updateConfigSwarm=dict(PAUSE))
    docker("crashloop", Behaviour(runtime="exits", build_seconds=quick))
    docker("replicas", Behaviour(build_seconds=quick), replicas=3)
    docker("zero", Behaviour(build_seconds=quick), replicas=0)
    failing: list[tuple[Deployable, Runtime]] = [(crash, "exits"), (unhealthy, "unhealthy"), (paused, "exits")]
    for service, runtime in failing:
        world.set_image(str(service.fields["dockerImage"]), runtime=runtime)
        _older_version(world, service, f"127.0.0.1:5055/reg/{service.name}:1")
    _composes(world, where, home, build_seconds, slow_seconds, slow_steps)
    databases = {kind: factory.create_database(world, kind, kind, where).id for kind in DATABASE_KINDS}
    keys = _keys(world)
    # These come last, so that older services and keys keep the ids that a seed gave them.
    server_ids["build"] = outcomes.populate(world, build_seconds, registry).id
    world.access.grant("no_docker", list(world.services), docker=False)
    applications = {s.name: s for s in world.services.values() if s.kind == "application"}
    composes = {s.name: s for s in world.services.values() if s.kind == "compose"}
    return {
        "api_key": keys["owner"],
        "applications": {name: service.id for name, service in applications.items()},
        "composes": {name: service.id for name, service in composes.items()},
        "databases": databases,
        "servers": server_ids,
        "api_keys": keys,
        "app_names": {
            "applications": {name: service.app_name for name, service in applications.items()},
            "composes": {name: service.app_name for name, service in composes.items()},
        },
        "refresh_tokens": {name: service.fields["refreshToken"] for name, service in applications.items()},
        "registries": {"local": registry.id},
        "environment_id": where,
        "secrets": [
            "simulated-registry-password",
            "simulated-environment-secret",
            "simulated-pull-password",
            "simulated-database-password",
            "simulated-root-password",
        ],
    }


def _older_version(world: World, service: Deployable, image: str) -> None:
    """Let a good version run since the world's start, with its row: Swarm can roll back to it."""
    row = world.history.insert(
        world.now,
        owner={"applicationId": service.id},
        title="Manual deployment",
        description="",
        log_path=path_of(service.app_name, log_stamp(world.now)),
    )
    world.logs.create(str(row.fields["logPath"])).chunks.append(
        f"Initializing deployment\nPulling {image}\n✅ Pulling image completed.\n"
    )
    world.history.finish(row, "done", world.now + 0.05)
    service.set_status("done")
    content = Content(start_seconds=service.behaviour.start_seconds)
    world.swarm.deploy(service.app_name, service.server_id, world.spec_of(service, image, content))


def _composes(
    world: World, where: str, home: str | None, build_seconds: float, slow_seconds: float, slow_steps: int
) -> None:
    behaviours = {
        "ok": Behaviour(build_seconds=build_seconds),
        "broken": Behaviour(build="fails", build_seconds=build_seconds),
        "git": Behaviour(build_seconds=build_seconds),
        "slow": Behaviour(build_seconds=slow_seconds, steps=slow_steps),
        "stack": Behaviour(build_seconds=min(0.05, build_seconds)),
    }
    for name, behaviour in behaviours.items():
        kind = "stack" if name == "stack" else "docker-compose"
        compose = factory.create_compose(
            world,
            name,
            where,
            app_name=f"{name}-compose",
            compose_type=kind,
            compose_file=COMPOSE_FILE,
            server_id=home,
        )
        compose.behaviour = behaviour
        if name == "git":
            compose.fields |= {
                "sourceType": "git",
                "customGitUrl": "http://127.0.0.1:5056/demo.git",
                "customGitBranch": "main",
                "composeFile": "",
            }
            world.push_commit(f"compose:{name}", "compose: first commit")
        else:
            compose.fields["sourceType"] = "raw"


def keys(world: World) -> Json:
    """Create the keys of an otherwise empty instance; return the part of `ready` that tells them."""
    created = _keys(world)
    return {"api_key": created["owner"], "api_keys": created}


def _keys(world: World) -> Json:
    """Create one key per way of being answered; values are the secrets."""
    everything = {service.id for service in world.services.values()}
    owner = Principal("owner")
    people = {
        "owner": ApiKey(world.ids.api_key("ul"), owner),
        "rate_limited": ApiKey(world.ids.api_key("df"), Principal("rate_limited", user="owner"), limit=DEFAULT_LIMIT),
        "member": ApiKey(world.ids.api_key("mb"), Principal("member", "member")),
        "no_docker": ApiKey(world.ids.api_key("nd"), Principal("no_docker", "member", everything)),
    }
    for key in people.values():
        key.created = world.now
    return {name: world.access.add(key).secret for name, key in people.items()}
