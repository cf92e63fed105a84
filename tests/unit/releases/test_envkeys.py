from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from difyaction.releases.catalogue import EnvKeys
from difyaction.releases.envkeys import env_keys
from tests.shared import upstream_file

OLD = """\
# A comment with KEY=value in it
SECRET_KEY=sk-old
GONE=1
#DISABLED=1
LOG_DATEFORMAT=%Y-%m-%d %H:%M:%S
TWICE=a
TWICE=b
"""
NEW = """\
\ufeffSECRET_KEY=\r
export ADDED = x=y
LOG_DATEFORMAT=%Y-%m-%d %H:%M:%S
TWICE=b
DISABLED=1
"""


def test_keys_come_go_and_change_their_defaults() -> None:
    assert env_keys(OLD, NEW) == EnvKeys(
        added=("ADDED", "DISABLED"), removed=("GONE",), changed=(("SECRET_KEY", "sk-old", ""),)
    )


def test_upstream_raised_its_connections_in_1_14_0() -> None:
    keys = env_keys(*(upstream_file(tag, "docker/.env.example") for tag in ("1.13.3", "1.14.0")))

    assert ("POSTGRES_MAX_CONNECTIONS", "100", "200") in keys.changed
    assert keys.removed == ("ALIYUN_CLOUDBOX_ID",)


examples = st.dictionaries(
    st.from_regex(r"[A-Z][A-Z0-9_]{0,6}", fullmatch=True),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=6),
    max_size=8,
)


@given(examples, examples)
def test_the_way_back_is_the_way_there_mirrored(old: dict[str, str], new: dict[str, str]) -> None:
    texts = ["".join(f"{key}={value}\n" for key, value in example.items()) for example in (old, new)]
    there, back = env_keys(*texts), env_keys(*reversed(texts))

    assert set(there.added) == set(back.removed) == new.keys() - old.keys()
    assert set(there.removed) == set(back.added) == old.keys() - new.keys()
    assert {key for key, *_ in there.changed} == {key for key in old.keys() & new.keys() if old[key] != new[key]}
