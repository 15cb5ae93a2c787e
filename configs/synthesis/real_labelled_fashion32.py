"""Real garments with masks by a labeller that was trained on 50 annotated real images.

    python tools/train.py configs/interpreter/real_fashion.py
    python tools/synthesize.py configs/synthesis/real_labelled_fashion32.py data/real_labelled

The images lie in a folder for each class, such as tools/dataset_converters/garment_pool.py writes.
"""

images = 'data/garments/images'

synthesis = dict(
    source=dict(
        type='mmbdg.RealImageSource',
        images=images,
        labeller='work_dirs/real_fashion/labelled_generator',
        licence='MIT: Fashion-MNIST (MIT, Zalando SE)',
    ),
    filters=[dict(type='mmbdg.UncertaintyFilter', rate=0.1)],
    num_per_class=100,
    seed=0,
)
