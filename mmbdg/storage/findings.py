"""Results of a verification."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

Block = tuple[str, int]
"""Class folder and number of a block."""


class Problem(NamedTuple):
    """One problem of a dataset."""

    place: str
    """File, relative to the dataset. In JSON lines files also the line number."""
    what: str
    """Description of the problem."""
    block: Block | None = None
    """Affected block; None if the problem does not belong to a block."""

    def __str__(self) -> str:
        return f'{self.place}: {self.what}'


@dataclass
class Findings:
    """Results of the verification of a dataset.

    Attributes:
        samples, blocks, files: Numbers of checked samples, blocks and files.
        problems: Problems of the dataset.
        foreign: Files that do not belong to the dataset, relative to it. Each one is listed as a problem too.
        links: Links to places outside the dataset. Each one is listed as a problem too.
        unchecked: Descriptions of checks that were not possible, with the reasons.
    """

    samples: int = 0
    blocks: int = 0
    files: int = 0
    problems: list[Problem] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether there are no problems."""
        return not self.problems

    @property
    def damaged_blocks(self) -> set[Block]:
        """Blocks with problems."""
        return {problem.block for problem in self.problems if problem.block}

    def add(self, place: str, what: str, block: Block | None = None) -> None:
        """Add a problem."""
        self.problems.append(Problem(place, what, block))

    def as_json(self) -> dict[str, Any]:
        """Return all results as JSON values."""
        return dict(
            whole=self.whole,
            samples=self.samples,
            blocks=self.blocks,
            files=self.files,
            problems=[
                dict(place=place, what=what, block=dict(folder=block[0], number=block[1]) if block else None)
                for place, what, block in self.problems
            ],
            foreign=self.foreign,
            damaged_blocks=[dict(folder=folder, number=number) for folder, number in sorted(self.damaged_blocks)],
            unchecked=self.unchecked,
        )
