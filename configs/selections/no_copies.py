"""Drop near-duplicates within a class, and copies of the images of a test set.

python tools/select_samples.py DATASET configs/selections/no_copies.py --cfg-options test_images=FOLDER

The threshold depends on the embedder: look at selections/no_copies.1.html and .2.html, and change it if different objects were dropped.
"""

clip = 'mmbdg://fashion32/clip'
threshold = 0.99
test_images = 'data/test_images'

selection = dict(
    name='no_copies',
    steps=[
        dict(type='mmbdg.NearDuplicates', embedder=dict(type='mmbdg.OpenCLIP', folder=clip), threshold=threshold, scope='class'),
        dict(
            type='mmbdg.TestSetLeakage',
            embedder=dict(type='mmbdg.OpenCLIP', folder=clip),
            threshold=threshold,
            against=[test_images],
        ),
    ],
)
