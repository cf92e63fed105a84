"""How the text of an input is read: by its kind, then by the shape that its value must have."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from difyaction.errors import Complaint
from difyaction.input_table import Spec
from difyaction.releases.request import Request, version_file
from difyaction.secret import Secret

SHORTEST_SECRET = 6  # the runner's mask over a shorter text would black out half of the log
_TRUE = frozenset({"true", "True", "TRUE"})  # YAML 1.2 core schema, as the runner's own toolkit reads it
_FALSE = frozenset({"false", "False", "FALSE"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_COMMA_OUTSIDE_BRACES = re.compile(r"[,\n](?![^{}\n]*\})")
_CREDENTIAL_WORDS = 3
_DURATION = re.compile(r"(?:([0-9]{1,4})h)?(?:([0-9]{1,5})m)?(?:([0-9]{1,6})s)?")
_SIZE = re.compile(r"(?P<number>[0-9]{1,7}) ?(?P<unit>[MGTmgt])i?[Bb]")
_SHAPES: Mapping[str, tuple[str, str]] = {
    "repository": (r"[A-Za-z0-9][\w.-]*/[\w.-]+", "a repository such as `owner/name`"),
    "consent": (r"[a-z][a-z0-9-]*@[^\s@]+", "an id and a version such as `plugin-migration@1.14.1`"),
    "platform": (r"[a-z0-9]+/[a-z0-9]+(/v[0-9]+)?", "a platform such as `linux/amd64`"),
    "word": (r"\S+", "one word without blanks"),
    "volume": (r"storage|plugins|vectors|redis|all", "one of storage, plugins, vectors, redis and all"),
    "guid": (
        r"(?i:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})",
        "an id such as `00000000-0000-0000-0000-000000000000`",
    ),
    "tenant": (r"[A-Za-z0-9][A-Za-z0-9.-]+", "a tenant's id or domain"),
    "azure-name": (r"[\w(][\w.()-]{0,89}", "a name in Azure"),
    "nsg": (
        r"[\w(][\w.()-]{0,89}|(?i:/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/Microsoft\.Network/networkSecurityGroups/[^/\s]+)",
        "a group's name or its whole resource id",
    ),
    "vault": (
        r"(?i:[a-z][a-z0-9-]{1,22}[a-z0-9]|/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/Microsoft\.KeyVault/vaults/[^/\s]+)",
        "a vault's name or its whole resource id",
    ),
    "jump-vm": (
        r"(?i:(?:[^@/:\s]+@)?(?:[\w(][\w.()-]{0,89}|/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/Microsoft\.Compute/virtualMachines/[^/:\s]+)(?::[0-9]{1,5})?)",
        "a virtual machine's name or whole resource id, as user@name:port",
    ),
    "source": (
        r"(?!(0|127|169\.254|22[4-9]|2[345]\d)\.)((25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(25[0-5]|2[0-4]\d|1?\d?\d)|https://\S+",
        "an IPv4 address that one can come from, or an https address that tells it",
    ),
    "path": (r"(?!/)(?!(.*/)?\.\.(/|$)).+", "a path inside the repository"),
    "branch": (
        r"(?![/.-]|refs/)(?!.*(\.\.|//|@\{|/\.|\.lock$|[/.]$))[^\x00-\x20\x7f~^:?*\[\\]+",
        "a branch's name such as `main`, without refs/heads/",
    ),
}


class Unreadable(Exception):
    """The text of one input cannot be read."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        super().__init__()
        self.complaints = tuple(complaints)


