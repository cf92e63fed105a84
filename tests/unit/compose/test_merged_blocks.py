"""An edit ends in the service, or the `location`, that it stood in; where that cannot be, it is a conflict."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from difyaction.compose.file_merge import merge_file
from tests.upstream_releases import folder_of, pairs

COMPOSE = "docker-compose.yaml"
NGINX = "nginx/conf.d/default.conf.template"
MARK = re.compile(r"    x-own-(\S+): here")
TAIL = "    networks:\n      - default\n"


def text_of(tag: str, file: str = COMPOSE) -> str:
    return (folder_of(tag) / file).read_text(encoding="utf-8")


def merged(base: str, theirs: str, target: str, *, file: str = COMPOSE) -> str | None:
    content = merge_file(file, base.encode(), theirs.encode(), target.encode()).content
    return None if content is None else content.decode()


def where(base: str, theirs: str, target: str) -> list[str]:
    return [c.where for c in merge_file(COMPOSE, base.encode(), theirs.encode(), target.encode()).conflicts]


def marked(text: str) -> str:
    """Append a key to each service and network, which has the service's name in it."""
    lines: list[str] = []
    for block in re.split(r"(?m)^(?=(?:  )?[^\s#])", text):
        name = re.match(r"  ([\w-]+):\s*\n", block)
        body = block.rstrip("\n") if name else block
        kept = re.fullmatch(r"(?s)(.*?)((?:\n\s*(?:#.*)?)*)", body)
        if name and kept:
            lines += [f"{kept[1]}\n    x-own-{name[1]}: here{kept[2]}", block[len(body) :]]
        else:
            lines.append(block)
    return "".join(lines)


def homes(text: str) -> Mapping[str, str]:
    """In which block of the second level each mark stands, by the service that it was made in."""
    block, found = "", dict[str, str]()
    for line in text.splitlines():
        if key := re.match(r"  ([\w-]+):", line):
            block = key[1]
        elif line[:1].strip() and not line.startswith("#"):
            block = ""
        if mark := MARK.fullmatch(line):
            found[mark[1]] = block
    return found


def without(text: str, numbers: str) -> str:
    """Take away the marks that stand in these lines (`12-14, 20`)."""
    spans = [(int(first), int(last or first)) for first, last in re.findall(r"(\d+)(?:-(\d+))?", numbers)]
    gone = {number for first, last in spans for number in range(first, last + 1)}
    lines = text.splitlines(keepends=True)
    return "".join(line for n, line in enumerate(lines, 1) if n not in gone or not MARK.fullmatch(line.rstrip("\n")))


def test_what_was_appended_to_any_service_stays_in_it_on_every_way() -> None:
    outcomes = []
    for older, newer in pairs():
        base, target = text_of(older), text_of(newer)
        theirs = marked(base)
        kept = without(theirs, ", ".join(where(base, theirs, target)))
        result = merged(base, kept, target)
        assert result is not None, (older, newer)
        for mark, block in homes(result).items():
            assert block in {mark, "db_postgres" if mark == "db" else mark}, (older, newer)
        assert homes(result).keys() == homes(kept).keys(), (older, newer)
        assert re.sub(r"(?m)^    x-own-\S+: here\n", "", result) == target, (older, newer)
        outcomes += [mark in homes(kept) for mark in homes(theirs)]
    assert outcomes.count(True) > 0.9 * len(outcomes)


def test_what_was_appended_to_the_api_does_not_land_in_the_service_that_came_behind_it() -> None:
    base, target = text_of("1.13.3"), text_of("1.14.1")
    own = '    extra_hosts:\n      - "llm.corp.local:10.0.0.5"\n    ports:\n      - "5001:5001"\n'
    end = "      - ssrf_proxy_network\n      - default\n\n  # worker service\n"
    theirs = base.replace(end, end.replace("default\n", f"default\n{own}"), 1)
    result = merged(base, theirs, target)
    assert result == target.replace("      - default\n\n  # WebSocket", f"      - default\n{own}\n  # WebSocket", 1)


