#!/usr/bin/env bash
# A standalone cluster of a master and two workers on this machine's loopback, and a
# command on it: cluster.sh COMMAND..., in whose arguments MASTER stands for its URL.
#
#   cluster.sh spark-submit --master MASTER job.py ...
#
# Ends the cluster with the command. Needs Java 17 and `pip install pyspark`.
set -euo pipefail

python=$(command -v python3)
SPARK_HOME=${SPARK_HOME:-$("$python" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')}
port=${SPARK_MASTER_PORT:-7077}
work=$(mktemp -d)
export SPARK_HOME SPARK_LOCAL_DIRS=$work PYSPARK_PYTHON=${PYSPARK_PYTHON:-$python} PYSPARK_DRIVER_PYTHON=$python
# A cluster that nobody else reaches.
export SPARK_LOCAL_IP=127.0.0.1 SPARK_PUBLIC_DNS=127.0.0.1

started=()
stop() {
  for one in "${started[@]}"; do kill "$one" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

start() {
  "$SPARK_HOME/bin/spark-class" "$@" >>"$work/log" 2>&1 &
  started+=($!)
}

start org.apache.spark.deploy.master.Master --host 127.0.0.1 --port "$port" --webui-port 0
for worker in 1 2; do
  start org.apache.spark.deploy.worker.Worker --host "127.0.0.$worker" --webui-port 0 \
    --cores 1 --memory 1g --work-dir "$work/$worker" "spark://127.0.0.1:$port"
done
for _ in $(seq 120); do
  [ "$(grep -c 'Successfully registered with master' "$work/log")" = 2 ] && break
  sleep 0.5
done
if [ "$(grep -c 'Successfully registered with master' "$work/log")" != 2 ]; then
  cat "$work/log" >&2
  exit 1
fi

"${@//MASTER/spark://127.0.0.1:$port}"
