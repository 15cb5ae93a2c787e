"""Garments in colour that a text match finds in a pool of 10,000 images, a fifth of whose captions are wrong.

    python tools/dataset_converters/garment_pool.py data/colour_pool --colour
    python tools/index_pool.py data/colour_pool configs/synthesis/retrieval_colour32.py
    python tools/synthesize.py configs/synthesis/retrieval_colour32.py OUT_DIR
    python tools/score_retrieval.py configs/synthesis/retrieval_colour32.py data/colour_pool/truth.csv

No model is needed: no embedder knows this domain.
"""

pool, index = 'data/colour_pool', 'data/colour_pool_index'
names = ['t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'shirt', 'sneaker', 'bag', 'ankle boot']
queries = {'shirt': 'shirt NOT "t shirt"'}  # the words of a t-shirt contain those of a shirt

synthesis = dict(
    source=dict(
        type='mmbdg.RetrievalSource',
        pool=pool,
        index=index,
        classes=[dict(id=name.replace(' ', '-'), name=name, query=queries.get(name, '')) for name in names],
        mode='match',
        resolution=32,
    ),
    num_per_class=100,
    candidates=100,
)
requires = dict(
    pool='python tools/dataset_converters/garment_pool.py data/colour_pool --colour',
    index='python tools/index_pool.py data/colour_pool {config_dir}/retrieval_colour32.py',
)
