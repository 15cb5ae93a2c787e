"""Of each class the 70 % whose masks the ensemble is most certain of, without objects that are tiny or fill the image.

python tools/select_samples.py DATASET configs/selections/certain.py
"""

fraction = 0.7

selection = dict(
    name='certain',
    steps=[
        dict(type='mmbdg.ForegroundBounds', min_foreground=0.02, max_foreground=0.95),
        dict(type='mmbdg.LeastUncertain', fraction=fraction, scope='class'),
    ],
)
