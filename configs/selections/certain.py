"""Select the 70 % of the samples of each class with the lowest uncertainty, without very small objects and objects that fill the image.

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
