"""Dog: foreground and background of the 118 dog classes (BigDatasetGAN, Table 2).

    tools/dist_train.sh configs/benchmark/imagenet/deeplabv3_r50_dog.py 4 --cfg-options pretrained=densecl train_data=biggan-off

The 657 annotated images of dogs train it. Not run by us, because the data was not available.
"""

_base_ = '../../_base_/benchmark_in1k.py'

label_space = 'dog'
num_labels = 2
