"""Build logs: what Dokploy, git, docker and compose write, when, and where their output is cut."""

import unicodedata
from dataclasses import dataclass, field

from .ids import Ids
from .services import Commit, Deployable, Registry

FAILURE = "\nError occurred ❌, check the logs for details.\n"
"""Last line of every failed deployment, just before its status turns (transcript 36)."""
DEPLOYED = "Docker Compose Deployed: ✅\n"
"""Last line of a compose deployment; a killed one lacks it (transcript 251)."""
PULLED_LATER = (
    "⚠️ INFO: After the build is finished, you need to wait a few seconds for the server to download the image and "
    "run the container.\n📊 Check the Logs tab to see when the container starts running.\n"
)
"""What follows the push of a build server (transcript 580)."""
BANNER_WIDTH = 76
CREATED = 0.88
"""Place in a compose deployment at which the new containers exist."""
EARLY, LATE = 0.2, 0.82


@dataclass
class Script:
    """Pieces of a log with their place in the build: 0 is the row's start, 1 the final status."""

    pieces: list[tuple[float, str]] = field(default_factory=list)
    fails: bool = False
    killable_from: float | None = None

    def add(self, at: float, text: str) -> None:
        """Write `text` at the fraction `at` of the build."""
        self.pieces.append((at, text))

    @staticmethod
    def offset(place: float, duration: float) -> float:
        """Return the seconds after the start of a place in a build of `duration` seconds.

        Cloning and the end take no longer in a long build: what is long is the middle (transcript 300).
        """
        short = min(duration, 1.0)
        if place <= EARLY:
            return place * short
        if place >= LATE:
            return duration - (1 - place) * short
        begin, end = EARLY * short, duration - (1 - LATE) * short
        return begin + (end - begin) * (place - EARLY) / (LATE - EARLY)

    def fail(self, at: float, text: str) -> "Script":
        """End the build with an error that `text` explains."""
        self.add(at, text)
        self.fails = True
        return self


def clone(script: Script, service: Deployable, commit: Commit | None) -> None:
    """Add what `git clone` prints, progress with carriage returns included (transcripts 299, 300)."""
    folder = "applications" if service.kind == "application" else "compose"
    target = f"/etc/dokploy/{folder}/{service.app_name}/code"
    url = service.repository.url if service.repository else str(service.fields.get("customGitUrl"))
    script.add(0.02, f"Cloning Repo Custom {url} to {target}: ✅\nCloning into '{target}'...\n")
    if service.behaviour.build == "clone_fails":
        script.fail(
            0.5,
            "fatal: dumb http transport does not support shallow capabilities\n"
            f"❌ [ERROR] Fail to clone the repository {url}\n",
        )
        return
    if commit is None:
        script.fail(
            0.5,
            f"fatal: Remote branch {service.ref} not found in upstream origin\n"
            f"❌ [ERROR] Fail to clone the repository {url}\n",
        )
        return
    counting = "".join(f"remote: Counting objects: {done}        \r" for done in (" 33% (1/3)", " 66% (2/3)"))
    script.add(
        0.06,
        "remote: Enumerating objects: 3, done.        \n"
        + counting
        + "remote: Counting objects: 100% (3/3)        \rremote: Counting objects: 100% (3/3), done.        \n"
        "remote: Compressing objects:  50% (1/2)        \rremote: Compressing objects: 100% (2/2)        \r"
        "remote: Compressing objects: 100% (2/2), done.        \n"
        "remote: Total 3 (delta 0), reused 0 (delta 0), pack-reused 0        \n",
    )
    script.add(
        0.08,
        "Receiving objects:  33% (1/3)\rReceiving objects:  66% (2/3)\rReceiving objects: 100% (3/3)\r"
        "Receiving objects: 100% (3/3), done.\n",
    )


