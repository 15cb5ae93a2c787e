"""The application: the routes of the explorer's page."""

import base64
import hashlib
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from mmbdg.annotation.mask_values import IGNORE, compose, encode_png
from mmbdg.errors import InputError, os_error_text
from mmbdg.explorer.annotation_folder import ANNOTATED, AnnotationFolder
from mmbdg.explorer.dataset_view import DatasetView
from mmbdg.explorer.guard import Guard
from mmbdg.explorer.marks import read_marks, write_marks
from mmbdg.explorer.pictures import picture
from mmbdg.explorer.reference import Reference
from mmbdg.explorer.view import ORDERS, FilterSettings, View, Where
from mmbdg.html_page import html_page, own_text
from mmbdg.reading import parsed_json
from mmbdg.schema import PlainName, Schema, validated
from mmbdg.visualization.contact_sheet import thumbnail

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

TEMPLATE = Path(__file__).with_name('explorer_template.html')
SCRIPT = Path(__file__).with_name('explorer.js')
INSTALL = 'the explorer needs {name}, which is not installed: pip install "mmbdg[explore]"'
LEAST_BODY = 2**21
"""Bound of a request's body in bytes, unless a mask is larger."""
MOST_SIDE = 1024
"""Largest side of a picture in pixels."""
MOST_INDEX = 2**40
TITLES = dict(image='image', mask='mask outlines', uncertainty='uncertainty')


class Marked(Schema):
    """Body of a request that writes a selection."""

    name: PlainName
    samples: Annotated[list[Annotated[str, Field(max_length=600)]], Field(max_length=100_000)]
    keep: bool


class ToWrite(Schema):
    """Body of a request that writes samples to annotate."""

    indices: Annotated[list[Annotated[int, Field(ge=0, lt=MOST_INDEX)]], Field(min_length=1, max_length=1000)]


