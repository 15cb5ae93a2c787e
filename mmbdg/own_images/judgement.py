"""Whether the result of a step is good enough for the next step: all thresholds of configs/own, each with its reason."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Threshold:
    """Judges the result of one step. Larger values are better.

    Args:
        metric: Name of the metric in the log.
        what: Text after the value.
        enough: Value from which the next step is worth its time.
        poor: Value below which the next step is not worth its time; None: there is none.
        follows: What a value below ``enough`` does to the steps that follow.
        otherwise: What to do then.
        reason: Where the two numbers come from.
    """

    metric: str
    what: str
    enough: float
    poor: float | None
    follows: str
    otherwise: str
    reason: str

    def text(self, value: float) -> str:
        """One line about a value, see :func:`judged`."""
        return judged(value, self.what, self.enough, self.otherwise, poor=self.poor, follows=self.follows)


def judged(value: float, what: str, enough: float, otherwise: str, less: bool = False, poor: float | None = None, follows: str = '') -> str:
    """One line about the result of a step: the value, whether it is good enough to continue, and else the consequence and advice.

    Args:
        value: The result.
        what, enough, poor, follows, otherwise: See :class:`Threshold`.
        less: Whether smaller values are better. Default: False.
    """
    bound = f'{"at most" if less else "at least"} {enough:g}'
    if value <= enough if less else value >= enough:
        return f'{value:.1f} {what}; good enough to continue ({bound})'
    if poor is not None and (value > poor if less else value < poor):
        bound += f'; {"above" if less else "below"} {poor:g} the next step is not worth its time'
    return f'{value:.1f} {what}; not enough yet ({bound}): {f"{follows}; " if follows else ""}{otherwise}'


THRESHOLDS = dict(
    classifier=Threshold(
        metric='accuracy/top1',
        what='% of the held-out images are named right',
        enough=80,
        poor=50,
        follows='it will reject good samples, and the share of recognised samples says little about the generator',
        otherwise='train longer, look for images in wrong folders (tools/check_images.py), or put classes together that look alike',
        reason=(
            'The share of recognised samples cannot tell generators apart that are better than the classifier: real images are recognised '
            'as often as its accuracy says. The classifier of the embedded images has 92 %. Rule of thumb.'
        ),
    ),
    generator=Threshold(
        metric='recognised_own',
        what='% of the generated images are recognised as their class (last validation)',
        enough=70,
        poor=40,
        follows='interpreters will suffer: there are fewer clear objects to annotate and to learn from',
        otherwise='train longer (--resume with more iterations), and look at the samples',
        reason=(
            'The embedded BigGAN has 86.5 % and its interpreters reach 97 mIoU; a small GAN of letters had 85 % and 94.6 mIoU. Rejection '
            'sampling drops the worst samples, so less is enough. Below 40 % most annotated samples show another class. Rule of thumb.'
        ),
    ),
    autoencoder=Threshold(
        metric='PSNR',
        what='dB PSNR of the reconstructions of held-out images',
        enough=22,
        poor=18,
        follows='no diffusion model on it can be sharper than its reconstructions',
        otherwise='continue with --resume and more iterations',
        reason=(
            'The embedded autoencoder has 24.3 dB; 86.1 % of its reconstructions are recognised, of the real images 92.0 %. At 18 dB the '
            'root mean square error is 32 of 255 grey levels. Rule of thumb.'
        ),
    ),
    interpreter=Threshold(
        metric='mIoU_fgbg',
        what='mIoU foreground/background on the held-out annotated samples',
        enough=85,
        poor=60,
        follows='the synthetic masks will have the same errors',
        otherwise='look at the masks that you drew, annotate more samples, or train the generator longer',
        reason=(
            'With five annotations of each class the embedded interpreters reach 97.0 mIoU, with one of each class fewer '
            '(docs/interpreters.md). A head that predicts background only has below 50. Rule of thumb.'
        ),
    ),
    synthesis=Threshold(
        metric='usable masks',
        what='% of the synthetic masks have between 1 % and 95 % foreground',
        enough=95,
        poor=80,
        follows='the other masks teach that an image is empty or full',
        otherwise='look at the images (docs/seeing.md); bound the filter by min_foreground and max_foreground, or annotate more samples',
        reason='An object smaller than 1 % of the image or larger than 95 % is rarely right, unless yours are such. Rule of thumb.',
    ),
    joint=Threshold(
        metric='mIoU',
        what='mIoU of the head, which saw synthetic masks only',
        enough=50,
        poor=None,
        follows='the head learned little from the synthetic masks',
        otherwise='train longer, or look at the synthetic images: the masks, the classes; the transfer may do better all the same',
        reason='The head is thrown away; a low value is only a warning. Rule of thumb.',
    ),
    transfer=Threshold(
        metric='mIoU',
        what='mIoU',
        enough=70,
        poor=None,
        follows='',
        otherwise='train longer, label more images, or measure without pre-training by pretrained=None',
        reason='What is enough depends on what you use it for. Rule of thumb.',
    ),
)  # fmt: skip
"""Threshold of each step."""


def verdict(step: str, **changes: Any) -> dict[str, Any]:
    """Config of a :class:`~mmbdg.engine.VerdictHook` for a step of configs/own.

    Args:
        step: Key of :data:`THRESHOLDS`.
        **changes: Arguments that differ from those of the threshold.
    """
    keys = ('metric', 'what', 'enough', 'poor', 'follows', 'otherwise')
    return dict(type='mmbdg.VerdictHook', **{key: getattr(THRESHOLDS[step], key) for key in keys} | changes)


LEAST_FOREGROUND, MOST_FOREGROUND = 0.01, 0.95


def usable_masks(ratios: list[float]) -> float:
    """Percentage of masks whose share of foreground lies between 1 % and 95 %.

    Args:
        ratios: Share of foreground pixels of each mask, 0 to 1; at least one.
    """
    return 100 * sum(LEAST_FOREGROUND <= ratio <= MOST_FOREGROUND for ratio in ratios) / len(ratios)
