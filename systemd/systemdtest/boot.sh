#!/bin/bash
# boot.sh STAGE: becomes the init of a throwaway machine.
#
# It runs as PID 1 of new pid, mount, network, uts and ipc namespaces, and lays
# a tmpfs over / of this machine, so that its own systemd can be booted and
# nothing of the test is left. STAGE/files is copied into the new root;
# STAGE/out stays shared. The unit stage.service runs the checks.
set -euo pipefail
stage=$1

if [ "${2:-}" != inner ]; then
  # A cgroup of its own, which becomes the root that systemd sees.
  echo 0 >"$stage/cgroup/cgroup.procs"
  exec unshare --cgroup "$BASH" "$0" "$stage" inner
fi

mount --make-rprivate /
base=/mnt
mount -t tmpfs -o mode=755 tmpfs $base
root=$base/root
mkdir $base/{lower,upper,work,root}
mount --bind / $base/lower # Alone, without what is mounted below it.
mount -t overlay -o lowerdir=$base/lower,upperdir=$base/upper,workdir=$base/work overlay $root

mount -t proc proc $root/proc
mount -t sysfs -o ro sysfs $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs $root/run
mount -t tmpfs -o mode=1777 tmpfs $root/tmp
mount -t tmpfs -o mode=755 tmpfs $root/dev
mkdir $root/dev/{pts,shm}
mount -t devpts -o newinstance,ptmxmode=0666 devpts $root/dev/pts
for device in null zero full random urandom tty; do
  touch $root/dev/$device
  mount --bind /dev/$device $root/dev/$device
done
ln -s pts/ptmx $root/dev/ptmx # PrivateDevices= looks for it.
ln -s /proc/self/fd $root/dev/fd

cp -a "$stage/files/." $root/
mkdir -p $root/stage/out
mount --bind "$stage/out" $root/stage/out
rm -f $root/etc/machine-id # It may be a link to nowhere.
echo 706f6c6c7769726500000000000000ff >$root/etc/machine-id
rm -rf $root/var/lib/{,private/}pollwire

cd $root
mkdir old
pivot_root . old
cd /
umount -l /old
mount --make-rshared / # Credentials are mounted for the service from outside of it.
exec env -i container=stage PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=stage.target --show-status=no
