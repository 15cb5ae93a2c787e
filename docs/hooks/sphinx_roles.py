"""Extension of mkdocstrings: docstrings with cross-references of Sphinx are shown with code instead."""

import re
from typing import Any

import griffe
from docstrings import roles_as_code


class SphinxRoles(griffe.Extension):
    """Changes the docstring of each object once, when it is read."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change one docstring."""
        if obj.docstring:
            text = roles_as_code(obj.docstring.value)
            obj.docstring.value = re.sub(r'^\.\. code-block:: (\w+)$', '', text, flags=re.MULTILINE)
