"""Types of command-line options: numbers with bounds, and the parser of ``--cfg-options``."""

import argparse
import math
import re
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from mmbdg.calling import as_called, called
from mmbdg.errors import InputError


class Parser(argparse.ArgumentParser):
    """``argparse.ArgumentParser`` that reports a wrong command line as an :class:`~mmbdg.errors.InputError` of one line.

    Args:
        description: Text above the list of options; its line breaks are kept.
        **kwargs: Arguments of ``argparse.ArgumentParser``.
    """

    def __init__(self, description: str | None = None, **kwargs: Any) -> None:
        defaults = dict(prog=called(), formatter_class=argparse.RawDescriptionHelpFormatter)
        super().__init__(description=description, **defaults | kwargs)

    def format_help(self) -> str:
        """Text of ``--help``, with commands in the form in which the tool was started."""
        return as_called(super().format_help())

    def error(self, message: str) -> NoReturn:
        """Report an error in the command line.

        Raises:
            InputError: Always; its text is the message.
        """
        message = re.sub(r'^argument (\S+): (must|takes)', r'\1 \2', message)
        raise InputError(f'{message} ({self.prog} --help lists the options)')


class Bounded:
    """Type of a numeric option with bounds, for ``add_argument(type=...)``.

    Args:
        number: Python type of the value: int or float.
        least: Lower bound; default None: no bound.
        most: Upper bound; default None: no bound.
        above: True if ``least`` itself is not allowed; default False.
        below: True if ``most`` itself is not allowed; default False.
    """

    def __init__(
        self, number: type, least: float | None = None, most: float | None = None, above: bool = False, below: bool = False
    ) -> None:
        self.number, self.least, self.most, self.above, self.below = number, least, most, above, below

    def __call__(self, text: str) -> int | float:
        """Parse a number.

        Raises:
            argparse.ArgumentTypeError: The text is not a number, or the number is out of bounds.
        """
        try:
            value = self.number(text)
        except ValueError:
            value = math.nan
        if math.isnan(value):
            raise argparse.ArgumentTypeError(f'must be {"a whole number" if self.number is int else "a number"}, got {text!r}')
        small = self.least is not None and (value <= self.least if self.above else value < self.least)
        large = self.most is not None and (value >= self.most if self.below else value > self.most)
        if small or large or math.isinf(value):
            raise argparse.ArgumentTypeError(f'must be {self}, got {text}')
        return value

    def __str__(self) -> str:
        bounds = []
        if self.least is not None:
            bounds.append(f'{"above" if self.above else "at least"} {self.least:g}')
        if self.most is not None:
            bounds.append(f'{"below" if self.below else "at most"} {self.most:g}')
        return ' and '.join(bounds) or 'finite'


positive_int = Bounded(int, 1)
natural_int = Bounded(int, 0)
positive_float = Bounded(float, 0, above=True)
fraction = Bounded(float, 0, 1)
positive_fraction = Bounded(float, 0, 1, above=True)
pixel_value = Bounded(int, 0, 65535)


class Split(list):
    """Value of an option with commas outside brackets: either a list, as OpenMMLab's tools read it, or one string that contains commas.

    Attributes:
        text: The string as it was typed.
    """

    def __init__(self, values: Sequence[Any], text: str) -> None:
        super().__init__(values)
        self.text = text


class ConfigOptions(argparse.Action):
    """Parse ``--cfg-options KEY=VALUE ...`` into a dict like mmengine's ``DictAction``, but keep spaces and commas in strings.

    Values are numbers, ``True``, ``False``, ``None``, strings, or lists and tuples of these (``a,b``, ``[a,b]``, ``(a,b)``, also nested).
    Text in quotation marks is one string.
    """

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Sequence[str] | None, _: str | None = None
    ) -> None:
        options = dict(getattr(namespace, self.dest, None) or {})
        for text in values or ():
            key, sign, value = text.partition('=')
            if not sign or not all(key.removeprefix('+').split('.')):
                parser.error(f'argument {"/".join(self.option_strings)}: takes KEY=VALUE, got {text!r}')
            try:
                options[key] = parsed(value)
            except ValueError as error:
                parser.error(f'{"/".join(self.option_strings)} {key}: {error}')
        setattr(namespace, self.dest, options)


def parsed(text: str) -> Any:
    """Parse the value of an option into a number, bool, None, string, list or tuple.

    Raises:
        ValueError: Brackets or quotation marks are not closed.
    """
    text = text.strip()
    parts = _parts(text)
    if len(parts) > 1:
        return Split([parsed(part) for part in parts if part.strip()], text)
    if text[:1] + text[-1:] in ('()', '[]'):
        values = [parsed(part) for part in _parts(text[1:-1]) if part.strip()]
        return tuple(values) if text[0] == '(' else values
    if len(text) > 1 and text[0] == text[-1] and text[0] in '"\'':
        return text[1:-1]
    return _number_or_text(text)


def _parts(text: str) -> list[str]:
    """Split at the commas that are outside brackets and quotation marks."""
    closing, parts, quote = [], [''], ''
    for number, sign in enumerate(text):
        if quote:
            quote = '' if sign == quote else quote
        elif sign in '"\'' and not parts[-1].strip(' [('):
            quote = sign
        elif sign in '[(':
            closing.append({'[': ']', '(': ')'}[sign])
        elif sign in '])' and (not closing or closing.pop() != sign):
            raise ValueError(f'the brackets of {text!r} do not match at character {number + 1}')
        if sign == ',' and not closing and not quote:
            parts.append('')
        else:
            parts[-1] += sign
    if closing or quote:
        raise ValueError(f'{text!r} ends before {quote or closing[-1]!r}')
    return parts


def _number_or_text(text: str) -> int | float | bool | str | None:
    constants: dict[str, bool | None] = {'true': True, 'false': False}
    if text.lower() in constants:
        return constants[text.lower()]
    if text == 'None':
        return None
    number: Callable
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
