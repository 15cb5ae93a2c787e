"""Layers of samples as PNG files."""

import numpy as np

from mmbdg.annotation.mask_values import encode_png
from mmbdg.errors import InputError
from mmbdg.explorer.view import View, Where
from mmbdg.visualization.contact_sheet import outlined, thumbnail

COLOUR_MAP = 'magma'
"""Colours of the disagreement, of matplotlib: from black (0) to light yellow (the largest possible disagreement), by its square root: most
values are small."""


def picture(view: View, where: Where, index: int, layer: str, side: int) -> bytes:
    """Return a layer of a sample as a PNG file.

    Args:
        view, where, index: The sample.
        layer: "image", "mask" (the image with outlines of the mask), "uncertainty" (heat map of the disagreement), or "features:N" (the
            feature map N of ``view.feature_names`` as colours).
        side: Height and width of the picture in pixels, about. Small ones are enlarged by repeating their pixels.

    Raises:
        InputError: There is no such sample or layer.
    """
    kind, _, number = layer.partition(':')
    if kind == 'features':
        if not (number.isascii() and number.isdigit() and int(number) < len(view.feature_names)):
            raise InputError(f'there is no layer {layer[:40]!r}; there are {len(view.feature_names)} feature maps')
        colours = view.feature_colours(where, index, int(number))
        return encode_png(thumbnail(colours, np.zeros(colours.shape[:2], np.uint8), side)[0])
    with view.lock:
        shown = view.show(where, index)
    none = np.zeros(shown.image.shape[:2], np.uint8)
    if kind == 'image':
        return encode_png(thumbnail(shown.image, none, side)[0])
    if kind == 'mask' and shown.mask is not None:
        image, mask = thumbnail(shown.image, shown.mask, side)
        return encode_png(outlined(image, mask, view.palette, view.catalogue.ignore, width=max(1, side // 128)))
    if kind == 'uncertainty' and shown.disagreement is not None:
        colours = heat(shown.disagreement, view.most_disagreement)
        return encode_png(thumbnail(colours, none, side)[0])
    raise InputError(f'there is no layer {layer[:40]!r} of these samples')


def heat(disagreement: np.ndarray, most: float) -> np.ndarray:
    """Disagreement in nats, float (H,W), as colours uint8 (H,W,3) of :data:`COLOUR_MAP`.

    Args:
        disagreement: Values of 0 to ``most``.
        most: Value of the last colour. The scale is the same for all samples: colour k of 256 stands for ``most * (k / 255) ** 2``.
    """
    from matplotlib import colormaps

    levels = np.rint(np.sqrt(disagreement / most) * 255).clip(0, 255).astype(np.uint8)
    return colormaps[COLOUR_MAP](levels, bytes=True)[..., :3]
