"""What a verification found."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

Block = tuple[str, int]
"""Class folder and number."""


class Problem(NamedTuple):
    """One thing that is wrong."""

    place: str
    """File, relative to the dataset; of a list with the line."""
    what: str
    block: Block | None = None
    """Whose files or lines are concerned."""

    def __str__(self) -> str:
        return f'{self.place}: {self.what}'


@dataclass
class Findings:
    """Of a whole dataset.

    Attributes:
        samples, blocks, files: How many were looked at.
        problems: What is wrong.
        foreign: Files that belong to nobody, relative to the dataset; each is a problem too.
        links: Links that lead out of the dataset; each is a problem too.
        unchecked: What could not be looked at, and why.
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
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def damaged_blocks(self) -> set[Block]:
        """Blocks that something is wrong with."""
        return {problem.block for problem in self.problems if problem.block}

    def add(self, place: str, what: str, block: Block | None = None) -> None:
        """One more problem."""
        self.problems.append(Problem(place, what, block))

    def as_json(self) -> dict[str, Any]:
        """Everything, in plain values."""
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