class Explorer:
    """What the routes do. Each method takes the query, and the body if it writes, and returns plain values, bytes (PNG) or an array.

    Args:
        view: What is shown.
        folder: Folder for corrected masks.
        reference: Real images. Default: None, no nearest images.
    """

    def __init__(self, view: View, folder: AnnotationFolder, reference: Reference | None = None) -> None:
        self.view, self.folder, self.reference = view, folder, reference

    def state(self, query: 'Query') -> dict[str, Any]:
        view, catalogue = self.view, self.view.catalogue
        layers = ['image']
        layers += ['mask'] if catalogue.has_masks else []
        layers += ['uncertainty'] if view.most_disagreement else []
        named = [dict(name=name, title=TITLES[name]) for name in layers]
        named += [dict(name=f'features:{i}', title=f'features, {title}') for i, title in enumerate(view.feature_names)]
        has_latents = view.origin(Where(0, 0)) is not None
        return dict(
            kind=view.kind,
            name=view.name,
            classes=[dict(name=name, folder=folder) for name, folder in zip(catalogue.classes, catalogue.folders, strict=True)],
            labels=list(catalogue.labels),
            ignore=catalogue.ignore,
            resolution=catalogue.resolution,
            per_page=view.per_page,
            most_disagreement=view.most_disagreement,
            layers=named,
            neighbours=bool(self.reference),
            reference=self.reference.images.name if self.reference else '',
            network=self.reference.network.name if self.reference else '',
            folder=str(self.folder.root / ANNOTATED),
            set=self.folder.name,
            has_latents=has_latents,
            can_draw=catalogue.has_masks,
            can_select=isinstance(view, DatasetView),
            can_write_samples=has_latents,
            **view.state(),
        )

    def samples(self, query: 'Query') -> dict[str, Any]:
        where, settings, page = self._where(query), self._settings(query), query.whole('page', 0)
        order = query.text('order', 'index')
        if order not in ORDERS:
            raise InputError(f'order must be one of {", ".join(ORDERS)}, got {order[:40]!r}')
        listed = self.view.listed(where, settings, page, order, query.text('kept_only', '') == 'true')
        saved = self.folder.has_saved(where, [sample['index'] for sample in listed.samples])
        samples = [sample | dict(saved=is_saved) for sample, is_saved in zip(listed.samples, saved, strict=True)]
        return dict(samples=samples, counts=listed.counts, page=listed.page, pages=listed.pages)

    def picture(self, query: 'Query') -> bytes:
        side = query.whole('side', 128)
        if not 16 <= side <= MOST_SIDE:
            raise InputError(f'side must be 16 to {MOST_SIDE} pixels, got {side}')
        return picture(self.view, self._where(query), query.whole('index'), query.text('layer', 'image'), side)

    def disagreement(self, query: 'Query') -> np.ndarray:
        shown = self._shown(query)
        if shown.disagreement is None:
            raise InputError('the uncertainty of the pixels of these samples is not known')
        return shown.disagreement.astype('<f4')

    def mask(self, query: 'Query') -> np.ndarray:
        """The mask to draw on, uint8 (R,R): the saved one, or with ``from=labels`` always that of the labels."""
        where, index = self._where(query), query.whole('index')
        saved = None if query.text('from', '') == 'labels' else self.folder.saved(where, index)
        if saved is not None:
            return saved
        shown = self._shown(query)
        if shown.mask is None:
            raise InputError('these samples have no masks')
        ignored = shown.mask == self.view.catalogue.ignore
        return compose(shown.mask > 0, ignored)

    def statistics(self, query: 'Query') -> dict[str, Any]:
        with self.view.lock:
            return self.view.statistics(self._where(query), self._settings(query), query.whole('page', 0))

    def nearest(self, query: 'Query') -> dict[str, Any]:
        if self.reference is None:
            raise InputError('no real images were given: start with --reference')
        found = self.reference.nearest(self._shown(query).image)
        return dict(images=[one._asdict() for one in found], yardstick=self.reference.yardstick)

    def real(self, query: 'Query') -> bytes:
        if self.reference is None:
            raise InputError('no real images were given: start with --reference')
        image = self.reference.picture(query.whole('place'))
        return encode_png(thumbnail(image, np.zeros(image.shape[:2], np.uint8), 128)[0])

    def marks(self, query: 'Query') -> dict[str, Any]:
        name = validated(PlainName, query.text('name', ''), 'the name of the selection')
        return dict(marks=read_marks(self._dataset(), name))

    def select(self, query: 'Query', body: bytes) -> dict[str, Any]:
        wanted = validated(Marked, parsed_json(body, 'the request'), 'the request')
        path = write_marks(self._dataset(), wanted['name'], wanted['samples'], wanted['keep'])
        return dict(path=str(path))

    def write_samples(self, query: 'Query', body: bytes) -> dict[str, Any]:
        wanted = validated(ToWrite, parsed_json(body, 'the request'), 'the request')
        return dict(path=str(self.folder.write_samples(self._where(query), wanted['indices'])))

    def save(self, query: 'Query', body: bytes) -> dict[str, Any]:
        size = self.view.catalogue.resolution
        if len(body) != size * size:
            raise InputError(f'a mask of these samples has {size}x{size} bytes, got {len(body):,}')
        mask = np.frombuffer(body, np.uint8).reshape(size, size)
        path = self.folder.save(self._where(query), query.whole('index'), mask)
        return dict(path=str(path), ignored=bool((mask == IGNORE).any()))

    def most_bytes(self) -> int:
        """Largest body of a request."""
        return max(LEAST_BODY, self.view.catalogue.resolution**2)

    def _dataset(self) -> DatasetView:
        if not isinstance(self.view, DatasetView):
            raise InputError('a selection belongs to a finished dataset: start the explorer with a dataset')
        return self.view

    def _shown(self, query: 'Query') -> Any:
        with self.view.lock:
            return self.view.show(self._where(query), query.whole('index'))

    def _where(self, query: 'Query') -> Where:
        class_id = query.whole('class')
        if class_id >= len(self.view.catalogue.classes):
            raise InputError(f'there is no class {class_id}; there are {len(self.view.catalogue.classes)}')
        if isinstance(self.view, DatasetView):
            if query.has('seed') or query.has('truncation'):
                raise InputError('the samples of a dataset have no other seed and truncation: remove them from the request')
            return Where(class_id)
        truncation = query.number('truncation') if query.has('truncation') else None
        return Where(class_id, query.whole('seed', most=2**63 - 1), truncation)

    def _settings(self, query: 'Query') -> FilterSettings:
        given = {name: query.number(name) for name in FilterSettings.model_fields if query.has(name)}
        return FilterSettings(**validated(FilterSettings, given, 'the filters of the request'))


