from __future__ import annotations

from difyaction import changed
from difyaction.language import Language
from difyaction.target import Change

SAY = Language.of("en").say


def moved(unit: str, name: str = "api", *, file: str = "", after: str = "1.14.1") -> Change:
    where = f"{file or f'{unit}/values.yaml'}#image.{name}.tag"
    return Change(where, f"langgenius/dify-{name}", "1.13.3", after, unit)


def shown(*changes: Change) -> list[str]:
    return changed.table_of(changes, SAY)[2:]


def test_what_moves_alike_everywhere_is_one_row() -> None:
    assert shown(moved("prod"), moved("prod", "web"), moved("staging"), moved("staging", "web")) == [
        "| `langgenius/dify-api` | `1.13.3` | `1.14.1` | `prod`, `staging` |",
        "| `langgenius/dify-web` | `1.13.3` | `1.14.1` | `prod`, `staging` |",
    ]


def test_what_moves_elsewhere_to_something_else_is_a_row_of_its_own() -> None:
    assert shown(moved("prod"), moved("staging", after="1.14.0")) == [
        "| `langgenius/dify-api` | `1.13.3` | `1.14.1` | `prod` |",
        "| `langgenius/dify-api` | `1.13.3` | `1.14.0` | `staging` |",
    ]


def test_of_one_unit_the_places_are_told_and_its_only_file_once() -> None:
    changes = (moved("prod"), moved("prod", "web"))
    assert changed.opening(changes, SAY) == "In `prod/values.yaml`:"
    assert shown(*changes)[0] == "| `langgenius/dify-api` | `1.13.3` | `1.14.1` | `image.api.tag` |"


def test_of_one_unit_with_several_files_the_places_are_whole() -> None:
    changes = (moved("prod", file="a.yaml"), moved("prod", file="b.yaml"))
    assert changed.opening(changes, SAY) == ""
    assert shown(*changes) == [
        "| `langgenius/dify-api` | `1.13.3` | `1.14.1` | `a.yaml#image.api.tag`, `b.yaml#image.api.tag` |"
    ]


def test_a_file_whose_path_holds_the_sign_before_an_address_is_one_file() -> None:
    changes = (moved("prod", file='"team #1/v.yaml"'), moved("prod", "web", file='"team #1/v.yaml"'))
    assert changed.opening(changes, SAY) == 'In `"team #1/v.yaml"`:'
    assert shown(*changes)[0] == "| `langgenius/dify-api` | `1.13.3` | `1.14.1` | `image.api.tag` |"
    assert changed.by_file(changes) == ['- `"team #1/v.yaml"`: `image.api.tag`, `image.web.tag`']


def test_a_folder_that_everything_is_in_needs_no_column() -> None:
    changes = (
        Change("/opt/dify/docker", "service api", "dify-api:1.13.3", "dify-api:1.14.1", "docker"),
        Change("/opt/dify/docker", ".env", "as it is", "merged", "docker"),
    )
    assert changed.opening(changes, SAY) == "In `/opt/dify/docker`:"
    assert changed.table_of(changes, SAY)[0] == "| What | Old | New |"
    assert shown(*changes)[1] == "| `.env` | `as it is` | `merged` |"


def test_forty_environments_are_counted_and_not_listed() -> None:
    [row] = shown(*(moved(f"env-{number}") for number in range(40)))
    assert row.endswith("`env-5` and 34 more |")


def test_nothing_before_or_after_is_a_dash() -> None:
    assert shown(Change("a.yaml#x", "y", "", "", "u")) == ["| `y` | — | — | `x` |"]


def test_each_file_is_listed_with_its_addresses() -> None:
    assert changed.by_file((moved("prod"), moved("prod", "web"), moved("staging"))) == [
        "- `prod/values.yaml`: `image.api.tag`, `image.web.tag`",
        "- `staging/values.yaml`: `image.api.tag`",
    ]
