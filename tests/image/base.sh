#!/bin/bash
# base.sh FOLDER PIP VERSION: makes FOLDER/python.tar, a stand-in for the base that the Dockerfile names, where no registry
# can be reached: Debian of the same release with its own Python, which has to be of VERSION, laid out as in Docker's image of
# Python (all below /usr/local, nothing compiled, no tests), with PIP (a wheel). From the mirror that this machine already uses.
set -eu
folder=$1
pip=$2
wanted=python$3
root=$folder/python.new
rm -rf "$root"
mkdir -p "$root" "$folder/debs"
chmod 755 "$root"

own_mirror() {
    # shellcheck disable=SC2016 # apt replaces it, not the shell
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1
}
mirror=$(own_mirror)
if [ -z "$mirror" ]; then
    apt-get update -qq
    mirror=$(own_mirror)
fi
debootstrap --cache-dir="$folder/debs" --variant=minbase --include=ca-certificates,netbase,tzdata,python3,libsqlite3-0 \
    trixie "$root" "$mirror" >"$folder/debootstrap.log" 2>&1 || {
    tail -n 20 "$folder/debootstrap.log" >&2
    exit 1
}

version=$(basename "$(readlink "$root/usr/bin/python3")") # such as python3.13
[ "$version" = "$wanted" ] || {
    echo "the Dockerfile's base has $wanted, Debian's has $version" >&2
    exit 1
}
lib=$root/usr/local/lib/$version
rm -rf "$lib"
mv "$root/usr/lib/$version" "$lib"
mv "$root/usr/bin/$version" "$root/usr/local/bin/$version"
ln -s "$version" "$root/usr/local/bin/python3"
ln -s python3 "$root/usr/local/bin/python"
# Debian's own ideas of where packages go
rm -rf "$lib/sitecustomize.py" "$lib/EXTERNALLY-MANAGED" "$root/usr/lib/python3" "$root/usr/bin/python3"
mkdir "$lib/site-packages" "$lib/ensurepip"
ln -s site-packages "$lib/dist-packages"
find "$root/usr/local" -depth -type d \( -name test -o -name tests -o -name __pycache__ \) -exec rm -rf {} +
"${PYTHON:-python3}" -m zipfile -e "$pip" "$lib/site-packages"
for name in pip pip3; do
    printf '#!/usr/local/bin/python3\nfrom pip._internal.cli.main import main\nraise SystemExit(main())\n' >"$root/usr/local/bin/$name"
    chmod 755 "$root/usr/local/bin/$name"
done
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info} "$root"/var/log/*
chroot "$root" python3 -c 'import ssl, zoneinfo, ctypes, sqlite3; zoneinfo.ZoneInfo("Asia/Tokyo")'
find "$root/usr/local" -name __pycache__ -prune -exec rm -rf {} +
tar -C "$root" --one-file-system --sort=name --numeric-owner -cf "$folder/python.tar.new" .
rm -rf "$root"
mv "$folder/python.tar.new" "$folder/python.tar"
