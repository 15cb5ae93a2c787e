"""Pages of the notebooks in docs/tutorials: NAME.ipynb becomes NAME_notebook.md, with the outputs that are stored in it."""

from pathlib import Path

from nbconvert import MarkdownExporter


def notebook_pages(root: Path) -> dict[str, str | bytes]:
    """Content by file: pages, and the pictures in them."""
    files: dict[str, str | bytes] = {}
    for path in sorted((root / 'docs' / 'tutorials').glob('*.ipynb')):
        name = f'{path.stem}_notebook'
        resources = {'unique_key': name, 'output_files_dir': name}
        text, made = MarkdownExporter().from_filename(str(path), resources=resources)
        title, _, rest = text.lstrip().partition('\n')
        where = f'This page is a notebook: [{path.name}]({path.name}).'
        files[f'tutorials/{name}.md'] = f'{title}\n\n{where}\n{rest}'
        files |= {f'tutorials/{file}': content for file, content in made['outputs'].items()}
    return files
