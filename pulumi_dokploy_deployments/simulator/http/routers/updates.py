"""What application.update and compose.update accept, column by column (transcripts 402 to 407)."""

from collections.abc import Iterable

from pulumi_dokploy_deployments.simulator.http.schema import ID, Field, Schema
from pulumi_dokploy_deployments.simulator.world.templates import APPLICATION, COMPOSE, Json

TEXT = Field(optional=True)
TEXT_OR_NULL = Field(optional=True, nullable=True)
NAME = Field(optional=True, minimum=1)
APP_NAME = Field(
    optional=True,
    minimum=1,
    pattern="^[a-zA-Z0-9._-]+$",
    pattern_message="App name can only contain letters, numbers, dots, underscores and hyphens",
)
NUMBER = Field("number", optional=True, coerced=True, whole=False)
NUMBER_OR_NULL = Field("number", optional=True, nullable=True, coerced=True, whole=False)
FLAG = Field("boolean", optional=True, coerced=True)
FLAG_OR_NULL = Field("boolean", optional=True, nullable=True, coerced=True)
LIST = Field("array", optional=True, nullable=True)
OBJECT = Field("object", optional=True, nullable=True)
RECORD = Field("record", optional=True, nullable=True)


def _one_of(*options: str, nullable: bool = False) -> Field:
    return Field(options=options, optional=True, nullable=nullable)


STATUS = _one_of("idle", "running", "done", "error")
TRIGGER = _one_of("push", "tag", nullable=True)


def _named(field: Field, names: str) -> Schema:
    return dict.fromkeys(names.split(), field)


COMMON: Schema = {
    "name": NAME,
    "appName": APP_NAME,
    "triggerType": TRIGGER,
    **_named(TEXT, "environmentId createdAt"),
    **_named(NUMBER_OR_NULL, "gitlabProjectId"),
    **_named(FLAG, "enableSubmodules createEnvFile"),
    **_named(FLAG_OR_NULL, "autoDeploy"),
    **_named(LIST, "watchPaths"),
}
OF_APPLICATIONS: Schema = COMMON | {
    "sourceType": _one_of("github", "docker", "git", "gitlab", "bitbucket", "gitea", "drop"),
    "buildType": _one_of("dockerfile", "heroku_buildpacks", "paketo_buildpacks", "nixpacks", "static", "railpack"),
    "applicationStatus": STATUS,
    "previewCertificateType": _one_of("letsencrypt", "none", "custom"),
    "labelsSwarm": RECORD,
    "replicas": NUMBER,
    **_named(NUMBER_OR_NULL, "previewPort previewLimit stopGracePeriodSwarm"),
    **_named(FLAG, "previewHttps detachDokployNetwork"),
    **_named(FLAG_OR_NULL, "isPreviewDeploymentsActive previewRequireCollaboratorPermissions rollbackActive"),
    **_named(FLAG_OR_NULL, "enabled cleanCache isStaticSpa"),
    **_named(LIST, "previewLabels args networkSwarm ulimitsSwarm networkIds"),
    **_named(OBJECT, "healthCheckSwarm restartPolicySwarm placementSwarm updateConfigSwarm rollbackConfigSwarm"),
    **_named(OBJECT, "modeSwarm endpointSpecSwarm"),
}
OF_COMPOSES: Schema = COMMON | {
    "sourceType": _one_of("git", "github", "gitlab", "bitbucket", "gitea", "raw"),
    "composeType": _one_of("docker-compose", "stack"),
    "composeStatus": STATUS,
    "composePath": NAME,
    **_named(TEXT, "composeFile command suffix"),
    **_named(FLAG, "randomize isolatedDeployment isolatedDeploymentsVolume"),
    **_named(LIST, "serviceNetworks"),
}


def _schema(key: str, field: Field, template: Iterable[str], special: Schema) -> Schema:
    """Return the columns in their order, since findings come in it; most are texts that may be null.

    A serverId is not among the input: it is dropped, whatever it holds.
    """
    columns = {name: special.get(name, TEXT_OR_NULL) for name in template if name not in {key, "serverId"}}
    return {key: field, **columns}


APPLICATION_UPDATE = _schema("applicationId", ID, APPLICATION, OF_APPLICATIONS)
# An empty compose id is no finding, other than an empty application id (403).
COMPOSE_UPDATE = _schema("composeId", Field(), COMPOSE, OF_COMPOSES)


def changes(given: Json, key: str) -> Json:
    """Return what is really set: neither the id nor the appName are."""
    return {name: value for name, value in given.items() if name not in {key, "appName"}}
