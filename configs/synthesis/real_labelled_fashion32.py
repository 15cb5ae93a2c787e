"""Real garments with masks by a labeller that was trained on 50 annotated real images.

    python tools/train.py configs/interpreter/real_fashion.py
    python tools/synthesize.py configs/synthesis/retrieval_fashion32.py data/garments_retrieved
    python tools/synthesize.py configs/synthesis/real_labelled_fashion32.py data/real_labelled

The images are retrieved ones. A folder with a subfolder of images for each class works too.
"""

images = 'data/garments_retrieved'
labeller = 'work_dirs/real_fashion/labelled_generator'

synthesis = dict(
    source=dict(
        type='mmbdg.RealImageSource',
        images=images,
        labeller=labeller,
        licence='MIT: Fashion-MNIST (MIT, Zalando SE)',
    ),
    filters=[dict(type='mmbdg.UncertaintyFilter', rate=0.1)],
    num_per_class=100,
    seed=0,
)
requires = dict(
    images='images to label: a dataset of tools/synthesize.py, such as retrieved images; or a folder of images for each class',
    labeller='the labeller of real images: python tools/train.py configs/interpreter/real_fashion.py',
)
