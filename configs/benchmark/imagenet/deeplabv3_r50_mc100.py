"""MC-100: background and 100 classes of ImageNet (BigDatasetGAN, Table 2).

    tools/dist_train.sh configs/benchmark/imagenet/deeplabv3_r50_mc100.py 4 --cfg-options pretrained=densecl train_data=biggan-off

Not run by us, because the data was not available.
"""

_base_ = '../../_base_/benchmark_in1k.py'

label_space = 'mc100'
num_labels = 101