def test_a_timeout_of_a_location_does_not_land_in_the_location_that_came_behind_it() -> None:
    base, target = text_of("1.14.1", NGINX), text_of("1.15.0", NGINX)
    place, own = "    location /v1 {\n      proxy_pass http://api:5001;\n", "      proxy_read_timeout 7200s;\n"
    theirs = base.replace(place, place + own)
    assert merged(base, theirs, target, file=NGINX) == target.replace(place, place + own)


BASE = f"services:\n  api:\n    image: api:1\n{TAIL}\n  worker:\n    image: api:1\n{TAIL}"
NEW = BASE.replace("api:1", "api:2").replace("\n  worker", f"\n  ws:\n    image: api:2\n{TAIL}\n  worker")


def test_services_that_both_added_at_one_place_both_come() -> None:
    own = f"\n  # ours\n  tool:\n    image: tool\n{TAIL}"
    theirs = BASE.replace("\n  worker", f"{own}\n  worker")
    assert merged(BASE, theirs, NEW) == NEW.replace("\n  ws", f"{own}\n  ws")


def test_a_service_that_they_added_below_all_others_stays_among_the_services() -> None:
    base, target = f"{BASE}\nvolumes:\n  a:\n", f"{NEW}\n  last:\n    image: x\n\nvolumes:\n  a:\n  b:\n"
    theirs = base.replace("\nvolumes:", "\n  tool:\n    image: tool\n\nvolumes:") + "\nx-own:\n  a: 1\n"
    result = merged(base, theirs, target)
    rest = "\n  tool:\n    image: tool\n\n  last:\n    image: x\n\nvolumes:\n  a:\n  b:\n\nx-own:\n  a: 1\n"
    assert result == NEW + rest


def test_a_service_that_both_added_each_in_its_own_way_is_a_conflict_wherever_they_put_it() -> None:
    theirs = f"{BASE}\n  ws:\n    image: mine\n"
    assert where(BASE, theirs, NEW) == ["11-13"]
    same = f"{BASE}\n  ws:\n    image: api:2\n{TAIL}"
    assert merged(BASE, same, NEW) == NEW


def test_a_service_that_upstream_took_away_goes_unless_they_edited_it() -> None:
    target = f"services:\n  worker:\n    image: api:2\n{TAIL}"
    assert merged(BASE, f"# ours\n{BASE}", target) == f"# ours\n{target}"
    assert where(BASE, BASE.replace("  api:\n", "  api:\n    user: root\n"), target) == ["3"]


def test_a_service_that_they_took_away_is_a_conflict_when_upstream_changes_it() -> None:
    theirs = f"services:\n  api:\n    image: api:1\n{TAIL}"
    assert where(BASE, theirs, NEW) == ["before 6"]
    assert merged(BASE, theirs, BASE.replace("  api:\n    image: api:1", "  api:\n    image: api:2")) == theirs.replace(
        "api:1", "api:2"
    )


def test_an_edit_of_a_section_that_upstream_took_away_is_a_conflict() -> None:
    base = f"x-env: &env\n  A: 1\n  B: 2\n\n{BASE}"
    assert where(base, base.replace("  B: 2\n", "  B: 2\n  OWN: 3\n"), NEW) == ["4"]


def test_lines_that_both_added_to_one_section_both_come() -> None:
    base, target = f"x-env: &env\n  A: 1\n\n{BASE}", f"x-env: &env\n  A: 1\n  B: 2\n\n{NEW}"
    theirs = base.replace("  A: 1\n", "  A: 1\n  OWN: 3\n")
    assert merged(base, theirs, target) == target.replace("  A: 1\n", "  A: 1\n  OWN: 3\n")


