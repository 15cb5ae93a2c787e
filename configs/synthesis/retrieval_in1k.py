"""ImageNet's classes retrieved from your own pool of images with captions, as in "The Unmet Promise" (section 3.2, appendix D.1).

    python tools/index_pool.py data/pool configs/synthesis/retrieval_in1k.py --factory IVF4096,Flat --device cuda
    python tools/synthesize.py configs/synthesis/retrieval_in1k.py data/retrieved_in1k --device cuda

The paper searches LAION-2B, whose indices are no longer available; here you provide the pool. The paper takes the 500 nearest images and
captions of each query, at most 10,000 images of a class, and then keeps the 30 % with the best CLIP score. Queries are embedded by OpenAI's
ViT-L/14. Not run by us: neither a pool nor the weights were available.
"""

pool, index, clip = 'data/pool', 'data/pool_index', 'data/clip/ViT-L-14-openai'
synthesis = dict(
    source=dict(
        type='mmbdg.RetrievalSource',
        pool=pool,
        index=index,
        embedder=dict(type='mmbdg.OpenCLIP', folder=clip),
        classes='in1k',
        templates=[  # the subset of seven of CLIP's 80 templates for ImageNet; the paper's code also has all of them
            'itap of a {}.',
            'a bad photo of the {}.',
            'a origami {}.',
            'a photo of the large {}.',
            'a {} in a video game.',
            'art of the {}.',
            'a photo of the small {}.',
        ],
        k=500,  # for each query; the paper uses 2,000 for smaller datasets
        modalities=['image', 'text'],
        max_per_class=10_000,
        multi_label='all',
        drop_nsfw=True,
        search_parameters='',  # for an index of the factory IVF4096,Flat: 'nprobe=64' searches more cells
        resolution=256,
    ),
    num_per_class=10_000,
    candidates=200,
    image='jpeg',
)
requires = dict(
    pool="your pool: images with captions.csv, tar shards of img2dataset, or clip-retrieval's folder; see docs/retrieval.md",
    index='python tools/index_pool.py data/pool {config_dir}/retrieval_in1k.py',
    clip="a folder of open_clip's ViT-L/14 by OpenAI: open_clip_config.json and the weights as safetensors",
)
