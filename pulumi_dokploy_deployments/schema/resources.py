"""The resources of the package, one row each. Schema, Python classes and docs come from this table."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel

from pulumi_dokploy_deployments.resources import deployment, release, rollback_target
from pulumi_dokploy_deployments.resources.deployment_model import DeploymentInputs, DeploymentOutputs
from pulumi_dokploy_deployments.resources.fields import SERVICE_ID_FIELDS
from pulumi_dokploy_deployments.resources.inputs import ResourceInputs
from pulumi_dokploy_deployments.resources.release_model import ReleaseInputs, ReleaseOutputs
from pulumi_dokploy_deployments.resources.rollback_target import SELECTORS
from pulumi_dokploy_deployments.resources.rollback_target_model import RollbackTargetInputs, RollbackTargetOutputs
from pulumi_dokploy_deployments.schema import descriptions
from pulumi_dokploy_deployments.schema.fields import Field, Record, Records, fields_of
from pulumi_dokploy_deployments.schema.names import DEPLOYMENT, RELEASE, ROLLBACK_TARGET


@dataclass(frozen=True)
class Resource:
    """One resource.

    Attributes:
        token: its token in the schema, whose last part is the class's name.
        page: its page in docs/resources.
        inputs: what a program declares.
        outputs: what it gives.
        replacing: the inputs whose change needs a new resource.
        description: what it does, in paragraphs.
        imports: the chapter about importing it.
        id_form: the form of the ids that it is imported and looked up by; empty where it can't be.
        choose_one: groups of inputs of which exactly one is given.
        keeps_inputs: whether what only the package reads holds inputs as well, secret ones among them.
    """

    token: str
    page: str
    inputs: type[ResourceInputs]
    outputs: type[BaseModel]
    replacing: tuple[str, ...]
    description: str
    imports: str
    id_form: str
    choose_one: tuple[tuple[str, ...], ...]
    keeps_inputs: bool = False

    @property
    def name(self) -> str:
        """The name of its class."""
        return self.token.rpartition(":")[2]

    @property
    def input_fields(self) -> tuple[Field, ...]:
        """The inputs in their order."""
        return fields_of(self.inputs)

    @property
    def output_fields(self) -> tuple[Field, ...]:
        """The outputs in their order."""
        return fields_of(self.outputs)


def _services(inputs: type[ResourceInputs]) -> tuple[str, ...]:
    return tuple(name for name in SERVICE_ID_FIELDS if name in inputs.model_fields)


RESOURCES = (
    Resource(
        token=DEPLOYMENT,
        page="deployment.md",
        inputs=DeploymentInputs,
        outputs=DeploymentOutputs,
        replacing=deployment.REPLACING,
        description=descriptions.DEPLOYMENT,
        imports=descriptions.DEPLOYMENT_IMPORT,
        id_form="`<kind>/<service id>/<deployment id>`, or `<kind>/<service id>/latest` for the newest deployment",
        choose_one=(_services(DeploymentInputs),),
    ),
    Resource(
        token=RELEASE,
        page="release.md",
        inputs=ReleaseInputs,
        outputs=ReleaseOutputs,
        replacing=release.REPLACING,
        description=descriptions.RELEASE,
        imports=descriptions.RELEASE_IMPORT,
        id_form="",
        choose_one=(),
        keeps_inputs=True,
    ),
    Resource(
        token=ROLLBACK_TARGET,
        page="rollback-target.md",
        inputs=RollbackTargetInputs,
        outputs=RollbackTargetOutputs,
        replacing=rollback_target.REPLACING,
        description=descriptions.ROLLBACK_TARGET,
        imports=descriptions.ROLLBACK_TARGET_IMPORT,
        id_form="`<kind>/<service id>/<rollback id or deployment id>`",
        choose_one=(_services(RollbackTargetInputs), tuple(SELECTORS)),
    ),
)


def nested_models() -> tuple[type[BaseModel], ...]:
    """The models of maps of inputs within the resources' inputs."""
    parts = [part for resource in RESOURCES for field in resource.input_fields for part in field.parts]
    return tuple(dict.fromkeys(part.model for part in parts if isinstance(part, Record | Records)))
