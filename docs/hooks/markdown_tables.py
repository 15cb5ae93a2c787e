"""Tables of the generated pages."""


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of a Markdown table, with an empty line at the end. Cells are Markdown; a ``|`` in them is in code, or escaped."""
    lines = [heads, ['---'] * len(heads), *rows]
    return [*(f'| {" | ".join(cells)} |' for cells in lines), '']
