"""Senses and prompts of the 1,000 ImageNet classes by a language model in a local folder.

    python tools/class_senses.py find configs/prompts/in1k_language_model.py senses.json --device cuda
    python tools/class_senses.py apply configs/prompts/in1k_language_model.py senses.json classes.json
    python tools/prompts.py configs/prompts/in1k_language_model.py prompts.json --device cuda --cfg-options prompts.classes=classes.json

ImageNet's classes have curated names, so they need no images. For other classes set your own list in ``classes``, and ``images``.
Temperature, top_p and the weights of the kinds are those of the code of "The Unmet Promise"; all else is this package's own.
"""

model_folder = 'data/language_model'
clip_folder = 'data/clip'

language_model = dict(folder=model_folder, max_new_tokens=400, temperature=0.8, top_p=0.9, precision='bfloat16')
senses = dict(
    classes='in1k',
    language_model=language_model,
    images='data/imagenet/train',
    num_images=50,
    embedder=dict(type='mmbdg.OpenCLIP', folder=clip_folder),
)
prompts = dict(
    classes='in1k',
    per_class=200,
    language_model=language_model,
    kinds={'class': 0.44, 'background': 0.45, 'relation': 0.11},
    styles=30,
    style_prob=0.2,
    seed=0,
)
requires = dict(model_folder='an instruction-tuned language model in the layout of save_pretrained, with safetensors')
