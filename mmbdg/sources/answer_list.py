"""Lists in the answers of a language model."""

import re

from mmbdg.errors import InputError
from mmbdg.reading import parsed_json
from mmbdg.sources.language_model import BEGINNING

MARK = re.compile(r'^\s*(?:(\d{1,3})[.):]|[-*•])\s+(.+?)\s*$')
"""A line of a list: a number or a bullet, then the entry."""


def continued(request: str, answer: str) -> str:
    """Prepend the number at the end of the request ("1.") to an answer that continues with the next number."""
    start = re.search(r'(\d{1,3})\.\s*$', request)
    numbers = [int(found[1]) for line in answer.splitlines() if (found := MARK.match(line)) and found[1]]
    return f'{start[1]}. {answer.lstrip()}' if start and numbers and numbers[0] == int(start[1]) + 1 else answer


def listed_answers(answer: str, asked: str) -> list[str]:
    """Find the entries of a list in an answer: a JSON list of texts, or lines that begin with a number or a bullet. Other text is ignored.

    A numbered list ends where the numbers start again, since a language model may append another list.

    Args:
        answer: The answer.
        asked: Description of the requested texts, for the error message.

    Returns:
        At least one entry, without quotation marks and surrounding white space, without duplicates.

    Raises:
        InputError: The answer has no list or an empty one. The message shows the beginning of the answer.
    """
    entries = _json_list(answer) or _lines(answer)
    cleaned = [' '.join(entry.strip(' "\'“”').split()) for entry in entries]
    kept = list(dict.fromkeys(entry for entry in cleaned if entry))
    if not kept:
        text = ' '.join(answer.split())
        shown = f'"{text[:BEGINNING]}{"..." if len(text) > BEGINNING else ""}"' if text else 'nothing'
        raise InputError(f'the language model was asked for {asked}, and its answer has no list: {shown}')
    return kept


def _lines(answer: str) -> list[str]:
    entries, last = [], 0
    for found in filter(None, map(MARK.match, answer.splitlines())):
        number = int(found[1] or last + 1)
        if number <= last:
            break
        entries.append(found[2])
        last = number
    return entries


def _json_list(answer: str) -> list[str]:
    begin, end = answer.find('['), answer.rfind(']')
    if not -1 < begin < end:
        return []
    try:
        content = parsed_json(answer[begin : end + 1], 'the answer')
    except InputError:
        return []
    return content if isinstance(content, list) and all(isinstance(entry, str) for entry in content) else []
