import pytest

from difyaction.errors import Invalid
from difyaction.gitops.environments import After, Environment, parse

GOOD = b"""\
# who runs Dify here
environments:
  - name: staging
    files: environments/staging/**
  - name: production
    wave: 2
    files:
      - environments/production/values.yaml
      - "!environments/production/old.yaml"
    dify-version: '>=1.12 <1.15'
    after: {environment: staging, days: 3}
    runner: [self-hosted, linux]
    chart: 1.10
    replicas: 2
    approved: true
  - {name: vm-a, wave: 3, host: "10.0.0.4:22"}
"""


def complaints(content: str) -> list[tuple[str, int]]:
    with pytest.raises(Invalid) as caught:
        parse(content.encode(), file="environments.yaml")
    assert all(each.file == "environments.yaml" for each in caught.value.complaints)
    return [(each.id, each.line) for each in caught.value.complaints]


def test_a_file_is_read_with_all_that_it_says() -> None:
    staging, production, machine = parse(GOOD, file="environments.yaml")

    assert staging == Environment(name="staging", files=("environments/staging/**",), line=3)
    assert production.files == ("environments/production/values.yaml", "!environments/production/old.yaml")
    assert (production.wave, production.dify_version) == (2, ">=1.12 <1.15")
    assert production.after == After("staging", 3)
    assert production.extra == {"runner": ["self-hosted", "linux"], "chart": "1.10", "replicas": 2, "approved": True}
    assert (machine.host, machine.files) == ("10.0.0.4:22", ())


def test_a_bare_list_and_merge_keys_do_too() -> None:
    (one, two) = parse(
        b"\xef\xbb\xbf- &one\n  name: one\n  files: a/*\n  region: eu\n- <<: *one\n  name: two\n",
        file="environments.yaml",
    )

    assert two == Environment(name="two", files=("a/*",), extra={"region": "eu"}, line=5)
    assert one.extra == {"region": "eu"}


def test_a_version_keeps_its_last_nought() -> None:
    (one,) = parse(b"- {name: a, files: x, dify-version: 1.10.x, other: 1.10}", file="environments.yaml")

    assert (one.dify_version, one.extra) == ("1.10.x", {"other": "1.10"})


def test_all_complaints_come_together_with_their_lines() -> None:
    content = """\
environments:
  - name: staging
    wave: zero
    files: ../secrets.yaml
  - name: staging
    host: a b
    dify-version: 1.10
  - wave: 1
    files: []
  - name: production
    files: a.yaml
    host: b
    after: {environment: stagging, days: 3}
    dify_version: 1.14.1
  - text
"""

    assert complaints(content) == [
        ("environments-wave", 3),
        ("environments-files", 4),
        ("environments-name", 5),
        ("environments-host", 6),
        ("environments-version", 7),
        ("environments-name", 8),
        ("environments-files", 9),
        ("environments-place", 10),
        ("environments-after", 10),
        ("environments-key", 14),
        ("environments-shape", 15),
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", ("environments-shape", 1)),
        ("environments: []\n", ("environments-shape", 1)),
        ("hosts: []\n", ("environments-shape", 1)),
        ("environments:\n  - {name: a, files: x}\nother: 1\n", ("environments-shape", 3)),
        ("- name: a\n  files: x\n  name: b\n", ("environments-shape", 3)),
        ("- name: a\n files: x\n", ("environments-unparsable", 2)),
        ("- name: a\n---\n- name: b\n", ("environments-unparsable", 2)),
        ("- name: a\n  files: /etc/passwd\n", ("environments-files", 2)),
        ("- name: a\n  files: x\n  after: staging\n", ("environments-after", 3)),
        ("- name: a\n  files: x\n  after: {environment: a, days: 1}\n", ("environments-after", 1)),
        (
            (
                "- name: a\n  files: x\n  dify-version: 'file:.v'\n  after: {environment: b, days: 1}\n"
                "- {name: b, files: y}"
            ),
            ("environments-version", 3),
        ),
        (
            "- name: a\n  host: x\n- name: b\n  files: y\n  after: {environment: a, days: 1}\n",
            ("environments-after", 3),
        ),
        ("- name: a\n  files: x\n  carried-since: now\n", ("environments-key", 3)),
        ("- &a [*a]\n", ("environments-unparsable", 1)),
        (
            (
                "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"
                "d: &d [*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d]\n"
            ),
            ("environments-unparsable", 1),
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content: str, complaint: tuple[str, int]) -> None:
    assert complaint in complaints(content)


def test_waiting_in_a_circle_is_seen() -> None:
    one = "- {name: a, files: x, after: {environment: b, days: 1}}\n"
    other = "- {name: b, files: x, after: {environment: a, days: 1}}\n"

    assert complaints(one + other) == [("environments-after", 1), ("environments-after", 2)]


def test_a_slip_gets_a_suggestion() -> None:
    with pytest.raises(Invalid) as caught:
        parse(b"- {name: prod, files: x, wavee: 2, after: {environment: prd, days: 1}}", file="e.yaml")

    assert [each.suggestion for each in caught.value.complaints] == ["wave", "prod"]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("wvae: 2", "wave"),
        ("wav: 2", "wave"),
        ("Wave: 2", "wave"),
        ("afetr: {environment: dev, days: 1}", "after"),
        ("aftr: {environment: dev, days: 1}", "after"),
        ("aftet: {environment: dev, days: 1}", "after"),
        ("hosts: a", "host"),
        ("dify version: 1.14.1", "dify-version"),
        ("dify-verison: 1.14.1", "dify-version"),
        ("difyVersion: 1.14.1", "dify-version"),
    ],
)
def test_a_misspelt_key_takes_no_gate_away(slip: str, meant: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(f"- {{name: dev, files: x}}\n- name: prod\n  files: y\n  {slip}\n".encode(), file="e.yaml")

    [complaint] = caught.value.complaints
    assert (complaint.id, complaint.line, complaint.suggestion) == ("environments-key", 4, meant)
    assert f"Did you mean '{meant}'?" in complaint.text


@pytest.mark.parametrize(
    "key", ["cost", "game", "save", "lane", "region", "runner", "team", "approved", "version", "x"]
)
def test_a_key_of_ones_own_that_is_another_word_is_passed_on(key: str) -> None:
    [one] = parse(f"- {{name: dev, files: x, {key}: a}}".encode(), file="e.yaml")

    assert one.extra == {key: "a"}


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(Invalid) as caught:
        parse(b"- name: a\n  files: \xff\n", file="e.yaml")

    assert (caught.value.id, caught.value.line) == ("environments-unparsable", 2)
