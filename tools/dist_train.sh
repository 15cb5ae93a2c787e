#!/usr/bin/env bash
# Several processes on one machine: tools/dist_train.sh CONFIG GPUS [options of tools/train.py]
# On several machines, run on each: NNODES=2 NODE_RANK=0 MASTER_ADDR=address.of.rank.0 PORT=29500 tools/dist_train.sh CONFIG GPUS_OF_THIS_MACHINE [options]
set -euo pipefail
USAGE="usage: $0 CONFIG GPUS [options of tools/train.py]"
CONFIG=${1:?$USAGE} GPUS=${2:?$USAGE}
export PYTHONPATH="$(dirname "$0")/..${PYTHONPATH:+:$PYTHONPATH}"
exec python -m torch.distributed.run --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" --nproc_per_node="$GPUS" "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "${@:3}"
