#!/bin/bash
# The first process of the machine under test. Started by machine.py in new mount, pid, network and name (uts) namespaces: what it mounts,
# starts and listens on exists only here, and ends with it. machine.sh STATE; STATE/disk.img is the machine's one disk.
set -eu
state=$1
disk=$state/disk

mount --make-rprivate /
mkdir -p "$disk"
mount -o loop,noatime "$state/disk.img" "$disk"
for folder in opt home root srv var-log var-backups var-lib etc-upper etc-work engine; do mkdir -p "$disk/$folder"; done

# /etc keeps what the host has and takes our users; the rest that a run may write to is this machine's own
mount -t overlay -o "lowerdir=/etc,upperdir=$disk/etc-upper,workdir=$disk/etc-work" overlay /etc
mount --bind "$disk/opt" /opt
mount --bind "$disk/home" /home
mount --bind "$disk/root" /root
mount --bind "$disk/srv" /srv
mount --bind "$disk/var-log" /var/log
mkdir -p /var/backups
mount --bind "$disk/var-backups" /var/backups
mkdir -p /var/lib/dify-upgrade-action
mount --bind "$disk/var-lib" /var/lib/dify-upgrade-action
mount -t tmpfs -o mode=755 tmpfs /run
case $state/ in
    /tmp/*) ;; # then /tmp has to stay what it is
    *) mount -t tmpfs -o mode=1777 tmpfs /tmp ;;
esac
mkdir -p /run/sshd /run/lock
# a machine that was started again has another boot id
cp "$state/boot_id" /run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
ip link set lo up
# where an engine with a network of its own finds the registry; and it publishes port 80, too
ip addr add 10.99.0.1/32 dev lo
sysctl -qw net.ipv4.ip_unprivileged_port_start=0
sysctl -qw net.ipv4.ip_forward=1 2>/dev/null || true
hostname difyvm

# who may log in: root, a plain user of the group docker, one who has to say sudo, one whom sudo asks for a password, and one
# who may have an engine of its own (rootless.sh), which needs numbers to give to its containers' users
getent group docker >/dev/null || groupadd --system docker
for user in dify sudoer asked rootless; do
    getent passwd "$user" >/dev/null || useradd --create-home --shell /bin/sh --password '*' "$user"
    install -d -m 700 -o "$user" -g "$user" "/home/$user/.ssh"
    install -m 600 -o "$user" -g "$user" "$state/ssh/client.pub" "/home/$user/.ssh/authorized_keys"
done
usermod -aG docker dify
for file in /etc/subuid /etc/subgid; do grep -qs '^rootless:' "$file" || echo rootless:200000:65536 >>"$file"; done
mkdir -p /etc/sudoers.d
printf '%s\n' 'sudoer ALL=(ALL) NOPASSWD: ALL' 'asked ALL=(ALL) ALL' >/etc/sudoers.d/rig
chmod 440 /etc/sudoers.d/rig
install -d -m 700 /root /root/.ssh
install -m 600 "$state/ssh/client.pub" /root/.ssh/authorized_keys

service_sshd() { # a session that was just made may hold the port for a moment after the one that listened was killed: 255 is what sshd says then
    { while setsid /usr/sbin/sshd -D -f "$state/ssh/sshd_config" -E "$disk/sshd.log"; [ $? = 255 ]; do sleep 0.1; done; } </dev/null >/dev/null 2>&1 &
}
service_registry() { setsid docker-registry serve "$state/registry.yml" </dev/null >"$disk/registry.log" 2>&1 & }
# what the engine starts lives for parts of a second: collecting its garbage, and compiling the usual filter of system calls, which is a
# fifth of each `docker exec`, are not worth it here
echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >/run/seccomp.json
service_engine() {
    GOGC=400 setsid dockerd --data-root "$disk/engine" --exec-root /run/docker --pidfile /run/docker.pid --group docker \
        --seccomp-profile /run/seccomp.json --host unix:///run/docker.sock --registry-mirror http://127.0.0.1:5000 </dev/null >"$disk/engine.log" 2>&1 &
}
# all containers together would get no more of the processor than one process of this machine gets, and starve beside others
{ mkdir -p /sys/fs/cgroup/cpu/docker && echo 16384 >/sys/fs/cgroup/cpu/docker/cpu.shares; } 2>/dev/null || true
service_registry
service_engine
service_sshd
echo up >/run/rig-up

# requests to start a part again come as signals; waiting also buries the orphans, which is the first process's duty
trap service_sshd USR1
trap service_registry USR2
trap service_engine HUP
while :; do wait -n || true; jobs -p | grep -q . || sleep 1; done
