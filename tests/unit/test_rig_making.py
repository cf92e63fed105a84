"""What the rig keeps between runs is made anew when what it is made from has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rig.making import make_once


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "make.sh"
    path.write_text('#!/bin/sh\necho "$2" >>"$1/calls"\nexec cp "$1/calls" "$1/product.tar"\n', "utf-8")
    path.chmod(0o755)
    return path


def test_a_product_is_made_once_while_nothing_changes(script: Path) -> None:
    product = script.parent / "product.tar"

    assert make_once(script, product, "one").read_text("utf-8") == "one\n"
    assert make_once(script, product, "two").read_text("utf-8") == "one\n"


def test_a_product_is_made_anew_by_another_script_from_another_input_and_when_it_is_gone(script: Path) -> None:
    product = script.parent / "product.tar"
    make_once(script, product, "one")

    make_once(script, product, "two", of="another input")
    script.write_text(script.read_text("utf-8") + "# changed\n", "utf-8")
    make_once(script, product, "three", of="another input")
    product.unlink()

    assert make_once(script, product, "four", of="another input").read_text("utf-8") == "one\ntwo\nthree\nfour\n"


def test_a_product_of_unknown_origin_is_made_anew(script: Path) -> None:
    product = script.parent / "product.tar"
    product.write_text("from another time", "utf-8")

    assert make_once(script, product, "one").read_text("utf-8") == "one\n"
