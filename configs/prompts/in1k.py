"""Prompts of the 1,000 ImageNet classes with their curated names, from slots; every fifth ends in a style.

    python tools/prompts.py configs/prompts/in1k.py prompts.json

Number of prompts, probability of a style, slots and styles are this package's own: only the abstract of "Diversify, Don't Fine-Tune"
was available.
"""

prompts = dict(classes='in1k', per_class=200, style_prob=0.2, seed=0)
