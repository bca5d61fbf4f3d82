from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import InvalidInput, LogDamaged
from registry.log import merkle, tiles
from registry.log.merkle import Frontier, hash_leaf, hash_node
from registry.log.tiles import HASH, WIDTH, Tile, TileTree

MOST = 70_001
EDGES = [1, 2, 3, 255, 256, 257, 511, 512, 513, 4_000, 65_535, 65_536, 65_537, 65_792, 70_000]


@cache
def level_of(level: int) -> list[bytes]:
    """Every hash of a level of tiles: RFC 6962 over 256**level leaves each, for synthetic entries 0, 1, 2, ..."""
    if level == 0:
        return [hash_leaf(str(n).encode()) for n in range(MOST)]
    below = level_of(level - 1)
    return [by_definition(below[i : i + WIDTH]) for i in range(0, len(below) - WIDTH + 1, WIDTH)]


def by_definition(hashes: list[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    half = len(hashes) // 2
    return hash_node(by_definition(hashes[:half]), by_definition(hashes[half:]))


def content(tile: Tile) -> bytes:
    assert tile.level is not None
    return b"".join(level_of(tile.level)[tile.first_index : tile.first_index + tile.width])


def frontier_root(size: int) -> bytes:
    frontier = Frontier()
    frontier.extend(level_of(0)[:size])
    return frontier.compute_root()


# --- paths -----------------------------------------------------------------------------------------------------------

PATHS = [
    (Tile(level=0, index=0), "0/000"),
    (Tile(level=0, index=7, width=1), "0/007.p/1"),
    (Tile(level=1, index=999, width=255), "1/999.p/255"),
    (Tile(level=0, index=1_000), "0/x001/000"),
    (Tile(level=0, index=1_234_067), "0/x001/x234/067"),
    (Tile(level=0, index=1_234_067, width=12), "0/x001/x234/067.p/12"),
    (Tile(level=None, index=1_234_067), "entries/x001/x234/067"),
    (Tile(level=None, index=0, width=200), "entries/000.p/200"),
    (Tile(level=63, index=5), "63/005"),
    (Tile(level=2, index=123_456_789), "2/x123/x456/789"),
]


@pytest.mark.parametrize(("tile", "path"), PATHS, ids=[path for _, path in PATHS])
def test_a_tile_has_the_path_of_the_specification_and_the_path_means_it(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert tiles.parse_path(path) == tile


@given(st.none() | st.integers(0, 63), st.integers(0, 2**55 - 1), st.integers(1, WIDTH))
def test_every_tile_is_what_its_path_means(level: int | None, index: int, width: int) -> None:
    tile = Tile(level=level, index=index, width=width)
    assert tiles.parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "0",
        "0/",
        "/0/000",
        "0/000/",
        "0/0",
        "0/00",
        "0/0000",
        "0/x000",
        "0/000/000",
        "0/x000/000",
        "0/x001/x000",
        "0/001/x000",
        "0/X001/000",
        "00/000",
        "01/000",
        "-1/000",
        "64/000",
        "100/000",
        "1.0/000",
        "0/-01",
        "0/+01",
        "0/0 1",
        "0/000.p",
        "0/000.p/",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/256",
        "0/000.p/1000",
        "0/000.p/-1",
        "0/000.p/1/",
        "0/000.P/1",
        "0/000.p/1.p/1",
        "0.p/1/000",
        "data/000",
        "Entries/000",
        "entries/",
        "entries/x00a/000",
        "entries/000.p/256",
        "0/００１",
        "0/٠٠١",
        "0/000\n",
        "0/../checkpoint",
        "0/000%00",
        "0/" + "x001/" * 30 + "000",
        "0/" + "x999/" * 2_000 + "999",
    ],
)
def test_what_is_not_exactly_a_path_means_no_tile(path: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        tiles.parse_path(path)
    assert len(refusal.value.en) < 200


# --- which tiles there are -------------------------------------------------------------------------------------------


def test_a_log_of_70000_has_the_tiles_the_specification_counts() -> None:
    found = [(tile.level, tile.width) for tile in tiles.list_changed_tiles(0, 70_000)]
    assert found.count((0, WIDTH)) == 273
    assert found[-4:] == [(0, 112), (1, WIDTH), (1, 17), (2, 1)]
    assert len(found) == 273 + 4


def test_a_log_of_256_has_a_full_tile_and_a_partial_one_above_it() -> None:
    assert [tile.path for tile in tiles.list_changed_tiles(0, 256)] == ["0/000", "1/000.p/1"]


def test_an_empty_log_has_no_tiles() -> None:
    assert list(tiles.list_changed_tiles(0, 0)) == []


def every_tile(size: int) -> set[Tile]:
    """The tiles of a log as the specification defines them: floor(s / 256**l) hashes on level l, none empty."""
    found, level = set(), 0
    while size // 256**level:
        hashes = size // 256**level
        found |= {Tile(level=level, index=n) for n in range(hashes // 256)}
        if hashes % 256:
            found.add(Tile(level=level, index=hashes // 256, width=hashes % 256))
        level += 1
    return found


steps = st.one_of(
    st.sampled_from([0, *EDGES]),
    st.integers(0, 1_500),
    st.integers(65_000, 66_500),
    st.integers(16_776_900, 16_777_500),
)


@given(steps, steps)
def test_what_changed_is_what_the_new_log_has_and_the_old_one_had_not(one: int, other: int) -> None:
    old, new = min(one, other), max(one, other)
    if new - old > 100_000:
        old = new - old % 100_000
    found = list(tiles.list_changed_tiles(old, new))
    assert set(found) == every_tile(new) - every_tile(old)
    assert len(set(found)) == len(found)
    levels = [tile.level or 0 for tile in found]
    assert levels == sorted(levels)  # so that no tile is published before those it stands on


@given(st.integers(1, 2**40), st.data())
def test_only_the_last_tile_of_a_level_is_partial(size: int, data: st.DataObject) -> None:
    level = data.draw(st.integers(0, 5).filter(lambda at: tiles.count_hashes(at, size) > 0))
    assert tiles.count_hashes(level, size) == size // 256**level
    last = (tiles.count_hashes(level, size) - 1) // WIDTH
    index = data.draw(st.integers(0, last))
    tile = tiles.make_tile(level, index, size)
    assert tile.first_index + tile.width == min(tile.first_index + WIDTH, tiles.count_hashes(level, size))
    if level == 0:
        assert tiles.make_tile(None, index, size).width == tile.width


# --- entry bundles ---------------------------------------------------------------------------------------------------


def test_a_bundle_is_each_entry_behind_its_length() -> None:
    assert tiles.encode_bundle([b"", b"a", b"x" * 258]) == b"\x00\x00" + b"\x00\x01a" + b"\x01\x02" + b"x" * 258
    assert tiles.encode_bundle([]) == b""


@given(st.lists(st.binary(max_size=300), max_size=WIDTH))
def test_a_bundle_gives_back_its_entries(entries: list[bytes]) -> None:
    assert tiles.decode_bundle(tiles.encode_bundle(entries)) == entries


def test_the_longest_entry_fits() -> None:
    assert tiles.decode_bundle(tiles.encode_bundle([b"x" * 65_535, b"y"])) == [b"x" * 65_535, b"y"]


def test_a_bundle_cut_short_is_damage() -> None:
    whole = tiles.encode_bundle([b"one", b"two", b"three"])
    ends = {0, 5, 10, len(whole)}
    for end in range(len(whole) + 1):
        if end in ends:
            assert len(tiles.decode_bundle(whole[:end])) == sorted(ends).index(end)
            continue
        with pytest.raises(LogDamaged):
            tiles.decode_bundle(whole[:end])


# --- trees from tiles ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", EDGES)
def test_the_root_from_tiles_is_that_of_the_frontier(size: int) -> None:
    assert merkle.compute_root(TileTree(size, content), size) == frontier_root(size)


@pytest.mark.parametrize("size", [255, 257, 65_537])
def test_the_tiles_of_a_larger_log_give_the_roots_of_every_smaller_one(size: int) -> None:
    tree = TileTree(MOST, content)
    assert merkle.compute_root(tree, size) == frontier_root(size)
    assert merkle.compute_root(tree, 0) == hashlib.sha256(b"").digest()


def counting() -> tuple[Callable[[Tile], bytes], list[str]]:
    asked: list[str] = []

    def read(tile: Tile) -> bytes:
        asked.append(tile.path)
        return content(tile)

    return read, asked


def test_a_proof_in_a_log_of_70000_reads_few_tiles_each_once() -> None:
    read, asked = counting()
    tree = TileTree(70_000, read)
    proof = merkle.prove_inclusion(tree, 40_000, 70_000)
    assert sorted(asked) == ["0/156", "0/273.p/112", "1/000", "1/001.p/17"]
    assert merkle.prove_inclusion(tree, 40_000, 70_000) == proof
    assert len(asked) == 4
    assert merkle.verify_inclusion(level_of(0)[40_000], 40_000, 70_000, proof, frontier_root(70_000))


@pytest.mark.parametrize(
    "change", [lambda raw: raw[:-1], lambda raw: raw + b"\x00", lambda _: b"", lambda raw: raw * 2]
)
def test_a_tile_of_a_wrong_length_is_damage(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(LogDamaged) as refusal:
        TileTree(300, lambda tile: change(content(tile)))(0, 299)
    assert "0/001.p/44" in refusal.value.zh
    assert "0/001.p/44" in refusal.value.en


@pytest.mark.parametrize(("level", "index"), [(0, 300), (0, 299 + WIDTH), (1, 150), (8, 1), (9, 0), (0, -1), (16, 0)])
def test_what_lies_beyond_the_log_is_refused_and_never_made_up(level: int, index: int) -> None:
    tree = TileTree(300, content)
    assert tree(0, 299) == level_of(0)[299]
    assert tree(8, 0) == level_of(1)[0]
    with pytest.raises(InvalidInput):
        tree(level, index)


def test_every_altered_hash_of_a_tile_changes_the_root() -> None:
    size, root = 600, frontier_root(600)
    for tile in tiles.list_changed_tiles(0, size):
        for place in range(0, tile.width * HASH, 29 * HASH):

            def read(asked: Tile, tile: Tile = tile, place: int = place) -> bytes:
                raw = bytearray(content(asked))
                if asked == tile:
                    raw[place] ^= 1
                return bytes(raw)

            # Full tiles below level 1 stand behind their hash there; whoever reads leaves compares them with it.
            seen = merkle.compute_root(TileTree(size, read), size) != root
            assert seen == (tile.level == 1 or tile.width < WIDTH)
