#!/usr/bin/env bash
# Run pytest on a kernel that has the memory controller of cgroup v2, where this one has none: user mode Linux is a
# kernel that is a process. It sees this file system, read-only. Usage: cgroup2.sh HOW PYTHON ARGUMENTS-OF-PYTEST...
# HOW is in_a_leaf: by root, in a cgroup that was prepared; or by_systemd: as doctor says, by a user with systemd-run.
set -euo pipefail

command -v linux.uml >/dev/null || { echo "there is no linux.uml — apt-get install user-mode-linux" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

ends='echo "pytest ended with $?"; echo o >/proc/sysrq-trigger'
cat >"$scratch/pytest" <<TESTS
cd $(printf %q "$PWD") && export PATH=$(printf %q "$PATH") LC_ALL=C.UTF-8 TERM=dumb HARNESS_CHECKOUT=$(printf %q "${HARNESS_CHECKOUT:-}")
$(printf %q "$2") -c 'from harness.limits.choice import chosen_backend; chosen_backend("cgroup_v2")' && $(printf '%q ' "$2" -m pytest "${@:3}")
TESTS

in_a_leaf() {
  cat <<INIT
mount -t proc proc /proc && mount -t sysfs sys /sys && mount -t tmpfs -o size=2G run /run && mkdir /run/tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup && ip link set lo up
# What systemd does for whoever delegates: we are in a leaf, and the controller is handed on above it.
echo +memory >/sys/fs/cgroup/cgroup.subtree_control
mkdir /sys/fs/cgroup/leaf && echo \$\$ >/sys/fs/cgroup/leaf/cgroup.procs
HOME=/run TMPDIR=/run/tmp XDG_CACHE_HOME=/run/cache bash $scratch/pytest
$ends
sleep 60
INIT
}

by_systemd() {
  for file in /lib/systemd/systemd /usr/lib/systemd/system/dbus.socket; do
    [ -e "$file" ] || { echo "there is no $file — apt-get install systemd dbus libpam-systemd" >&2; exit 2; }
  done
  cat <<'INIT'
mount -t tmpfs units /etc/systemd/system && cd /etc/systemd/system
# Nothing but what a user's manager needs is started, and nothing that would change this file system.
for unit in /usr/lib/systemd/system/*.target.wants/* /usr/lib/systemd/system/systemd-remount-fs.service; do
  case $unit in */dbus.*|*.target) ;; *) ln -sf /dev/null "${unit##*/}" ;; esac
done
printf '[Unit]\nWants=tests.service\n' >default.target
printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=install -d -o %%i /run/user/%%i\n' >user-runtime-dir@.service
mkdir user@.service.d && printf '[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\n' >user@.service.d/run.conf
INIT
  cat <<INIT
cat >tests.service <<UNIT
[Unit]
Wants=dbus.socket user@65534.service
After=dbus.socket user@65534.service
[Service]
Type=oneshot
User=65534
AmbientCapabilities=CAP_DAC_READ_SEARCH
StandardOutput=file:/dev/console
StandardError=file:/dev/console
Environment=XDG_RUNTIME_DIR=/run/user/65534 HOME=/run/user/65534 TMPDIR=/run/user/65534
ExecStart=systemd-run --user --scope -p Delegate=yes bash $scratch/pytest
ExecStopPost=+bash -c 'echo "pytest ended with \\\$EXIT_STATUS"; echo o >/proc/sysrq-trigger'
UNIT
exec /lib/systemd/systemd --show-status=0
INIT
}

{ echo '#!/bin/bash'; echo "export PATH=$(printf %q "$PATH")"; "$1"; } >"$scratch/init"
chmod +x "$scratch/init"
linux.uml mem=3G rootfstype=hostfs ro uml_dir="$scratch" loglevel=1 init="$scratch/init" systemd.volatile=state \
  con=null con0=null,fd:1 </dev/null 2>"$scratch/kernel" | tee "$scratch/said"
grep -q "pytest ended with 0" "$scratch/said" || { tail -20 "$scratch/kernel" >&2; exit 1; }