def image_build(script: Script, service: Deployable, commit: Commit, ids: Ids) -> None:
    """Add a Dockerfile build; `steps` lines come evenly while its RUN instruction works (300, 49)."""
    behaviour = service.behaviour
    script.killable_from = 0.10
    script.add(0.10, f"Building {service.app_name}\n")
    script.add(
        0.12,
        "DEPRECATED: The legacy builder is deprecated and will be removed in a future release.\n"
        "            Install the buildx component to build images with BuildKit:\n"
        "            https://docs.docker.com/go/buildx/\n\n",
    )
    script.add(0.13, "Sending build context to Docker daemon   59.9kB\r\r\n")
    failing = (commit.build or behaviour.build) == "fails"
    running = ids.hexadecimal(12)
    command = "RUN echo building-ok"
    if failing:
        command = "RUN echo about-to-fail && exit 7"
    elif behaviour.steps:
        command = f"RUN for i in $(seq {behaviour.steps}); do echo step $i; sleep 1; done"
    script.add(0.16, f"Step 1/3 : FROM local/busybox:1\n ---> {ids.hexadecimal(12)}\nStep 2/3 : {command}\n")
    script.add(0.18, f" ---> Running in {running}\n")
    if failing:
        script.add(0.6, "about-to-fail\n")
        script.fail(
            0.9,
            "The command '/bin/sh -c echo about-to-fail && exit 7' returned a non-zero code: 7\n"
            "❌ Docker build failed\n",
        )
        return
    if behaviour.steps:
        for step in range(1, behaviour.steps + 1):
            script.add(0.2 + 0.62 * step / behaviour.steps, f"step {step}\n")
    else:
        script.add(0.5, "building-ok\n")
    image = ids.hexadecimal(12)
    container = ids.hexadecimal(12)
    script.add(
        0.84,
        f"Removing intermediate container {running}\n ---> {ids.hexadecimal(12)}\n"
        'Step 3/3 : CMD ["/bin/sh","-c","echo hello from app; sleep 1000000"]\n',
    )
    script.add(0.86, f" ---> Running in {container}\n")
    script.add(0.88, f"Removing intermediate container {container}\n ---> {image}\n")
    script.add(0.89, f"Successfully built {image}\nSuccessfully tagged {service.app_name}:latest\n")
    script.add(0.90, "✅ Docker build completed.\n")


def buildkit(script: Script, service: Deployable, commit: Commit, ids: Ids) -> None:
    """Add a Dockerfile build of BuildKit (transcripts 580, 581)."""
    script.killable_from = 0.10
    script.add(0.10, f"Building {service.app_name}\n")
    script.add(
        0.12,
        '#0 building with "default" instance using docker driver\n\n'
        "#1 [internal] load build definition from Dockerfile\n#1 transferring dockerfile: 116B done\n"
        "#1 DONE 0.0s\n\n#2 [internal] load .dockerignore\n#2 transferring context: 2B done\n#2 DONE 0.0s\n\n"
        "#3 [internal] load metadata for 127.0.0.1:5055/bb:1\n#3 DONE 0.0s\n\n"
        "#4 [1/2] FROM 127.0.0.1:5055/bb:1\n#4 CACHED\n\n",
    )
    behaviour = service.behaviour
    if (commit.build or behaviour.build) == "fails":
        step = '[2/2] RUN ["/bin/busybox","sh","-c","echo about to fail; exit 3"]'
        error = "executor failed running [/bin/busybox sh -c echo about to fail; exit 3]: exit code: 3"
        script.add(0.6, f"#5 {step}\n#5 0.163 about to fail\n")
        script.fail(
            0.9,
            f"#5 ERROR: {error}\n------\n > {step}:\n0.163 about to fail\n------\n"
            f"ERROR: failed to build: failed to solve: {error}\n❌ Docker build failed\n",
        )
        return
    for number in range(1, behaviour.steps + 1):
        script.add(0.2 + 0.62 * number / behaviour.steps, f"#5 {number}.000 step {number}\n")
    script.add(
        0.88,
        f"#5 exporting to image\n#5 exporting layers done\n#5 writing image sha256:{ids.hexadecimal(64)} done\n"
        f"#5 naming to docker.io/library/{service.app_name} done\n#5 DONE 0.0s\n",
    )
    script.add(0.90, "✅ Docker build completed.\n")


def push(script: Script, registry: Registry, image: str, heading: str, ids: Ids, start: float) -> None:
    """Add the upload of an image; docker's lines arrive cut in the middle (transcripts 331, 332)."""
    tag = registry.tag(image)
    kind = registry.fields["registryType"]
    layer, other = ids.hexadecimal(12), ids.hexadecimal(12)
    script.add(start, f"{heading}\n📦 [Enabled Registry] Uploading image to '{kind}' | '{tag}'\n")
    script.add(start + 0.01, "Login Succeeded\n✅ Registry Login Success\n")
    script.add(
        start + 0.02,
        f"✅ Image Tagged\nThe push refers to repository [{tag.rsplit(':', 1)[0]}]\n"
        f"{layer}: Preparing\n{other}: Preparing\n",
    )
    script.add(start + 0.025, f"{other}: ")
    script.add(start + 0.027, f"Layer already exists\n{layer}: Layer already exists\n")
    version = tag.rsplit(":", 1)[1] if ":" in tag.rsplit("/", 1)[1] else "latest"
    script.add(start + 0.03, f"{version}: digest: sha256:{ids.hexadecimal(64)} size: 739\n✅ Image Pushed\n")


