"""Bird: foreground and background of the 59 bird classes (BigDatasetGAN, Table 2).

    tools/dist_train.sh configs/benchmark/imagenet/deeplabv3_r50_bird.py 4 --cfg-options pretrained=densecl train_data=biggan-off

The 366 annotated images of birds train it. Not run by us, because the data was not available.
"""

_base_ = '../../_base_/benchmark_in1k.py'

label_space = 'bird'
num_labels = 2
