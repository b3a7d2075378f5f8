"""The permissions that Dokploy knows, and those of a member's role (transcript 422)."""


def _parse(text: str) -> dict[str, tuple[str, ...]]:
    lines = (line.split(":") for line in text.split("\n") if line)
    return {resource.strip(): tuple(actions.split()) for resource, actions in lines}


STATEMENTS = _parse("""
organization: update delete
member: read create update delete
invitation: create cancel
team: create update delete
ac: create read update delete
project: create delete
service: create read delete
environment: create read delete
docker: read
sshKeys: read create delete
gitProviders: read create delete
traefikFiles: read write
api: read
volume: read create delete
deployment: read create cancel
envVars: read write
projectEnvVars: read write
environmentEnvVars: read write
server: read create delete
registry: read create delete
certificate: read create update delete
backup: read create update delete restore
volumeBackup: read create update delete restore
schedule: read create update delete
domain: read create delete
destination: read create delete
notification: read create update delete
tag: read create update delete
logs: read
monitoring: read
auditLog: read
vaultProvider: read create update delete
dnsProvider: read create update delete
""")
"""Actions by resource; an owner may do all of them."""

MEMBER = _parse("""
ac: read
service: read
environment: read
volume: read create delete
deployment: read create cancel
envVars: read write
projectEnvVars: read write
environmentEnvVars: read write
backup: read create update delete restore
volumeBackup: read create update delete restore
schedule: read create update delete
domain: read create delete
logs: read
monitoring: read
tag: read
vaultProvider: read
""")
"""What a member may do without a grant, within the services that the member has access to."""
