"""What may be printed of files that people wrote: what looks like a secret becomes stars, rather too much of it.

A name (`SMTP_PASS=`, `--token`, `basicauth.users=`, `proxy_set_header X-API-KEY`, `curl -u`) hides the rest of its
line, a shape (a hash of a password, a signed token, where a webhook leads) itself, the head of a key (`-----BEGIN`) all
lines to its end. What is only a variable's name stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

STARS = "***"

_LONGEST = 4000  # characters of a line; what is longer is data

_SECRETIVE = re.compile(
    r"(?:^|[_.-])(?:KEYS?|AK|SK|PWD?|SALT|DSN|CRED(?:ENTIAL)?S?|CONNECTION_STRING|JSON_BASE64|(?:WEB)?HOOKS?(?:_URLS?)?$"
    r"|LOGIN$|PAT$|\w*?(?:(?<!BY)PASS|PASSWOR[DT]S?|PASSWD|PASSPHRASES?|SECRETS?|TOKENS?|AUTHORIZATION$"
    r"|(?:API|ACCESS|ACCOUNT|SECRET|PRIVATE)KEYS?))(?:[_.-]|$)|[_.-]AUTH$",
    re.IGNORECASE,
)
_SHAPED = re.compile(
    r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # name and password of an address
    r"|\$\$?(?:apr1|2[aby]|[156]|argon2\w*)\$[^\s\"',]+"
    r"|\beyJ[\w-]{6,}[\w.=-]*|\b(?:sk|gh[oprsu]|github_pat|xox[abp]|glpat)[-_][\w-]{6,}|\bAKIA[A-Z0-9]{12,}"
)
_HOOK = re.compile(r"""(://(?:[\w-]*hooks?\.[^\s"'/]+|[^\s"']+?/(?:(?:web)?hooks?\w*|api/push))/)[^\s"',;]+""")
_MIXED = re.compile(r"[\w+-]{32,}=*")
_PAIR = re.compile(
    r"""(?P<name>[A-Za-z_$][\w.$-]*)(?P<between>["']?\s*(?:!?[:=]|!?~\*?)\s*["']?)(?P<value>[^\s"'].*)"""
)
_WORD = re.compile(
    r"""(?P<head>(?:^|[\s"'])(?:--?[\w-]*(?:passw(?:or)?d|passphrase|requirepass|masterauth|secret|token|api-?key)[\w-]*"""
    r"""|requirepass|masterauth|(?:proxy-)?authorization|\S*basicauth\S*?|redis-cli\b.*?[\s"']-a"""
    r"""|[\w/.-]*\bcurl\b.*?[\s"'](?:-u|--user)|[\w/.-]*\bmc\s+(?:alias\s+set|config\s+host\s+add)\s+\S+\s+\S+"""
    r"""|\w+_(?:header|param|add)\s+["']?[\w-]*(?:key|token|auth|secret|passw)[\w-]*)"""
    r"""["']?(?:\s*[,=:]\s*|\s+)["']?)(?P<value>[^\s"'].*)""",
    re.IGNORECASE,
)
_GLUED = re.compile(
    r"""\b(?:(?:mysql|mariadb|obclient)[\w-]*\b.*?[\s"']-p|curl\b.*?[\s"']-u)(?P<value>[^\s"'].*)"""  # as `-psecret`
)
_ALONE = re.compile(
    r"""\s*-\s+["']?--?[\w-]*(?:passw(?:or)?d|passphrase|requirepass|masterauth|secret|token|api-?key|user)[\w-]*["']?\s*"""
    r"""|\s*-\s+["']?-u["']?\s*""",
    re.IGNORECASE,
)
_BEGIN, _END = re.compile(r"-----BEGIN [A-Z0-9 ]+-----"), "-----END"
_BLOCK = re.compile(r"""(?P<blank>\s*)(?:-\s+)?["']?(?P<name>[\w.-]+)["']?\s*:\s*[|>][-+0-9]*\s*""")
_ITEM = re.compile(r"(\s*-\s+)\S.*")
_REFERENCE = re.compile(r"""\$?\$(?:\{\w+(?::?[-?])?\}|\w+)["'\]},; ]*""")


def secretive(name: str, value: str) -> bool:
    """Whether nobody should read a value, by its name or its shape."""
    return bool(value and (_SECRETIVE.search(name) or any(each.search(value) for each in (_SHAPED, _HOOK, _BEGIN))))


def discreet(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines of one file as they may be printed, in order."""
    alone, below, sealed = False, -1, False
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if sealed:
            sealed = _END not in line
            yield line[:depth] + STARS
            continue
        sealed = _opens(line)
        if below >= 0 and (depth > below or not line.strip()):
            yield line[:depth] + (STARS if line.strip() else "")
            continue
        item = _ITEM.fullmatch(line) if alone else None
        block = _BLOCK.fullmatch(line)
        below = len(block["blank"]) if block and _SECRETIVE.search(block["name"]) else -1
        alone = bool(_ALONE.fullmatch(line))
        yield f"{item[1]}{STARS}" if item else line if block or alone else _line(line)


def _opens(line: str) -> bool:
    """Whether a key begins in a line, and ends in a later one."""
    begun = _BEGIN.search(line)
    return begun is not None and _END not in line[begun.end() :]


def _line(line: str) -> str:
    if len(line) > _LONGEST:
        return STARS
    told = (found for each in (_WORD, _GLUED) for found in each.finditer(line))
    hidden = [found for found in told if not _REFERENCE.fullmatch(found["value"])]
    place = 0
    while found := _PAIR.search(line, place):
        named = _SECRETIVE.search(found["name"])
        if named and not _REFERENCE.fullmatch(found["value"]):
            hidden.append(found)
        place = found.end() if named else found.start("value")
    ends = [found.start("value") for found in hidden] + [found.end() for found in _BEGIN.finditer(line)]
    end = min(ends, default=len(line))
    shown = _MIXED.sub(_unless_a_name, _HOOK.sub(rf"\1{STARS}", _SHAPED.sub(STARS, line[:end])))
    return shown + (STARS if line[end:] else "")


def _unless_a_name(found: re.Match[str]) -> str:
    """Return a long word as it is when it has no letters of both kinds and digits, as what was drawn at random has."""
    text = found[0]
    drawn = any(map(str.islower, text)) and any(map(str.isupper, text)) and any(map(str.isdigit, text))
    return STARS if drawn else text
