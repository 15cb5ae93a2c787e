"""The plan of a selection: a config's ``selection = dict(name=..., steps=[...])``."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from mmbdg.compat.config_keys import Role, register_part
from mmbdg.errors import InputError, nearest
from mmbdg.registry import SELECTIONS
from mmbdg.schema import PlainName, validated
from mmbdg.synthesis.selections.base import Selection


@dataclass(frozen=True)
class SelectionPlan:
    """Name and steps of a selection.

    Attributes:
        name: Name of the selection and of its files.
        steps: Configs of :class:`~mmbdg.synthesis.selections.Selection`, at least one. Each step chooses among the samples
            that the step before it kept.

    Raises:
        InputError: The name is not a plain file name, or there is no step.
    """

    name: str
    steps: Sequence[Mapping[str, Any]]

    def __post_init__(self) -> None:
        validated(PlainName, self.name, 'selection.name')
        if not isinstance(self.steps, list | tuple) or not self.steps:
            raise InputError(f"selection.steps must be a list of at least one dict(type='mmbdg.X', ...), got {self.steps!r}")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> 'SelectionPlan':
        """Create the plan from ``selection = dict(...)`` of a config.

        Raises:
            InputError: A key is missing or unknown, or a value is invalid.
        """
        if not isinstance(config, Mapping):
            raise InputError(f'selection must be a dict(name=..., steps=[...]), got {config!r}')
        names = {entry.name for entry in fields(cls)}
        if unknown := sorted(set(config) - names):
            raise InputError(f'selection takes no "{unknown[0]}"{nearest(unknown[0], names)}; it takes {", ".join(sorted(names))}')
        if missing := sorted(names - set(config)):
            raise InputError(f'selection.{missing[0]} is missing: selection needs {", ".join(sorted(names))}')
        return cls(**config)

    def build(self) -> list[Selection]:
        """Build the steps.

        Raises:
            InputError: The type of a step is unknown, or its arguments are invalid.
        """
        return [self._built(number, dict(step) if isinstance(step, Mapping) else step) for number, step in enumerate(self.steps)]

    def _built(self, number: int, step: Any) -> Selection:
        place = f'selection.steps.{number}'
        if not isinstance(step, dict) or not isinstance(step.get('type'), str):
            raise InputError(f"{place} must be a dict(type='mmbdg.X', ...), got {step!r}")
        kind = SELECTIONS.get(step['type'])
        if not inspect.isclass(kind) or not issubclass(kind, Selection):
            raise InputError(f'{place}.type: there is no selection "{step["type"]}"{nearest(step["type"], _types())}')
        step.pop('_scope_', None)
        step.pop('type')
        try:
            return kind(**step)
        except TypeError as error:
            raise InputError(f'{place} has wrong arguments for {kind.__name__}: {error}') from error
        except InputError as error:
            raise InputError(f'{place}: {error}') from error


def _types() -> list[str]:
    return [f'mmbdg.{name}' for name in SELECTIONS.module_dict]


register_part(
    'selection',
    Role(known=lambda: frozenset(entry.name for entry in fields(SelectionPlan)), parts=dict(steps='selection_step'), rest='data'),
)
