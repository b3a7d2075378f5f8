"""From what a service is set to now to what is wanted, as one partial update that can be taken back; pure."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import SecretStr

from pulumi_dokploy_deployments.api.models import Service
from pulumi_dokploy_deployments.settings.env_text import (
    UnwritableValue,
    variables_of,
    with_variables,
    without_variable,
)
from pulumi_dokploy_deployments.settings.wanted import SettingRefused, Wanted, image_field, ref_field, refusal

ENV_FIELD = "env"


@dataclass(frozen=True)
class Current:
    """What a service is set to now, as far as it matters."""

    service: Service
    env_text: SecretStr | None = None
    """Its environment to the letter; None where it was not read, since no variable is named."""

    @property
    def image(self) -> str | None:
        """The image that it is deployed from; None where it is not deployed from one."""
        return self.service.docker_image if image_field(self.service) is not None else None

    @property
    def git_ref(self) -> str | None:
        """The branch or tag that it is built from; None where it is not built from git."""
        return self.service.git_ref

    def column(self, name: str) -> str:
        """A wire field of it; an empty text where it is not set."""
        if name == ENV_FIELD:
            return self.env_text.get_secret_value() if self.env_text is not None else ""
        return (self.service.docker_image if name == image_field(self.service) else self.service.git_ref) or ""


@dataclass(frozen=True)
class SettingsChange:
    """One partial update: the wire fields that differ, before and after. Empty where nothing differs."""

    wanted: Wanted
    before: Mapping[str, str] = field(default_factory=dict, repr=False)
    after: Mapping[str, str] = field(default_factory=dict, repr=False)
    image_before: str | None = None
    """What the image was set to; None where no image is named."""
    git_ref_before: str | None = None
    added: tuple[str, ...] = ()
    """The variables that were not there."""
    changed: tuple[str, ...] = ()
    """The variables that had another value."""

    def __bool__(self) -> bool:
        return bool(self.after)

    @property
    def told(self) -> str:
        """What changes, for a line; of variables the names alone."""
        parts = []
        if self.wanted.image is not None and self.image_before != self.wanted.image:
            parts.append(f"image {self.image_before or '(none)'} → {self.wanted.image}")
        if self.wanted.git_ref is not None and self.git_ref_before != self.wanted.git_ref:
            parts.append(f"git ref {self.git_ref_before or '(none)'} → {self.wanted.git_ref}")
        if names := (*self.changed, *self.added):
            parts.append(f"{'variable' if len(names) == 1 else 'variables'} {', '.join(names)}")
        return ", ".join(parts)


def change_of(current: Current, wanted: Wanted) -> SettingsChange:
    """The update that makes the service what is wanted.

    Raises:
        SettingRefused: this service can't be set to it.
    """
    refused = refusal(current.service, wanted)
    if refused is not None:
        raise refused
    columns: dict[str, str] = {}
    if wanted.image is not None and (column := image_field(current.service)) is not None:
        columns[column] = wanted.image
    if wanted.git_ref is not None and (column := ref_field(current.service)) is not None:
        columns[column] = wanted.git_ref
    there: Mapping[str, str] = {}
    if wanted.env:
        text = current.column(ENV_FIELD)
        there = variables_of(text)
        columns[ENV_FIELD] = _edited(text, wanted.env)
    after = {name: value for name, value in columns.items() if value != current.column(name)}
    return SettingsChange(
        wanted=wanted,
        before={name: current.column(name) for name in after},
        after=after,
        image_before=current.image if wanted.image is not None else None,
        git_ref_before=current.git_ref if wanted.git_ref is not None else None,
        added=tuple(name for name in wanted.env if name not in there),
        changed=tuple(name for name, value in wanted.env.items() if name in there and there[name] != value),
    )


def way_back(current: Current, change: SettingsChange) -> tuple[dict[str, str], tuple[str, ...]]:
    """The update that takes a change back, and what stays of what someone else has set meanwhile.

    A column that still is what the change has made of it gets what it was, to the letter. In an environment that
    someone has edited meanwhile, only the variables that still have our value are set to what they were; where such
    a text can't hold the earlier value, or the line of one that was added has become somebody's own, it stays too.
    """
    columns: dict[str, str] = {}
    left: list[str] = []
    for name, after in change.after.items():
        now = current.column(name)
        if now == after:
            columns[name] = change.before[name]
        elif name == ENV_FIELD:
            edited = _with_ours_taken_back(now, change)
            if edited != now:
                columns[name] = edited
            left += _left_in(edited, change)
        elif now != change.before[name]:
            left.append(now)
    return columns, tuple(left)


def _edited(text: str, variables: Mapping[str, str]) -> str:
    try:
        return with_variables(text, variables)
    except UnwritableValue as error:
        reason = str(error)
    # Raised here and not above, so that nothing of the text goes along.
    raise SettingRefused(f"{reason[:1].upper()}{reason[1:]}.", property_name="env")


def _left_in(edited: str, change: SettingsChange) -> list[str]:
    """The variables of the change that are not what they were before it."""
    there, earlier = variables_of(edited), variables_of(change.before[ENV_FIELD])
    return [
        f"an environment in which {name} can't be put back"
        if there.get(name) == change.wanted.env[name]
        else f"another value of {name}"
        for name in (*change.changed, *change.added)
        if there.get(name) != earlier.get(name)
    ]


def _with_ours_taken_back(now: str, change: SettingsChange) -> str:
    there, earlier = variables_of(now), variables_of(change.before[ENV_FIELD])
    text = now
    for name, value in change.wanted.env.items():
        if there.get(name) != value:
            continue
        if name not in earlier:
            text = without_variable(text, name)
            continue
        with suppress(UnwritableValue):
            text = with_variables(text, {name: earlier[name]})
    return text
