"""Settings of one service: its environment variables, and what a database's update changes (transcripts 560-570)."""

from pulumi_dokploy_deployments.simulator.http.errors import ApiError
from pulumi_dokploy_deployments.simulator.http.procedure import Context, Registry
from pulumi_dokploy_deployments.simulator.http.schema import EVERYTHING, ID, Field, Schema
from pulumi_dokploy_deployments.simulator.world.services import DATABASE_KINDS
from pulumi_dokploy_deployments.simulator.world.templates import Json

from .application import LOOSE, STRING
from .updates import TEXT, changes

router = Registry()
WANTED = Field(filled_in=True)
ENVIRONMENT: Schema = {
    "applicationId": STRING,
    "env": WANTED,
    "buildArgs": WANTED,
    "buildSecrets": WANTED,
    "createEnvFile": Field("boolean", filled_in=True),
}


def _save(context: Context, kind: str, given: Json, refusal: str) -> bool:
    """Store the given columns as they are: the text of `env` is kept to the letter."""
    service_id = str(given[f"{kind}Id"])
    context.require(service_id)
    context.query(service_id)
    service = context.world.services.get(service_id)
    if service is None or service.kind != kind:
        raise ApiError("BAD_REQUEST", refusal)
    service.update(given)
    return True


@router.mutation("application.saveEnvironment", ENVIRONMENT)
def save_environment(context: Context, given: Json) -> object:
    """Store an application's variables; all four fields are wanted (transcript 560)."""
    context.deployable("application", given).update(given)
    return True


@router.mutation(
    "compose.saveEnvironment",
    {"composeId": STRING, "env": WANTED, "createEnvFile": Field("boolean", optional=True)},
)
def save_compose_environment(context: Context, given: Json) -> object:
    """Store a compose's variables (transcript 567)."""
    return _save(context, "compose", given, "Error adding environment variables")


def _database(kind: str) -> None:
    key, title = f"{kind}Id", kind.capitalize()

    @router.mutation(f"{kind}.saveEnvironment", {key: STRING, "env": WANTED})
    def save_database_environment(context: Context, given: Json) -> object:
        """Store a database's variables (transcript 570)."""
        return _save(context, kind, given, "Error adding environment variables")

    @router.mutation(f"{kind}.update", {key: ID, "dockerImage": TEXT, "env": TEXT, EVERYTHING: LOOSE})
    def update(context: Context, given: Json) -> object:
        """Change the given columns alone, the image to whatever text (transcript 569)."""
        context.require(given[key])
        if not changes(given, key):
            raise ApiError("INTERNAL_SERVER_ERROR", "No values to set")
        return _save(context, kind, given, f"Error updating {title}")


for _kind in DATABASE_KINDS:
    _database(_kind)
