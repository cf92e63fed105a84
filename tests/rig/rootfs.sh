#!/bin/sh
# rootfs.sh FOLDER: makes FOLDER/base.tar, the one big layer under every stand-in image: Debian 12 with real PostgreSQL, Redis,
# nginx and squid, and Python for the parts that are ours. From the mirror that this machine already uses.
set -eu
folder=$1
root=$folder/rootfs.new
rm -rf "$root"
mkdir -p "$root"
chmod 755 "$root"

own_mirror() {
    # shellcheck disable=SC2016 # apt replaces it, not the shell
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1
}
mirror=$(own_mirror)
if [ -z "$mirror" ]; then
    apt-get update -qq
    mirror=$(own_mirror)
fi

# debootstrap fetches and unpacks the first few; apt, inside, resolves the rest without recommendations and documentation
mkdir -p "$folder/debs"
debootstrap --cache-dir="$folder/debs" --variant=minbase bookworm "$root" "$mirror" >"$folder/debootstrap.log" 2>&1 || {
    tail -n 20 "$folder/debootstrap.log" >&2
    exit 1
}
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
printf 'path-exclude /usr/share/%s/*\n' doc man locale info >"$root/etc/dpkg/dpkg.cfg.d/lean"
printf 'force-unsafe-io\n' >"$root/etc/dpkg/dpkg.cfg.d/fast"
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -qq --no-install-recommends -o "Dir::Cache::archives=/var/cache/apt/archives" \
    postgresql-15 redis-server nginx-light squid busybox-static curl gettext-base procps python3 python3-psycopg2 python3-redis \
    >"$folder/apt.log" 2>&1 || {
    tail -n 20 "$folder/apt.log" >&2
    exit 1
}

# what no stand-in uses: the compiler of PostgreSQL's JIT alone is a quarter of it all
rm -rf "$root"/usr/lib/*/libLLVM* "$root"/usr/lib/postgresql/15/lib/llvmjit* "$root"/usr/lib/postgresql/15/lib/bitcode \
    "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale \
    "$root"/var/lib/postgresql/15 "$root"/var/log/*
mkdir -p "$root/var/log/nginx" "$root/var/log/squid"
chroot "$root" chown proxy:proxy /var/log/squid
# a container's first import must not pay for compiling
chroot "$root" python3 -m compileall -q /usr/lib/python3.11 /usr/lib/python3/dist-packages >/dev/null 2>&1 || true
tar -C "$root" --one-file-system --sort=name --numeric-owner -cf "$folder/base.tar.new" .
rm -rf "$root"
mv "$folder/base.tar.new" "$folder/base.tar"
