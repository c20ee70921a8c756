#!/usr/bin/env bash
# Run pytest on a kernel that has the memory controller of cgroup v2, where this one has none: user mode Linux is a
# kernel that is a process. It sees this file system, read-only. Usage: cgroup2.sh PYTHON ARGUMENTS-OF-PYTEST...
set -euo pipefail

command -v linux.uml >/dev/null || { echo "there is no linux.uml — apt-get install user-mode-linux" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/init" <<INIT
#!/bin/bash
export PATH=$(printf %q "$PATH") HOME=/run TMPDIR=/run/tmp XDG_CACHE_HOME=/run/cache LC_ALL=C.UTF-8 TERM=dumb
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t tmpfs -o size=2G run /run && mkdir /run/tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup && ip link set lo up
# What systemd does for whoever delegates: we are in a leaf, and the controller is handed on above it.
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/leaf && echo \$\$ >/sys/fs/cgroup/leaf/cgroup.procs
cd $(printf %q "$PWD") && HARNESS_CHECKOUT=$(printf %q "${HARNESS_CHECKOUT:-}") $(printf '%q ' "$1" -m pytest "${@:2}")
echo "pytest ended with \$?"
echo o >/proc/sysrq-trigger
sleep 60
INIT
chmod +x "$scratch/init"
linux.uml mem=3G rootfstype=hostfs ro uml_dir="$scratch" loglevel=1 init="$scratch/init" con=null con0=null,fd:1 \
  </dev/null 2>"$scratch/kernel" | tee "$scratch/said"
grep -q "pytest ended with 0" "$scratch/said" || { tail -20 "$scratch/kernel" >&2; exit 1; }
