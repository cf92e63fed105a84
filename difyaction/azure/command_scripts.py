"""The texts that Run Command is given, so that any script, input and output pass through it whole. Pure."""

from __future__ import annotations

import base64
import gzip
import lzma
import shlex
import zlib
from collections.abc import Iterator
from typing import Final

PIECE: Final = 3800  # characters of packed output in one stream of an answer; 4,096 is what survives
UPLOAD: Final = 48_000  # characters of packed script in one command
MOST_PACKED: Final = 600_000  # characters of one answer: 80 commands, some forty minutes
MOST_OUTPUT: Final = 64 * 1024 * 1024  # bytes of one answer, unpacked
MOST_MEMORY: Final = 128 * 1024 * 1024  # bytes for unpacking it
GONE: Final = 90  # the piece that was asked for is not there: the host was restarted or cleaned
# Only root may make something in /run, so nobody can have laid a trap there; elsewhere is for tests without root.
# The agent keeps each script on the disk, where whatever travels in it would stay.
_ROOM: Final = """case $0 in */run-command*/script.sh) rm -f -- "$0" ;; esac
R=/run/dify-upgrade-command; [ -w /run ] || R=${TMPDIR:-/tmp}/dify-upgrade-command-$(id -u); umask 077; cd /
"""


def stored_parts(word: str, content: bytes) -> Iterator[str]:
    """Yield the scripts that keep what is sent in the room ``word``, a piece each. A piece may come twice."""
    packed, room = base64.b64encode(gzip.compress(content, mtime=0)).decode(), f'"$R"/{word}'
    for number, start in enumerate(range(0, len(packed), UPLOAD)):
        piece = packed[start : start + UPLOAD]
        yield f"{_ROOM}mkdir -p {room}\nbase64 -d >{room}/sent.{number:04d} <<'DIFY_END'\n{piece}\nDIFY_END"


def starting(word: str, size: int, *, user: str, timeout: float, done: tuple[str, ...]) -> str:
    """Return the script that runs what was stored, keeps its whole output, and prints the first piece of it.

    The script is the first ``size`` bytes of what was stored, the rest its input. It runs as ``user`` (empty: root)
    with what a login would give it. It clears away what earlier commands left: those of this run that are ``done``,
    and any of yesterday.
    """
    cleared = " ".join(f'"$R"/{each}' for each in done or ("none",))
    limit = max(1, int(timeout))
    return f"""{_ROOM}mkdir -p "$R"/{word}; chmod 711 "$R"; rm -rf {cleared}
find "$R" -mindepth 1 -maxdepth 1 -mtime +0 -exec rm -rf {{}} +
cd "$R"/{word} || exit 1
if mkdir begun 2>/dev/null; then
  cat sent.* | gzip -dc >all
  head -c {size} all >run; tail -c +{size + 1} all >in
  rm -f sent.* all
{_as_user(user)}
  (cd "$HOME" 2>/dev/null || cd /; exec $as timeout {limit} sh "$room/run") <in >out 2>err; echo $? >rc
  rm -f run in
  pack='gzip -c'; ! command -v xz >/dev/null || pack='xz -4 -c'
  {{ cat rc; wc -c <out; cat out err; }} | $pack | base64 | tr -d '\\n' >packed.new; mv packed.new packed
  rm -f out err
fi
n=0; while [ ! -f packed ] && [ $n -lt {limit + 60} ]; do sleep 1; n=$((n+1)); done
{_print(word, 0)}"""


def fetching(word: str, offset: int) -> str:
    """Return the script that prints the piece from ``offset`` on."""
    return f'{_ROOM}cd "$R"/{word} 2>/dev/null\n{_print(word, offset)}'


def unpacked(data: bytes) -> tuple[int, bytes, bytes]:
    """Return exit code, output and errors. ``ValueError`` when it is not what we packed, or more than is good."""
    try:
        if data.startswith(b"\xfd7zXZ"):
            whole = lzma.LZMADecompressor(memlimit=MOST_MEMORY).decompress(data, MOST_OUTPUT)
        else:
            whole = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(data, MOST_OUTPUT)
    except (lzma.LZMAError, zlib.error) as error:
        raise ValueError("it is not packed as it should be") from error
    code, size, rest = whole.split(b"\n", 2)
    return int(code), rest[: int(size)], rest[int(size) :]


def _as_user(user: str) -> str:
    """Return the lines that set ``$as`` and ``$room``, and what a login would set: an agent has no HOME of its own."""
    who = shlex.quote(user) if user else '"$(id -un)"'
    lines = [f"  room=$PWD as='' who={who}"]
    if user:
        lines += [
            '  chown -R "$who" . && as="runuser -u $who --"',
            '  ! [ -d "/run/user/$(id -u "$who")" ] || export XDG_RUNTIME_DIR="/run/user/$(id -u "$who")"',
        ]
    lines.append('  home=$(getent passwd "$who" | cut -d : -f 6)')
    return "\n".join([*lines, '  export HOME="${home:-${HOME:-/}}" USER="$who" LOGNAME="$who"'])


def _print(word: str, offset: int) -> str:
    """Return the lines that print a piece on each stream, between marks: other words may stand around them."""
    return f"""piece() {{
  printf '@@ {word} %d 0\\n' "$(wc -c <packed)"
  tail -c "+$1" packed | head -c {PIECE}
  printf '\\n@@\\n'
}}
if [ -f packed ]; then piece {offset + 1}; piece {offset + PIECE + 1} >&2
else printf '@@ {word} 0 {GONE}\\n@@\\n'; fi"""
