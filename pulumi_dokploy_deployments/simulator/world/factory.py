"""Creates projects, applications, composes, databases, servers and registries with complete rows."""

import copy

from .ids import iso
from .services import Behaviour, Deployable, Registry, Repository, Server, Service, ServiceKind
from .templates import APPLICATION, COMPOSE, DATABASES, SERVER, Json
from .world import World


def create_project(world: World, name: str, description: str | None = None) -> tuple[Json, Json]:
    """Add a project with its environment `production` (project.create, transcript 10)."""
    project: Json = {
        "projectId": world.ids.nano(),
        "name": name,
        "description": description,
        "createdAt": iso(world.now),
        "organizationId": world.organization_id,
        "env": "",
    }
    world.projects.append(project)
    environment = create_environment(world, project["projectId"], "production", "Production environment", True)
    return project, environment


def create_environment(world: World, project_id: str, name: str, description: str, default: bool = False) -> Json:
    """Add an environment to a project (environment.create, transcript 12)."""
    environment: Json = {
        "environmentId": world.ids.nano(),
        "name": name,
        "description": description,
        "createdAt": iso(world.now),
        "env": "",
        "projectId": project_id,
        "isDefault": default,
    }
    world.environments.append(environment)
    return environment


def _common(world: World, kind: ServiceKind, template: Json, name: str, app_name: str, where: str) -> Json:
    fields = copy.deepcopy(template)
    fields[f"{kind}Id"] = world.ids.nano()
    fields["name"] = name
    fields["appName"] = f"{app_name}-{world.ids.suffix()}"
    fields["createdAt"] = iso(world.now)
    fields["environmentId"] = where
    return fields


def create_application(
    world: World, name: str, environment_id: str, *, app_name: str | None = None, server_id: str | None = None
) -> Deployable:
    """Add an application without a source (application.create, transcript 13)."""
    fields = _common(world, "application", APPLICATION, name, app_name or name, environment_id)
    fields["refreshToken"] = world.ids.nano()
    fields["serverId"] = server_id
    service = Deployable("application", fields, Behaviour(), Repository("http://127.0.0.1:5056/demo.git"))
    world.services[service.id] = service
    return service


def create_compose(
    world: World,
    name: str,
    environment_id: str,
    *,
    app_name: str | None = None,
    compose_type: str = "docker-compose",
    compose_file: str = "",
    server_id: str | None = None,
) -> Deployable:
    """Add a compose (compose.create, transcript 20)."""
    fields = _common(world, "compose", COMPOSE, name, app_name or name, environment_id)
    fields["refreshToken"] = world.ids.nano()
    fields["serverId"] = server_id
    fields["composeType"] = compose_type
    fields["composeFile"] = compose_file
    service = Deployable("compose", fields, Behaviour(), Repository("http://127.0.0.1:5056/demo.git"))
    world.services[service.id] = service
    return service


def docker_application(
    world: World,
    name: str,
    image: str,
    *,
    server_id: str | None = None,
    behaviour: Behaviour | None = None,
    **columns: object,
) -> Deployable:
    """Add an application that runs a docker image, in the first environment; `columns` are further columns."""
    service = create_application(world, name, str(world.environments[0]["environmentId"]), server_id=server_id)
    service.fields |= {"sourceType": "docker", "dockerImage": image} | columns
    service.behaviour = behaviour or Behaviour()
    return service


def git_application(
    world: World,
    name: str,
    message: str,
    *,
    server_id: str | None = None,
    behaviour: Behaviour | None = None,
    **columns: object,
) -> Deployable:
    """Add an application that is built from branch main, whose only commit is `message`, in the first environment."""
    service = create_application(world, name, str(world.environments[0]["environmentId"]), server_id=server_id)
    git = {"sourceType": "git", "customGitUrl": "http://127.0.0.1:5056/demo.git", "customGitBranch": "main"}
    service.fields |= git | {"customGitBuildPath": "/", "watchPaths": [], "buildType": "dockerfile"} | columns
    service.behaviour = behaviour or Behaviour()
    world.push_commit(service.id, message)
    return service


def raw_compose(
    world: World,
    name: str,
    compose_file: str,
    *,
    compose_type: str = "docker-compose",
    server_id: str | None = None,
    env: str = "",
    behaviour: Behaviour | None = None,
) -> Deployable:
    """Add a compose whose file is stored in Dokploy, in the first environment."""
    service = create_compose(
        world,
        name,
        str(world.environments[0]["environmentId"]),
        app_name=f"{name}-compose",
        compose_type=compose_type,
        compose_file=compose_file,
        server_id=server_id,
    )
    service.fields |= {"sourceType": "raw", "env": env}
    service.behaviour = behaviour or Behaviour()
    return service


def create_database(world: World, kind: ServiceKind, name: str, environment_id: str) -> Service:
    """Add a database; it deploys synchronously and has no history."""
    fields = _common(world, kind, DATABASES[kind], name, name, environment_id)
    service = Service(kind, fields, Behaviour())
    world.services[service.id] = service
    return service


def create_server(world: World, name: str, description: str = "") -> Server:
    """Add a remote server with an SSH key (server.create, transcript 181)."""
    fields = copy.deepcopy(SERVER)
    fields |= {
        "serverId": world.ids.nano(),
        "name": name,
        "description": description,
        "appName": f"server-{name}-{world.ids.suffix()}",
        "createdAt": iso(world.now),
        "organizationId": world.organization_id,
        "sshKeyId": world.ids.nano(),
    }
    server = Server(fields)
    world.servers[server.id] = server
    return server


def create_registry(world: World, name: str, url: str = "127.0.0.1:5055", prefix: str = "rb") -> Registry:
    """Add a registry whose (invented) password the API gives away in clear (transcripts 160, 164)."""
    fields: Json = {
        "registryId": world.ids.nano(),
        "registryName": name,
        "imagePrefix": prefix,
        "username": "reg",
        "password": "simulated-registry-password",
        "registryUrl": url,
        "createdAt": iso(world.now),
        "registryType": "cloud",
        "organizationId": world.organization_id,
    }
    registry = Registry(fields)
    world.registries[registry.id] = registry
    return registry
