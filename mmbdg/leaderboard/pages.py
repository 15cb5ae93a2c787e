"""Writes the leaderboard: ``leaderboard.json``, ``leaderboard.md`` and the self-contained ``leaderboard.html``."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmbdg.files import write_atomically, write_json
from mmbdg.html_page import html_page, own_text, without_schemes
from mmbdg.leaderboard.boards import board
from mmbdg.leaderboard.links import Links
from mmbdg.leaderboard.markdown_tables import as_markdown
from mmbdg.leaderboard.read_entries import NamedEntry
from mmbdg.leaderboard.summary import summary

TEMPLATE = Path(__file__).with_name('leaderboard_template.html')
SCRIPT = Path(__file__).with_name('leaderboard.js')


def write_pages(entries: Sequence[NamedEntry], out: Path, links: Links) -> dict[str, Any]:
    """Write the three files; each is replaced as a whole.

    Args:
        entries: Checked entries.
        out: Folder of the files; it is created.
        links: Targets of links.

    Returns:
        Content of the JSON file.
    """
    content = summary(entries)
    texts = {'leaderboard.md': as_markdown(content, links), 'leaderboard.html': as_html(content, links)}
    write_json(out / 'leaderboard.json', content)
    for name, text in texts.items():
        write_atomically(out / name, lambda part, text=text: part.write_text(text, encoding='utf-8'))
    return content


def as_html(content: dict[str, Any], links: Links) -> str:
    """The HTML page. All text of entries is escaped. A content security policy admits only the script of this package, by its checksum.

    Args:
        content: See :func:`mmbdg.leaderboard.summary.summary`.
        links: Targets of links.
    """
    from markupsafe import Markup

    script = own_text(SCRIPT)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    boards = [board(domain, links) for domain in content['domains']]
    return html_page(TEMPLATE, dict(boards=_shown(boards), script=Markup(script), digest=digest))


def _shown(boards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Boards whose texts are no addresses; those of links stay."""
    for one in boards:
        for row in one['rows']:
            for cell in row['cells']:
                cell |= {key: without_schemes(cell[key]) for key in ('text', 'value', 'note', 'title')}
    return boards
