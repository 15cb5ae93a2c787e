"""Unusable entries of a pool: they either raise an error or are listed in a file."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mmbdg.errors import InputError, listed
from mmbdg.storage.manifest import write_jsonl

BROKEN_IMAGE, MISSING_IMAGE, BROKEN_CAPTION, MISSING_CAPTION = 'broken image', 'missing image', 'broken caption', 'missing caption'
SHOWN = 5


class Fault(NamedTuple):
    """An unusable entry."""

    kind: str
    name: str
    reason: str


class Faults(list[Fault]):
    """Collection of the faults of a pool."""

    def note(self, kind: str, name: str, reason: object = '') -> None:
        """Add a fault."""
        self.append(Fault(kind, name, str(reason)))

    def summary(self) -> str:
        """Number of each kind: "2 broken image, 1 missing caption"."""
        return ', '.join(f'{number} {kind}' for kind, number in sorted(Counter(fault.kind for fault in self).items()))

    def refuse(self, folder: Path) -> None:
        """Raise an error if there are faults.

        Raises:
            InputError: There are faults. The message counts them and names the first of each kind.
        """
        if not self:
            return
        lines = []
        for kind in sorted({fault.kind for fault in self}):
            these = [fault for fault in self if fault.kind == kind]
            lines.append(f'{kind}, {len(these)} times:')
            lines += [f'  {fault.name}{f" ({fault.reason})" if fault.reason else ""}' for fault in these[:SHOWN]]
            lines += [f'  ... and {len(these) - SHOWN} more'] if len(these) > SHOWN else []
        raise InputError(
            f'{folder} has entries that cannot be used:\n  {listed(lines, 40)}\nFix or remove them, or leave them out with --skip-broken, '
            'which lists them in a file'
        )

    def write(self, path: Path) -> None:
        """Write one line for each fault, ``{"kind": ..., "name": ..., "reason": ...}``."""
        write_jsonl(path, [fault._asdict() for fault in self])
