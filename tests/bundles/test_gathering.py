"""Which small files share a layer: every file once, and a change touches few layers."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from repro.bundles import gathering
from repro.bundles.gathering import COST, FEW, LEAST, MOST, MOST_FILES, SMALL, gathered
from repro.bundles.pieces import Piece


def piece(number: int, size: int, place: str = "") -> Piece:
    md5 = hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()
    return Piece(f"data/files/{md5}", size, (Path("x"),), md5=md5, place=place)


def many(count: int, size: int) -> list[Piece]:
    return [piece(number, size, f"data/{number:06}") for number in range(count)]


def groups(pieces: list[Piece]) -> set[tuple[str, ...]]:
    random.Random(4).shuffle(pieces)
    return {tuple(item.path for item in group) for group in gathered(pieces).groups}


def test_a_few_files_stay_alone() -> None:
    pieces = many(FEW, 10)
    assert gathered(pieces).alone == tuple(pieces) and not gathered(pieces).groups
    assert gathered(many(FEW + 1, 10)).groups and not gathered(many(FEW + 1, 10)).alone


def test_what_a_person_looks_for_and_large_files_stay_alone() -> None:
    named = ["source/commit.pack", "environment/Dockerfile", "log/stdout", "data/listings/data/set"]
    named += [f"packages/{number}.whl" for number in range(200)]
    others = [Piece(path, 10, (Path("x"),), digest="sha256:" + "0" * 64) for path in named]
    large = [piece(number, SMALL + 1) for number in range(1000, 1200)]
    split = gathered([*others, *large, *many(500, 10)])
    assert set(split.alone) == {*others, *large}
    assert sum(map(len, split.groups)) == 500


@pytest.mark.parametrize("size", [0, 1, 3000, 100_000, SMALL])
def test_each_file_is_in_one_group_of_a_bounded_size(size: int) -> None:
    pieces = many(12_000 if size < 9000 else 1500, size)
    split = gathered(pieces)
    assert sorted(item.path for group in split.groups for item in group) == sorted(
        item.path for item in pieces
    )
    for group in split.groups:
        assert sum(item.size + COST for item in group) <= MOST and len(group) <= MOST_FILES
    for group in split.groups[:-1]:
        assert sum(item.size + COST for item in group) >= LEAST


@pytest.mark.parametrize("size", [2000, 100_000])
def test_one_file_more_changes_few_groups(size: int) -> None:
    pieces = many(60_000 if size < 9000 else 4000, size)
    before = groups(list(pieces))
    for number in range(20):
        after = groups([*pieces, piece(-1 - number, size, f"data/{number * 150:06}x")])
        assert len(before) >= 10 and len(after - before) <= 3


def test_a_folder_more_leaves_the_others_as_they_are() -> None:
    pieces = many(4000, 100_000)
    more = [piece(-1 - number, 100_000, f"data/000500x/{number}") for number in range(500)]
    before, after = groups(list(pieces)), groups([*pieces, *more])
    assert len(before - after) <= 3


def test_a_renamed_folder_has_the_same_groups() -> None:
    pieces = many(4000, 100_000)
    moved = [piece(number, 100_000, f"set/v2/{item.place}") for number, item in enumerate(pieces)]
    assert groups(list(pieces)) == groups(moved)


def test_the_order_in_which_pieces_come_does_not_matter() -> None:
    pieces = many(3000, 20_000)
    assert gathered(pieces).groups == gathered(pieces[::-1]).groups


def test_data_and_outputs_are_not_mixed() -> None:
    outputs = [
        Piece(f"outputs/workspace/{number}", 10, (Path("x"),), digest=f"sha256:{number:064x}")
        for number in range(100)
    ]
    split = gathered([*many(100, 10), *outputs])
    assert [len({item.path.split("/")[0] for item in group}) for group in split.groups] == [1, 1]


def test_a_file_of_no_known_digest_is_placed_too() -> None:
    nameless = [Piece(f"data/files/{number:032x}", 10, ()) for number in range(100)]
    assert sum(map(len, gathering.gathered(nameless).groups)) == 100
