"""Two kinds of batches, two preprocessors."""

from typing import Any

from mmengine.model import BaseDataPreprocessor

from mmbdg.registry import MODELS


@MODELS.register_module()
class JointDataPreprocessor(BaseDataPreprocessor):
    """Hands the parts of a joint batch to their own preprocessors; a plain batch (validation, test) goes to the labelled one's.

    Args:
        ssl: Config of the preprocessor of real views, e.g. ``mmpretrain.SelfSupDataPreprocessor``.
        seg: Config of the preprocessor of labelled images, e.g. ``mmseg.SegDataPreProcessor``.
    """

    def __init__(self, ssl: dict, seg: dict) -> None:
        super().__init__()
        self.ssl, self.seg = MODELS.build(ssl), MODELS.build(seg)

    def forward(self, data: dict, training: bool = False) -> dict[str, Any]:
        if not isinstance(data['inputs'], dict):
            return self.seg(data, training)
        parts = {
            name: getattr(self, name)({key: data[key][name] for key in ('inputs', 'data_samples')}, training) for name in ('ssl', 'seg')
        }
        return {key: {name: part[key] for name, part in parts.items()} for key in ('inputs', 'data_samples')}
