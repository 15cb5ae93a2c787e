"""Licences as the metadata of a card names them."""

from mmbdg.paths import slug_of
from mmbdg.sharing.front_matter import code_span, one_line

KNOWN = (
    *('apache-2.0', 'mit', 'bsd', 'bsd-2-clause', 'bsd-3-clause', 'cc0-1.0', 'cc-by-3.0', 'cc-by-4.0', 'cc-by-sa-3.0', 'cc-by-sa-4.0'),
    *('cc-by-nc-2.0', 'cc-by-nc-4.0', 'cc-by-nc-sa-4.0', 'cc-by-nd-4.0', 'cc-by-nc-nd-4.0', 'creativeml-openrail-m', 'openrail++'),
    *('gpl-2.0', 'gpl-3.0', 'lgpl-3.0', 'agpl-3.0', 'mpl-2.0', 'odbl', 'odc-by', 'pddl', 'unlicense'),
)
"""Identifiers of the hub, as far as they are likely here."""


def licence_data(text: str) -> dict[str, str]:
    """Metadata of a licence: its identifier if the text is one and nothing else, otherwise ``other`` and a name made of the text.

    A text that adds anything ("Apache-2.0; made from ...") is not cut down to its first words: the addition may be a condition.
    """
    text = one_line(text)
    if not text:
        return dict(license='unknown')
    if text.lower() in KNOWN:
        return dict(license=text.lower())
    ascii_only = text.encode('ascii', 'ignore').decode()
    return dict(license='other', license_name=slug_of(ascii_only)[:60].strip('-') or 'see-card')


def licence_section(text: str) -> str:
    """Section of a card about the licence."""
    return f'## Licence\n\n{code_span(text)}' if one_line(text) else '## Licence\n\nNot stated.'
