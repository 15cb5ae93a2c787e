"""Garments retrieved from a pool of 10,000 images, a fifth of whose captions are wrong.

python tools/dataset_converters/garment_pool.py data/garment_pool
python tools/index_pool.py data/garment_pool configs/synthesis/retrieval_fashion32.py
python tools/synthesize.py configs/synthesis/retrieval_fashion32.py OUT_DIR
python tools/score_retrieval.py configs/synthesis/retrieval_fashion32.py data/garment_pool/truth.csv
"""

pool, index, clip = 'data/garment_pool', 'data/garment_pool_index', 'mmbdg://fashion32/clip'
synthesis = dict(
    source=dict(
        type='mmbdg.RetrievalSource',
        pool=pool,
        index=index,
        embedder=dict(type='mmbdg.OpenCLIP', folder=clip),
        classes='fashion32',
        templates=['a photo of a {}'],
        k=500,
        modalities=['image', 'text'],
        order='rank',  # by similarity all captions would come first: two texts are more similar than a text and an image
        resolution=32,
    ),
    num_per_class=100,
    candidates=50,
)
requires = dict(
    pool='python tools/dataset_converters/garment_pool.py data/garment_pool',
    index='python tools/index_pool.py data/garment_pool {config_dir}/retrieval_fashion32.py',
)
