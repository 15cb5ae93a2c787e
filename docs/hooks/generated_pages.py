"""Pages that are made from the code at each build."""

from pathlib import Path

from api_pages import api_pages
from config_reference import config_reference
from home_page import home_page
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from model_zoo import model_zoo
from notebook_pages import notebook_pages
from registry_reference import registry_reference
from tools_reference import tools_reference


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    root = Path(config.config_file_path).parent
    made = home_page(root) | tools_reference(root) | registry_reference() | config_reference(root) | api_pages(root) | model_zoo(root)
    for name, content in (made | notebook_pages(root)).items():
        files.append(File.generated(config, name, content=content))
    return files
