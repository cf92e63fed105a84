"""Whatever a unit looks like: one plan is enough, and it touches nothing but images of Dify."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from difyaction.gitops.editing.yamltext import read
from tests.unit.gitops.planning import API, DAEMON, OLD, SANDBOX, SET, WEB, plan

KEYS = {API: "api", WEB: "web", SANDBOX: "sandbox", DAEMON: "pluginDaemon"}
QUOTES = st.sampled_from(['"{}"', "'{}'", "{}", "{}  # kept", "&{key} {}"])
REGISTRIES = st.sampled_from(["", "docker.io/", "registry.example:5000/", "registry.example/proxy/"])


@st.composite
def values(draw: st.DrawFn) -> str:
    """Values of one chart, with any of its images, old or already new, in any style."""
    lines = ["other: {image: {repository: acme/api, tag: '1.13.3'}}", "image:"]
    for image in draw(st.permutations(list(KEYS))):
        tag = draw(st.sampled_from([OLD[image], SET[image]]))
        style = draw(QUOTES).format(tag, key=KEYS[image])
        named = draw(st.booleans())
        repository = f"repository: {draw(REGISTRIES)}{image}, " if named else ""
        if draw(st.booleans()):
            lines.append(f"  {KEYS[image]}: {{{repository}tag: {style.partition('  #')[0]}}}")
        else:
            lines += [f"  {KEYS[image]}:", *([f"    {repository.rstrip(', ')}"] if named else []), f"    tag: {style}"]
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@given(values())
def test_one_plan_is_enough_and_touches_nothing_else(text: str) -> None:
    content = text.encode()
    made = plan({"values.yaml": content})
    result = made.files[0].after if made.files else content
    assert plan({"values.yaml": result}).changes == ()
    before, after = ({leaf.path: leaf.value for leaf in read(side, file="x").scalars} for side in (content, result))
    assert {path for path in before if before[path] != after[path]} == {
        ("image", key, "tag") for image, key in KEYS.items() if before["image", key, "tag"] != SET[image]
    }
    assert all(after["image", key, "tag"] == SET[image] for image, key in KEYS.items())
