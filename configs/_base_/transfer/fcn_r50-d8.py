"""mmseg's FCN with DenseCL's fine-tuning settings.

"The first 7x7 convolution is kept" (ResNet instead of ResNetV1c), total batch size 16, SyncBN.
"""

_base_ = ['../runtime.py', 'mmseg::_base_/models/fcn_r50-d8.py']

default_scope = 'mmseg'
model = dict(pretrained=None, backbone=dict(type='ResNet'))  # all layers are trained
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=5e-4))  # mmseg's
val_cfg = dict()
test_cfg = dict()
val_evaluator = dict(type='IoUMetric', iou_metrics=['mIoU'])
test_evaluator = val_evaluator
next_step = 'python tools/test.py {config} {checkpoint}'
