"""Prompts of the 1,000 ImageNet classes with their curated names, from slots; every fifth ends in a style.

    python tools/prompts.py configs/prompts/in1k.py prompts.json

Number, share of styles, slots and styles are this package's: of "Diversify, Don't Fine-Tune" only the abstract is known here.
"""

prompts = dict(classes='in1k', per_class=200, style_prob=0.2, seed=0)
