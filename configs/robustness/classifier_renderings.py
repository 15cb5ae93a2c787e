"""A classifier of the grey garments on other renderings of the 1,000 test garments (docs/out_of_domain.md).

    python tools/test.py configs/robustness/classifier_renderings.py mmbdg/assets/fashion32/classifier.safetensors
    python tools/test.py configs/robustness/classifier_renderings.py CHECKPOINT --cfg-options rendering=colour-on-black

CHECKPOINT is one of configs/classifier/resnet_fashion32.py, or of another training of the same network. Renderings: the photos' edges; the
garments in colour, patterned, moved and partly hidden, on black; and the same with their ground and clutter (docs/colour_garments.md).
"""

_base_ = '../classifier/resnet_fashion32.py'

rendering = 'edges'  # or colour-on-black, colour
renderings = {
    'edges': dict(type='mmbdg.FashionMNIST32', split='test', pipeline=[dict(type='mmbdg.EdgeDrawing'), dict(type='PackInputs')]),
    'colour-on-black': dict(type='mmbdg.ColourGarments', split='test', pipeline=[dict(type='mmbdg.BlackGround'), dict(type='PackInputs')]),
    'colour': dict(type='mmbdg.ColourGarments', split='test', masks=False, pipeline=[dict(type='PackInputs')]),
}
test_dataloader = dict(dataset=dict(_delete_=True, **renderings[rendering]))
