"""One input or argument of a model as an option needs it; the table of them is `option_texts`, which is generated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OptionText:
    """What a model says of one field.

    Attributes:
        name: the field's name in the model.
        meaning: its description, with names and values between backticks.
        default: what counts when it is not given.
        least: the smallest number that it may be; None where there is no such bound.
        most: the largest one.
    """

    name: str
    meaning: str
    default: str | float | bool | None = None
    least: float | None = None
    most: float | None = None