@dataclass(frozen=True)
class RegistryCredential:
    """One line of `registry-credentials`; ``host`` may carry a port."""

    host: str
    user: str
    password: Secret


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the one of ``words`` that was probably meant, or an empty text."""
    by_fold = {known.casefold(): known for known in words}
    found = difflib.get_close_matches(word.casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else ""


def did_you_mean(near: str) -> str:
    """Say the suggestion as a sentence that follows another."""
    return f" Did you mean {near!r}?" if near else ""


def parse(spec: Spec, text: str) -> object:
    """Read ``text`` as the kind of ``spec`` says.

    :raises Unreadable: with all complaints about this input.
    """
    return _KINDS[spec.kind](spec, text)


def _wrong(spec: Spec, text: str, near: str = "") -> Unreadable:
    return Unreadable([_complaint(spec, text, near)])


def _complaint(spec: Spec, text: str, near: str = "", *, id: str = "input-invalid") -> Complaint:  # noqa: A002 - the field's own word
    return Complaint(id=id, text=f"{spec.name}: {text}{did_you_mean(near)}", input=spec.name, suggestion=near)


def _text(spec: Spec, text: str) -> str:
    if text and (why := _misshapen(spec, text)):
        raise Unreadable([why])
    return text


def _choice(spec: Spec, text: str) -> str:
    if text and text not in spec.values:
        raise _wrong(spec, f"{text!r} is none of {', '.join(spec.values)}.", nearest(text, spec.values))
    return text


def _boolean(spec: Spec, text: str) -> bool:
    if text not in _TRUE | _FALSE:
        near = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}
        guess = near.get(text.casefold()) or nearest(text, ("true", "false"))
        raise _wrong(spec, f"{text!r} is neither true nor false.", guess)
    return text in _TRUE


def _integer(spec: Spec, text: str) -> int | None:
    if not text:
        return None
    low, high = spec.bounds or (0, 2**31)
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise _wrong(spec, f"{text!r} is no whole number from {low} to {high}.")
    return int(text)


def _duration(spec: Spec, text: str) -> int | None:
    if not text:
        return None
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        raise _wrong(spec, f"{text!r} is no time such as `90s`, `10m` or `1h30m`.")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    whole = hours * 3600 + minutes * 60 + seconds
    if not whole and not spec.may_be_zero:
        raise _wrong(spec, f"{text!r} is no time at all, and nothing could be done in it.")
    return whole


def _size(spec: Spec, text: str) -> int:
    found = _SIZE.fullmatch(text)
    if found is None:
        raise _wrong(spec, f"{text!r} is no size such as `500MB` or `10GB`.")
    return int(found["number"]) * {"M": 1024**2, "G": 1024**3, "T": 1024**4}[found["unit"].upper()]


def _list(spec: Spec, text: str) -> tuple[str, ...]:
    parts = (part.strip() for part in _COMMA_OUTSIDE_BRACES.split(text))
    items = tuple(dict.fromkeys(part for part in parts if part))
    if wrong := [why for item in items if (why := _misshapen(spec, item))]:
        raise Unreadable(wrong)
    return items


def _lines(_: Spec, text: str) -> tuple[str, ...]:
    stripped = (line.strip() for line in text.splitlines())
    return tuple(line for line in stripped if line and not line.startswith("#"))


def _pairs(spec: Spec, text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    wrong: list[Complaint] = []
    for line in _lines(spec, text):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not (key and equals and value):
            wrong.append(_complaint(spec, f"the line {line!r} is not of the form a=b."))
        elif pairs.setdefault(key, value) != value:
            wrong.append(_complaint(spec, f"{key!r} is given twice with different values."))
    if wrong:
        raise Unreadable(wrong)
    return pairs


def _secret(spec: Spec, text: str) -> Secret:
    # Every line is masked by itself too, so the longest one must be worth a mask.
    if text and max(map(len, text.splitlines())) < SHORTEST_SECRET:
        why = f"a secret of fewer than {SHORTEST_SECRET} characters cannot be masked in the log."
        raise Unreadable([_complaint(spec, why, id="secret-too-short")])
    return Secret(text)


def _credentials(spec: Spec, text: str) -> tuple[RegistryCredential, ...]:
    found: list[RegistryCredential] = []
    wrong: list[Complaint] = []
    for number, line in enumerate(_lines(spec, text), start=1):
        words = line.split(maxsplit=_CREDENTIAL_WORDS - 1)
        if len(words) < _CREDENTIAL_WORDS:
            # The line itself is never shown: one of its words is a password.
            wrong.append(_complaint(spec, f"line {number} is not of the form `host user password`."))
            continue
        try:
            host = words[0].casefold().removeprefix("https://").rstrip("/")
            found.append(RegistryCredential(host, words[1], _secret(spec, words[2])))
        except Unreadable as why:
            wrong.extend(why.complaints)
    if wrong:
        raise Unreadable(wrong)
    return tuple(found)


_KINDS: Mapping[str, Callable[[Spec, str], object]] = {
    "text": _text,
    "choice": _choice,
    "boolean": _boolean,
    "integer": _integer,
    "duration": _duration,
    "size": _size,
    "list": _list,
    "lines": _lines,
    "pairs": _pairs,
    "secret": _secret,
    "credentials": _credentials,
}


def _misshapen(spec: Spec, text: str) -> Complaint | None:
    match spec.shape:
        case "":
            return None
        case "url":
            return _not_a_url(spec, text)
        case "timezone":
            return _not_a_timezone(spec, text)
        case "request":
            return _not_a_request(spec, text)
        case shape:
            return _not_of_shape(spec, shape, text)


def _not_of_shape(spec: Spec, shape: str, text: str) -> Complaint | None:
    pattern, meaning = _SHAPES[shape]
    return None if re.fullmatch(pattern, text) else _complaint(spec, f"{text!r} is not {meaning}.")


def _not_a_url(spec: Spec, text: str) -> Complaint | None:
    if "@" in text:  # the text is not shown: what stands before the @ may be a password, or a token
        return _complaint(spec, "an address with a user or a password in it is not taken; there are inputs for tokens.")
    try:
        url = urlsplit(text)
        usable = url.scheme in {"https", "http"} and url.hostname and url.port != 0
    except ValueError:
        return _complaint(spec, f"{text!r} is no address such as `https://api.github.com`.")
    if not usable or url.query or url.fragment:
        return _complaint(spec, f"{text!r} is no address such as `https://api.github.com`.")
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        return _complaint(spec, f"{text!r} would carry tokens in the clear.", f"https{text.removeprefix('http')}")
    return None


def _not_a_timezone(spec: Spec, text: str) -> Complaint | None:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return _complaint(spec, f"{text!r} is no time zone.", nearest(text, zoneinfo.available_timezones()))
    return None


def _not_a_request(spec: Spec, text: str) -> Complaint | None:
    path = version_file(text)
    if path is not None:
        return _not_of_shape(spec, "path", path)
    try:
        Request.parse(text)
    except ValueError as why:
        return _complaint(spec, f"{why}.", nearest(text, ("latest",)))
    return None
