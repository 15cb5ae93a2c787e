"""Accuracy of a classifier over a part of its classes, for test sets that cover only that part."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from mmpretrain.evaluation import Accuracy

from mmbdg.assets.class_lists import IN1K, folder_names, imagenet_subsets
from mmbdg.errors import InputError, listed
from mmbdg.registry import METRICS


@METRICS.register_module()
class SubsetAccuracy(Accuracy):
    """``mmpretrain.Accuracy`` of the best class of a subset: the other classes' scores are left out before the argmax.

    ImageNet-R and ImageNet-A have images of 200 of the 1,000 classes. Their authors take the best of these 200 classes as the
    prediction, whatever the scores of the others are. Softmax scores give the same predictions as logits, because softmax keeps the order,
    unless it rounds all scores of the subset to 0, which is an error (in float32, logits that lie 100 below another class's).

    The classes are named by folder (wnid): two ImageNet classes can have the same name, see ``missile`` and ``sunglasses``.

    Args:
        subset: Wnids of the classes, in any order; or 'imagenet-r' or 'imagenet-a', see
            :func:`mmbdg.assets.class_lists.imagenet_subsets`.
        classes: Folders of all classes of the classifier, in the order of its scores; or 'in1k', the default, or the name of an embedded
            generator ('fashion32').
        topk: One or several k; a prediction is right if the true class is among the k best classes of the subset. Default (1,).
        collect_device, prefix: Arguments of ``mmengine.evaluator.BaseMetric``. The keys of the log are ``subset/top1``, ...

    Raises:
        InputError: The subset is empty, has a class twice or one that the classifier does not have, or a k is larger than the subset; (when
            called) a model predicts no scores or those of another number of classes, all scores of the subset are 0, or an image's class is
            not in the subset.
    """

    default_prefix = 'subset'

    def __init__(
        self,
        subset: Sequence[str] | str,
        classes: Sequence[str] | str = IN1K,
        topk: int | Sequence[int] = (1,),
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(topk=topk, thrs=None, collect_device=collect_device, prefix=prefix)  # a score of 0 is a score
        self.classes = folder_names(classes)
        self.indices = torch.tensor(indices_of(subset, self.classes))
        if wrong := [k for k in self.topk if type(k) is not int or not 0 < k <= len(self.indices)]:
            raise InputError(f'topk has {wrong[0]!r}; it takes whole numbers from 1 to {len(self.indices)}, the size of the subset')
        self.places = {index: place for place, index in enumerate(self.indices.tolist())}

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Add a batch. Data samples hold ``pred_score``, float (C,), and ``gt_label``, int (1,), a class index from 0 to C - 1."""
        super().process(data_batch, [self._within(sample) for sample in data_samples])

    def _within(self, sample: dict) -> dict[str, torch.Tensor]:
        """Scores of the subset's classes, and the place of the true class among them."""
        name, scores, labels = sample.get('img_path', 'an image'), sample.get('pred_score'), sample['gt_label'].flatten().tolist()
        if scores is None or scores.shape != (len(self.classes),):
            what = 'predicts no scores' if scores is None else f'predicts scores of shape {tuple(scores.shape)}'
            raise InputError(f'the model {what}; mmbdg.SubsetAccuracy needs one for each of {len(self.classes)} classes')
        if len(labels) != 1 or labels[0] not in self.places:
            known = [self.classes[label] if 0 <= label < len(self.classes) else label for label in labels]
            raise InputError(f'{name} has the class {", ".join(map(str, known))}, which is not in the subset of mmbdg.SubsetAccuracy')
        scores = scores.cpu()[self.indices]
        if not scores.any() or not torch.isfinite(scores).all():
            raise InputError(f'the scores of {name} are all 0 for the subset of mmbdg.SubsetAccuracy, or not finite: none is the best')
        return dict(pred_score=scores, gt_label=torch.tensor([self.places[labels[0]]]))


def indices_of(subset: Sequence[str] | str, classes: Sequence[str]) -> list[int]:
    """Class indices of a subset in ascending order.

    Args:
        subset: Wnids (folders) of classes, or the name of an embedded list, see :func:`mmbdg.assets.class_lists.imagenet_subsets`.
        classes: Wnids of all classes.

    Raises:
        InputError: The list is unknown or empty, or a class is there twice or not among all classes.
    """
    if isinstance(subset, str):
        if subset not in imagenet_subsets():
            raise InputError(f'a subset is a list of wnids, or one of {", ".join(imagenet_subsets())}; got "{subset}"')
        subset = imagenet_subsets()[subset]
    if not isinstance(subset, Sequence) or not all(isinstance(wnid, str) for wnid in subset):
        raise InputError(f'a subset is a list of wnids, e.g. ["n01440764"]; got {str(subset)[:100]}')
    places = {wnid: index for index, wnid in enumerate(classes)}
    problems = [f'{wnid!r} is given {count} times' for wnid, count in Counter(subset).items() if count > 1]
    problems += [
        f'{wnid!r} is not one of the {len(classes)} classes (wnids, not names)' for wnid in dict.fromkeys(subset) if wnid not in places
    ]
    if problems or not subset:
        raise InputError(f'the subset of classes is wrong:\n  {listed(problems)}' if problems else 'the subset of classes is empty')
    return sorted(places[wnid] for wnid in subset)