def test_an_edit_moves_along_with_the_service_that_upstream_moved() -> None:
    moved = f"services:\n  worker:\n    image: api:2\n{TAIL}\n  api:\n    image: api:2\n{TAIL}"
    own = "    user: root\n"
    assert merged(BASE, BASE.replace(TAIL, TAIL + own, 1), moved) == moved + own


@pytest.mark.parametrize(
    "theirs",
    [
        f"services:\n  worker:\n    image: api:1\n{TAIL}\n  api:\n    image: api:1\n{TAIL}    user: root\n",
        BASE.replace("  api:", "  app:").replace("app:\n    image", "app:\n    user: root\n    image"),
    ],
)
def test_blocks_that_they_moved_or_renamed_are_merged_by_their_lines_or_are_a_conflict(theirs: str) -> None:
    target = BASE.replace("    image: api:1", "    restart: always\n    image: api:1")
    result = merged(BASE, theirs, target)
    assert result is None or result.count("user: root") == 1
    assert merged(BASE, theirs, f"# new\n{BASE}") == f"# new\n{theirs}"


def test_an_edit_that_would_land_elsewhere_is_a_conflict_that_names_its_line() -> None:
    twice = f"{BASE}\n  worker:\n    image: api:1\n"
    theirs = twice.replace(f"{TAIL}\n  worker", f"{TAIL}    user: root\n\n  worker", 1)
    target = NEW.replace("  api:\n    image: api:2\n" + TAIL, "  api:\n    image: api:2\n", 1)
    assert where(twice, theirs, target) == ["6"]


lines_of_a_service = st.sampled_from(["    image: a\n", "    restart: always\n", "    # note\n", TAIL])
bodies = st.lists(lines_of_a_service, min_size=1, max_size=4)
names = st.sampled_from(["api", "web", "ws", "redis"])
files = st.lists(st.tuples(names, bodies), min_size=1, unique_by=lambda pair: pair[0])


def written(blocks: list[tuple[str, list[str]]], *, own: int | None = None, at: int = 0) -> str:
    parts = ["services:\n"]
    for number, (name, body) in enumerate(blocks):
        lines = [*body[:at], f"    x-own-{name}: here\n", *body[at:]] if number == own else body
        parts.append(f"  # the {name}\n  {name}:\n{''.join(lines)}\n")
    return "".join(parts)


@given(base=files, target=files, data=st.data())
def test_a_mark_in_any_service_stays_in_it_or_is_a_conflict(
    base: list[tuple[str, list[str]]], target: list[tuple[str, list[str]]], data: st.DataObject
) -> None:
    own = data.draw(st.integers(0, len(base) - 1))
    name, body = base[own]
    at = data.draw(st.integers(0, len(body)))
    assume(written(base) != written(target))
    result = merged(written(base), written(base, own=own, at=at), written(target))
    if result is not None:
        assert homes(result) == {name: name}
        assert result.replace(f"    x-own-{name}: here\n", "") == written(target)


@given(base=files, theirs=files, target=files)
def test_a_merge_of_services_names_each_once(
    base: list[tuple[str, list[str]]], theirs: list[tuple[str, list[str]]], target: list[tuple[str, list[str]]]
) -> None:
    result = merged(written(base), written(theirs), written(target))
    if result is not None:
        found = re.findall(r"(?m)^  ([a-z]+):$", result)
        assert len(found) == len(set(found))


def test_a_location_behind_the_last_one_stands_in_the_server_also_where_upstream_put_one_there() -> None:
    base, target = text_of("1.9.2", NGINX), text_of("1.10.0", NGINX)
    own = "    location /foo {\n      proxy_pass http://foo:80;\n    }\n\n"
    behind = re.search(r"(?m)^    # placeholder for acme", base)
    assert behind is not None
    found = merged(base, base[: behind.start()] + own + base[behind.start() :], target, file=NGINX)
    assert found is not None
    assert found.replace(own, "") == target
    assert found.count("\n}") == target.count("\n}") == 1
    assert found.index("location /foo") < found.index("# placeholder for acme")