class Query:
    """Parameters of a request."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def has(self, name: str) -> bool:
        """Whether a parameter is given."""
        return name in self._values

    def text(self, name: str, default: str) -> str:
        """Return a text."""
        return self._values.get(name, default)

    def whole(self, name: str, default: int | None = None, most: int = MOST_INDEX) -> int:
        """Return a whole number of 0 to ``most``.

        Raises:
            InputError: It is missing without a default, or is no such number.
        """
        if name not in self._values and default is not None:
            return default
        text = self._values.get(name, '')
        if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
            raise InputError(f'{name} must be a whole number of 0 to {most:,}, got {text[:40]!r}')
        return int(text)

    def number(self, name: str) -> float:
        """Return a number. Bounds are checked where it is used.

        Raises:
            InputError: It is no number.
        """
        try:
            return float(self._values[name])
        except ValueError as error:
            raise InputError(f'{name} must be a number, got {self._values[name][:40]!r}') from error


def application(explorer: Explorer, port: int, token: str) -> Guard:
    """Build the application.

    Args:
        explorer: What is shown.
        port: Port of the server; requests to other hosts and ports are refused.
        token: Token of requests that write.

    Raises:
        InputError: starlette is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.responses import HTMLResponse, Response
        from starlette.routing import Route
    except ModuleNotFoundError as error:
        raise InputError(INSTALL.format(name='starlette')) from error
    page, digest = as_html(explorer.view)
    reading = dict(
        state=explorer.state,
        samples=explorer.samples,
        picture=explorer.picture,
        disagreement=explorer.disagreement,
        mask=explorer.mask,
        statistics=explorer.statistics,
        nearest=explorer.nearest,
        real=explorer.real,
        marks=explorer.marks,
    )
    writing = dict(select=explorer.select, write_samples=explorer.write_samples, save=explorer.save)

    async def index(request: 'Request') -> 'Response':
        return HTMLResponse(page)

    async def no_icon(request: 'Request') -> 'Response':
        return Response(status_code=204)

    routes = [Route('/', index, methods=['GET']), Route('/favicon.ico', no_icon, methods=['GET'])]
    routes += [Route(f'/{name}', partial(answered, run), methods=['GET']) for name, run in reading.items()]
    routes += [Route(f'/{name}', partial(answered, run), methods=['POST']) for name, run in writing.items()]
    starlette = Starlette(routes=routes)
    starlette.router.redirect_slashes = False
    return Guard(starlette, port, token, explorer.most_bytes(), f"'sha256-{digest}'")


async def answered(run: Callable, request: 'Request') -> 'Response':
    """Run a method of :class:`Explorer` in a thread, and return its result, or the error of the input as JSON with status 400."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse, Response

    query = Query(dict(request.query_params))
    arguments = [query] if len(inspect.signature(run).parameters) == 1 else [query, await request.body()]
    try:
        result = await run_in_threadpool(run, *arguments)
    except InputError as error:
        return JSONResponse(dict(error=str(error)), 400)
    except OSError as error:
        return JSONResponse(dict(error=os_error_text(error)), 500)
    if isinstance(result, np.ndarray):
        return Response(np.ascontiguousarray(result).tobytes(), media_type='application/octet-stream')
    return Response(result, media_type='image/png') if isinstance(result, bytes) else JSONResponse(result)


def as_html(view: View) -> tuple[str, str]:
    """The page, and the SHA-256 of its script in base64. Names reach the page as data, never as text of the page."""
    from markupsafe import Markup

    script = own_text(SCRIPT)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return html_page(TEMPLATE, dict(script=Markup(script), kind=view.kind)), digest
