"""Results of a study as Markdown and LaTeX."""

from statistics import mean

from mmbdg.confidence import CONFIDENCE
from mmbdg.studies.results import Results
from mmbdg.studies.statistics import mean_and_spread

Table = tuple[list[str], list[list[str]]]
"""Head and rows."""


def table(results: Results) -> Table:
    """Mean and standard deviation over the seeds, with the paper's figures if there are any.

    With one figure, the lines are the rows and the columns are the columns of the study. With several figures, the lines are the cells and
    the columns are the figures.
    """
    study = results.study
    consumed = all(row.consumed for row in study.rows)
    if len(study.figures) == 1 and len(study.columns) > 1:
        return _by_column(results, consumed)
    return _by_figure(results, consumed)


def _by_column(results: Results, consumed: bool) -> Table:
    study, (figure,) = results.study, results.study.figures
    columns = [column for column in study.columns if any(column.name == name for _, name in results.cells())]
    head = [study.row_title, *(['consumed'] if consumed else []), *(column.title or column.name for column in columns)]
    rows = []
    for row in study.rows:
        if not any(name == row.name for name, _ in results.cells()):
            continue
        line = [row.title or row.name, *([str(row.consumed)] if consumed else [])]
        for column in columns:
            text = mean_and_spread(list(results.values(row.name, column.name, figure.name).values()), figure.digits)
            published = row.paper.get(column.name, {}).get(figure.name)
            line.append(text if published is None else f'{text} (paper: {published:.{figure.digits}f})')
        rows.append(line)
    return head, rows


def _by_figure(results: Results, consumed: bool) -> Table:
    study = results.study
    paper = any(row.paper for row in study.rows)
    several = len(study.columns) > 1
    head = [study.row_title, *(['consumed'] if consumed else []), *([study.column_title] if several else []), 'seeds']
    for figure in study.figures:
        head += [figure.title or figure.name, *(('paper', 'difference') if paper else ())]
    rows = []
    for row_name, column_name in results.cells():
        row, column = study.row(row_name), next(column for column in study.columns if column.name == column_name)
        line = [row.title or row.name, *([str(row.consumed)] if consumed else [])]
        line += [*([column.title or column.name] if several else []), str(len(results.runs[row_name, column_name]))]
        for figure in study.figures:
            values = list(results.values(row_name, column_name, figure.name).values())
            line.append(mean_and_spread(values, figure.digits))
            if paper:
                published = row.paper.get(column_name, {}).get(figure.name)
                line.append('-' if published is None else f'{published:.{figure.digits}f}')
                line.append('-' if published is None or not values else f'{mean(values) - published:+.{figure.digits}f}')
        rows.append(line)
    return head, rows


def difference_table(results: Results) -> Table:
    """Paired differences to the baseline: mean, half width of the confidence interval, and whether the difference is significant."""
    study = results.study
    baseline = study.row(study.baseline or study.rows[0].name)
    titles = {column.name: column.title or column.name for column in study.columns}
    several = len(study.columns) > 1
    head = [f'difference to {baseline.title or baseline.name}', *([study.column_title] if several else [])]
    head += [*(['figure'] if len(study.figures) > 1 else []), 'seeds', f'mean, {CONFIDENCE:.0%} interval', 'significant']
    rows = []
    for name, _, column, figure_name, difference in results.differences():
        row, figure = study.row(name), next(figure for figure in study.figures if figure.name == figure_name)
        line = [row.title or row.name, *([titles[column] if column else 'mean of all'] if several else [])]
        line += [*([figure.title or figure.name] if len(study.figures) > 1 else []), str(difference.n)]
        half = difference.half_width
        line.append(f'{difference.mean:+.{figure.digits}f}' + ('' if half is None else f' ± {half:.{figure.digits}f}'))
        line.append({None: '-', True: 'yes', False: 'no'}[difference.told_apart])
        rows.append(line)
    return head, rows


def markdown_table(content: Table) -> str:
    """Lines of a Markdown table."""
    head, rows = content
    return '\n'.join(f'| {" | ".join(row)} |' for row in (head, ['---'] * len(head), *rows)) + '\n'


def as_markdown(results: Results) -> str:
    """The table, the paired differences, and explanations of both."""
    study = results.study
    units = ', '.join(f'{figure.title or figure.name} in {figure.unit}' for figure in study.figures if figure.unit)
    notes = [
        'mean ± standard deviation (n - 1) over the seeds',
        *([units] if units else []),
        *([f'paper: {study.paper}'] if study.paper else []),
    ]
    parts = [markdown_table(table(results)), f'\n{_sentence("; ".join(notes))}\n']
    differences = difference_table(results)
    if differences[1]:
        parts += [
            '\n' + markdown_table(differences),
            f"\nPaired differences over seeds: mean ± half width of the {CONFIDENCE:.0%} confidence interval (Student's t, n - 1). "
            'Significant: the interval does not contain 0.\n',
        ]
    return ''.join(parts)


def as_latex(results: Results) -> str:
    """The table and the paired differences as LaTeX ``tabular`` environments that need no packages."""
    return '\n'.join(latex_table(content) for content in (table(results), difference_table(results)) if content[1])


def latex_table(content: Table) -> str:
    """Lines of a LaTeX ``tabular`` environment."""
    head, rows = content
    lines = [f'\\begin{{tabular}}{{l{"r" * (len(head) - 1)}}}', '\\hline', f'{" & ".join(map(_latex, head))} \\\\', '\\hline']
    lines += [f'{" & ".join(map(_latex, row))} \\\\' for row in rows]
    return '\n'.join([*lines, '\\hline', '\\end{tabular}']) + '\n'


def _sentence(text: str) -> str:
    return f'{text[:1].upper()}{text[1:]}.'


def _latex(text: str) -> str:
    for sign in '\\{}':
        text = text.replace(sign, {'\\': '/', '{': '(', '}': ')'}[sign])
    for sign in '_%&#$':
        text = text.replace(sign, f'\\{sign}')
    if '^' in text:
        base, _, above = text.partition('^')
        text = f'${base}^{{{above}}}$'
    return text.replace('±', '$\\pm$')