def pull(script: Script, service: Deployable, missing: bool, ids: Ids) -> None:
    """Add `docker pull` of a docker-sourced application (transcripts 312, 155)."""
    image = str(service.fields["dockerImage"] or "")
    script.add(0.2, f"Pulling {image}\n")
    if service.fields["username"] and service.fields["password"]:
        script.add(0.3, "Login Succeeded\n")
    if missing:
        script.fail(
            0.6,
            f"Error response from daemon: manifest for {image} not found: manifest unknown: manifest unknown\n"
            "❌ Pulling image failed\n",
        )
        return
    if service.behaviour.build == "fails":
        script.fail(
            0.6,
            f"Error response from daemon: pull access denied for {image}, repository does not exist or may "
            "require 'docker login'\n❌ Pulling image failed\n",
        )
        return
    tail = image.rsplit("/", 1)[-1]
    name, _, tag = tail.partition(":")
    script.add(0.5, f"{tag or 'latest'}: Pulling from {name}\n")
    script.add(0.6, f"Digest: sha256:{ids.hexadecimal(64)}\nStatus: Image is up to date for {image}\n")
    script.add(0.65, f"{image}\n")
    script.add(0.7, "✅ Pulling image completed.\n")


def compose_up(
    script: Script, service: Deployable, creating: bool, members: list[str], refusal: str | None = None
) -> None:
    """Add a compose or stack deployment with Dokploy's banner (transcripts 52, 172, 251).

    `members` are the services of the file; `refusal` is why compose does nothing at all.
    """
    app, raw = service.app_name, service.source_type == "raw"
    stack = service.fields["composeType"] == "stack"
    file = "docker-compose.yml" if raw else str(service.fields["composePath"])
    if raw:
        script.add(0.05, f"File '{file}' created: ✅\n")
    arguments = (
        f"stack deploy -c {file} {app} --prune --with-registry-auth"
        if stack
        else f"compose -p {app} -f {file} up -d --build --remove-orphans"
    )
    source = "docker raw" if raw else service.source_type
    lines = [
        "",
        f"App Name: {app}",
        "Build Compose 🐳",
        "Detected: 0 mounts 📂",
        f"Command: docker {arguments}",
        f"Source Type: {source} ✅",
        f"Compose Type: {service.fields['composeType']} ✅",
        "",
    ]
    script.add(0.1, _banner(lines))
    if service.behaviour.steps:
        for step in range(1, service.behaviour.steps + 1):
            script.add(0.15 + 0.7 * step / service.behaviour.steps, f"step {step}\n")
    commit = service.checked_out
    if service.behaviour.build == "fails" or (commit is not None and commit.build == "fails"):
        script.add(0.5, f'Creating network "{app}_default" with the default driver\n')
        script.fail(
            0.9,
            "Pulling web (local/does-not-exist:1)...\n"
            "pull access denied for local/does-not-exist, repository does not exist or may require "
            "'docker login'\nError: ❌ Docker command failed\n",
        )
        return
    if refusal is not None:
        script.fail(0.9, f"{refusal}\nError: ❌ Docker command failed\n")
        return
    verb = "Creating" if creating else "Recreating"
    for name in members:
        if stack:
            script.add(0.9, f"{verb.replace('Recreating', 'Updating')} service {app}_{name}\n")
        else:
            script.add(CREATED, f" Container {app}-{name}-1  {verb}\n")
            script.add(0.92, f" Container {app}-{name}-1  Started\n")
    script.add(0.95, DEPLOYED)


def _banner(lines: list[str]) -> str:
    wrapped: list[str] = []
    for line in lines:
        current = ""
        for word in line.split(" "):
            if current and _columns(current) + 1 + _columns(word) > BANNER_WIDTH:
                wrapped.append(current)
                current = word
            else:
                current = f"{current} {word}" if current else word
        wrapped.append(current)
    body = "".join(f"║ {line}{' ' * (BANNER_WIDTH - _columns(line))} ║\n" for line in wrapped)
    bar = "═" * (BANNER_WIDTH + 2)
    return f"╔{bar}╗\n{body}╚{bar}╝\n"


def _columns(text: str) -> int:
    """Return the width on a terminal, where an emoji takes two columns."""
    return sum(2 if unicodedata.east_asian_width(character) == "W" else 1 for character in text)
