"""Router `user`: who the key's person is, what that person may do, and which keys that person has."""

from pulumi_dokploy_deployments.simulator.http.errors import ApiError
from pulumi_dokploy_deployments.simulator.http.procedure import VOID, Context, Registry
from pulumi_dokploy_deployments.simulator.http.schema import EVERYTHING, ID
from pulumi_dokploy_deployments.simulator.world.ids import iso
from pulumi_dokploy_deployments.simulator.world.templates import Json

from .application import LOOSE

router = Registry()
FLAGS = (
    "canCreateProjects",
    "canAccessToSSHKeys",
    "canCreateServices",
    "canDeleteProjects",
    "canDeleteServices",
    "canAccessToDocker",
    "canAccessToAPI",
    "canAccessToGitProviders",
    "canAccessToTraefikFiles",
    "canDeleteEnvironments",
    "canCreateEnvironments",
)
"""What a member can be granted one by one; an owner has all of it without."""


def _person(context: Context) -> Json:
    person = context.principal.person
    return {
        "id": context.world.access.ids_of(context.principal)[0],
        "firstName": person.capitalize(),
        "lastName": "",
        "email": f"{person}@example.com",
        "image": None,
        "allowImpersonation": False,
        "twoFactorEnabled": False,
        "stripeCustomerId": None,
        "stripeSubscriptionId": None,
        "serversQuantity": 0,
        "isEnterpriseCloud": False,
        "sendInvoiceNotifications": False,
    }


def _keys(context: Context) -> list[Json]:
    world = context.world
    user_id, _ = world.access.ids_of(context.principal)
    return [key.record(user_id, world.organization_id) for key in world.access.keys_of(context.principal)]


@router.query("user.get")
def get(context: Context, given: Json) -> object:
    """Return the person as a member of the organization, keys in brief (transcript 421)."""
    world, principal = context.world, context.principal
    user_id, member_id = world.access.ids_of(principal)
    brief = ("id", "name", "prefix", "enabled", "expiresAt", "createdAt")
    keys = [{column: key[column] for column in brief} for key in _keys(context)]
    seen = [service for service in world.services.values() if principal.may_access(service.id)]
    places = {str(service.fields["environmentId"]) for service in seen}
    environments = [item for item in world.environments if item["environmentId"] in places]
    return {
        "id": member_id,
        "organizationId": world.organization_id,
        "userId": user_id,
        "role": principal.role,
        "createdAt": iso(world.access.created_of(principal)),
        "teamId": None,
        "isDefault": True,
        **dict.fromkeys(FLAGS, False),
        "canAccessToDocker": principal.docker,
        "accessedProjects": sorted({str(item["projectId"]) for item in environments}),
        "accessedEnvironments": [item["environmentId"] for item in environments],
        "accessedServices": [service.id for service in seen],
        "accessedGitProviders": [],
        "accessedServers": [],
        "user": _person(context) | {"apiKeys": keys},
    }


@router.query("user.getPermissions")
def get_permissions(context: Context, given: Json) -> object:
    """Return every permission, granted or not (transcript 422)."""
    return context.principal.permissions()


@router.query("user.getBackups")
def get_backups(context: Context, given: Json) -> object:
    """Return an owner's whole account: with hash, limit and count of each of the own keys (transcript 423)."""
    if not context.principal.privileged:
        raise ApiError("UNAUTHORIZED", "UNAUTHORIZED")
    created = iso(context.world.access.created_of(context.principal))
    return {
        **_person(context),
        "isRegistered": False,
        "expirationDate": created,
        "createdAt2": created,
        "createdAt": created,
        "emailVerified": False,
        "banned": False,
        "banReason": None,
        "banExpires": None,
        "updatedAt": created,
        "role": "user",
        "enablePaidFeatures": False,
        "enableEnterpriseFeatures": False,
        "licenseKey": None,
        "isValidEnterpriseLicense": False,
        "trustedOrigins": None,
        "bookmarkedTemplates": [],
        "backups": [],
        "apiKeys": _keys(context),
    }


@router.mutation("user.assignPermissions", {"id": ID, EVERYTHING: LOOSE})
def assign_permissions(context: Context, given: Json) -> object:
    """Set what a member may touch; `id` is the name of the member's key (transcript 206)."""
    context.world.access.grant(given["id"], given.get("accessedServices") or [], given.get("canAccessToDocker"))
    return VOID
