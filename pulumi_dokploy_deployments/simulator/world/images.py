"""Images on the host and in registries: what a tag holds, so that a rollback really changes what runs."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

from .processes import PROCESS_FIELDS, Process, from_command
from .services import Behaviour
from .tasks import Content
from .templates import Json

ABSENT = ("absent", "does-not-exist", "nosuch")
"""Words in an image name that make it unknown to every registry (transcripts 155, 172, 507)."""


@dataclass(frozen=True)
class LocalImage:
    """An image on the host; `created` is epoch seconds."""

    id: str
    content: Content
    created: float


@dataclass
class Images:
    """Local images by `name:tag` and pushed ones by full tag; `processes` holds what a test says of an image."""

    local: dict[str, LocalImage] = field(default_factory=dict)
    pushed: dict[str, Content] = field(default_factory=dict)
    processes: dict[str, Json] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def is_missing(self, image: str) -> bool:
        """Tell whether pulling `image` fails with `manifest unknown`."""
        return not image or image in self.missing or any(word in image for word in ABSENT)

    def drop_local(self, image: str) -> None:
        """Remove a local tag (`docker image rm`); what was pushed stays in the registry."""
        self.local.pop(image, None)

    def build(self, image_id: str, name: str, content: Content, created: float) -> None:
        """Tag a freshly built image."""
        self.local[name] = LocalImage(image_id, content, created)

    def content(self, image: str, behaviour: Behaviour, command: str | Sequence[str] | None = None) -> Content:
        """Return what a container of `image` will be and do."""
        known = self.pushed.get(image)
        if known is None and image in self.local:
            known = self.local[image].content
        if known is None:
            process = dataclasses.replace(behaviour.process, **self.processes.get(image, {}))
            known = of_process(process, missing=self.is_missing(image))
        return of_process(from_command(command, known), known.commit, known.version, known.missing)


def of_process(
    process: Process, commit: str | None = None, version: int | None = None, missing: bool = False
) -> Content:
    """Return the content of an image whose containers do what `process` says."""
    fields = {name: getattr(process, name) for name in PROCESS_FIELDS}
    return Content(**fields, commit=commit, version=version, missing=missing)
