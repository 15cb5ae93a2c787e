"""The paper's pre-trainings: what each is called, and the file with its backbone. A file of your own is set by --cfg-options."""

densecl = 'work_dirs/densecl_r50_200ep_in1k/backbone.safetensors'
moco = 'moco_v2_200ep_pretrain.pth.tar'  # as published
ours = 'work_dirs/densecl_biggan_fpn_in1k/backbone.safetensors'
processes = 8  # GPUs of each training

titles = dict(random='random init.', supervised='supervised', moco='MoCo-v2', densecl='DenseCL', ours='BigGAN-sim-FPN')
backbones = dict(random=None, supervised='torchvision://resnet50', moco=moco, densecl=densecl, ours=ours)
