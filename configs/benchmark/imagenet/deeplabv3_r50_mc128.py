"""MC-128: background and 127 groups of WordNet, a long-tailed distribution (BigDatasetGAN, Table 2).

    tools/dist_train.sh configs/benchmark/imagenet/deeplabv3_r50_mc128.py 4 --cfg-options pretrained=densecl train_data=biggan-off

Not run by us, because the data was not available.
"""

_base_ = '../../_base_/benchmark_in1k.py'

label_space = 'mc128'
num_labels = 128
