"""Self-contained HTML pages from templates: text is escaped, and a page refers to no other address by itself."""

import re
from functools import cache
from pathlib import Path
from typing import Any

STYLE = Path(__file__).with_name('html_page.css')
"""Rules that all pages share; a template inserts them as ``{{ style }}``."""
SCHEME = re.compile(r'(?<![A-Za-z0-9])(?:https?|ftp)://', re.IGNORECASE)
"""Beginning of an address of which programs make a link. They do so after a letter that is not ASCII, too."""


def html_page(template: Path, values: dict[str, Any]) -> str:
    """Fill a template of this package.

    Args:
        template: Jinja2 template. It may use ``{{ style }}``.
        values: Values of the template by name. Texts are escaped, except those of type ``markupsafe.Markup``; a missing value is an error.

    Returns:
        The page, with a newline at the end.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(own_text(template)).render(style=Markup(own_text(STYLE)), **values) + '\n'


@cache
def own_text(path: Path) -> str:
    """Text of a file of this package."""
    return path.read_text(encoding='utf-8')


def without_schemes(value: Any) -> Any:
    """Texts, also in lists and dicts, without the ``https://``, ``http://`` and ``ftp://`` of URLs, so that no program makes links of them.

    Data URIs and texts of type ``markupsafe.Markup`` do not change.
    """
    if isinstance(value, dict):
        return {key: without_schemes(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_schemes(entry) for entry in value]
    if type(value) is str and not value.startswith('data:'):
        while (shorter := SCHEME.sub('', value)) != value:  # again, because what is left can be a scheme: https:/https:///
            value = shorter
    return value
