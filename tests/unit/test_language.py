from __future__ import annotations

import importlib
import re
import string
import sys
from pathlib import Path
from typing import Any

import pytest

from difyaction.language import N_, Language

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="module")
def translations() -> Any:  # noqa: ANN401 - a script, imported by its path
    pytest.importorskip("babel", reason="babel is not here")
    sys.path.insert(0, str(SCRIPTS))
    try:
        yield importlib.import_module("translations")
    finally:
        sys.path.remove(str(SCRIPTS))


def fields(template: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_the_catalogues_hold_exactly_the_texts_of_today(translations: Any) -> None:  # noqa: ANN401
    for language in translations.LANGUAGES:
        po, mo = translations.written(translations.updated(language))
        assert (translations.folder(language) / "difyaction.po").read_bytes() == po, "run scripts/translations.py"
        assert (translations.folder(language) / "difyaction.mo").read_bytes() == mo, "run scripts/translations.py"


def test_every_text_is_translated_with_the_same_facts(translations: Any) -> None:  # noqa: ANN401
    japanese = Language.of("ja")
    for template in translations.templates():
        translated = japanese.template(template.text)
        assert translated != template.text, template.place
        assert fields(translated) == fields(template.text), template.place
        assert translated.count("`") == template.text.count("`"), template.place


def test_every_template_is_given_the_facts_that_it_names(translations: Any) -> None:  # noqa: ANN401
    for template in translations.templates():
        assert template.facts is None or template.fields <= template.facts, template.place


def test_a_text_is_translated_before_it_is_filled() -> None:
    assert Language.of("en").say(N_("Nothing was changed.")) == "Nothing was changed."
    assert Language.of("ja").say("Nothing was changed.") == "何も変更されていません。"


def test_what_has_no_translation_stays_english_and_nothing_stays_nothing() -> None:
    assert Language.of("ja").say("{a} is new", a="It") == "It is new"
    assert Language.of("ja").say("") == ""
    assert Language.of("xx").say("Nothing was changed.") == "Nothing was changed."


def test_a_text_put_together_of_sentences_is_translated_by_the_sentence() -> None:
    text = "{unit} is in a mixed state: {tags}. All of it moves to {version}."
    said = Language.of("ja").say(text, unit="prod", tags="a", version="1.14.1")
    assert said == "prod ではバージョンが混在しています: a。すべて 1.14.1 にそろえます。"
    assert Language.of("en").template(text) == text


# One word for one thing. On the left what a translator may write, on the right what everything else says.
ONE_WORD = {
    "本家": "公式",
    "コンテナー": "コンテナ",
    "フォルダー": "フォルダ",
    "サーバ(?!ー)": "サーバー",
    "分か(?=り|ら|っ)": "わか",
    "見守": "追跡",
    "この Action": "このアクション",
    "compose ファイル": "Compose ファイル",
    "扉": "経路",
}


@pytest.mark.parametrize("word", ONE_WORD)
def test_japanese_texts_use_one_word_for_one_thing(translations: Any, word: str) -> None:  # noqa: ANN401
    readme = (SCRIPTS.parent / "README.ja.md").read_text("utf-8")
    catalogue = translations.updated("ja")
    texts = [str(each.string) for each in catalogue if each.id]
    found = [text for text in (*texts, *readme.splitlines()) if re.search(word, text)]
    assert not found, f"write {ONE_WORD[word]}"
