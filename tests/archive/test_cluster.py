"""Building on Ray: the shuffle's steps as they are, and one build on a cluster of this machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from app.archive.build import build
from app.cli import run
from app.wiring import Frontier
from data.errors import ArchiveError

Write = Callable[..., str]
NOW = datetime(2026, 4, 2, tzinfo=UTC)


def rows_of(names: Sequence[str]) -> dict[str, Any]:
    """All papers of some parts as one block."""
    from app.archive.cluster import _part

    asked = {"number": np.arange(len(names)), "name": np.array(names)}
    blocks = list(_part(asked, now=NOW))
    return {name: np.concatenate([np.asarray(b[name]) for b in blocks]) for name in blocks[0]}


def met(rows: dict[str, Any]) -> list[tuple[int, int]]:
    """The pairs that the shuffle finds in a block, where rows of one key are together; it counts the papers, too."""
    from app.archive.cluster import _keyed, _pairs

    keyed = {name: np.asarray(values) for name, values in _keyed(rows).items()}
    out: list[tuple[int, int]] = []
    for h in np.unique(keyed["hash"]):
        found = _pairs({name: values[keyed["hash"] == h] for name, values in keyed.items()})
        out += zip(found["a"].tolist(), found["b"].tolist(), strict=True)
    [counted] = [n for a, n in out if a == -1]
    assert counted == int(np.sum(rows["read"]))
    return sorted(pair for pair in out if pair[0] != -1)


class TestShuffle:
    def test_papers_meet_by_id_and_by_title_and_people(self, write: Write) -> None:
        assert met(rows_of([write()])) == [(0, 2), (1, 3)]

    def test_across_parts_each_paper_has_its_own_number(self, write: Write, lines: Sequence[Any]) -> None:
        names = [write(lines[:2], name="a.jsonl"), write(lines[2:], name="b.jsonl.gz")]
        assert met(rows_of(names)) == [(0, 1 << 36), (1, (1 << 36) + 1)]

    def test_never_all_pairs(self, monkeypatch: pytest.MonkeyPatch, write: Write) -> None:
        from app.archive import cluster

        compared = []

        def same(a: object, b: object) -> bool:
            compared.append((a, b))
            return False

        monkeypatch.setattr(cluster, "same", same)
        many = [
            {"title": "An introduction to this volume", "authors": ["Al Smith"], "year": 1900 + n} for n in range(200)
        ]
        assert met(rows_of([write(many)])) == []
        assert len(compared) <= cluster.COMPARED * len(many)

    def test_groups_are_what_is_connected(self) -> None:
        from app.archive.cluster import _groups

        groups = _groups(np.array([(5, 9), (1, 5), (20, 30)]))
        assert groups.papers.tolist() == [1, 5, 9, 20, 30]
        assert [len(set(groups.of[list(span)])) for span in ([0, 1, 2], [3, 4], [0, 3])] == [1, 1, 2]
        assert _groups(np.zeros((0, 2), np.int64)).papers.tolist() == []

    def test_a_group_becomes_one_paper(self, write: Write) -> None:
        from app.archive.cluster import _groups, _joined, _only, _papers, _without

        rows = rows_of([write()])
        groups = _groups(np.array(met(rows)))
        assert [p.key for p in _papers(_without(groups.papers, rows))] == ["own:5"]
        together = _only(groups, rows)
        first = {name: values[together["group"] == 0] for name, values in together.items()}
        joined = _joined(first)
        (paper,) = _papers(joined)
        assert set(paper.ids) == {"arxiv:2511.00001", "openreview:AbCdEf-123"}
        assert joined["read"].tolist() == [2]

    def test_what_cannot_be_read_is_told(self, write: Write, tmp_path: Path) -> None:
        path = Path(write(name="cut.jsonl.gz"))
        path.write_bytes(path.read_bytes()[:-8])
        odd = write([{"no": "title"}], name="odd.jsonl")
        rows = rows_of([str(path), odd])
        told = [str(t) for t, kind in zip(rows["text"], rows["kind"], strict=True) if kind]
        assert "cut.jsonl.gz: is cut short" in told[0]
        assert "odd.jsonl:1: no title" in told[1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_a_build_on_a_cluster(
    frontier: Frontier,
    write: Write,
    lines: Sequence[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from app.archive import cluster

    names = [write(lines[:2], name="a.jsonl"), write([*lines[2:], {"no": "title"}], name="b.jsonl.gz")]
    done = build(frontier, names, ray="local")
    assert (done.read, done.written, done.same, done.total, done.bad_count) == (5, 3, 2, 3, 1)
    assert sum(node.written for node in done.nodes.values()) == 3
    again = build(frontier, names)
    assert (again.written, again.total) == (0, 3)

    met = cluster._met
    monkeypatch.setattr(cluster, "_met", lambda *args: (met(*args)[0], 7))
    assert run(["archive", "build", *names, "--ray", "local"]) == 3
    assert "2 papers were lost with a node of the cluster: build again" in capsys.readouterr().err


class TestTrouble:
    def test_no_cluster_there(self, frontier: Frontier, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        assert run(["archive", "build", write(), "--ray", f"127.0.0.1:{port}"]) == 1
        assert f"no Ray cluster answers at 127.0.0.1:{port}" in capsys.readouterr().err
        assert run(["archive", "build", write(), "--ray", "what is this"]) == 2

    @pytest.mark.parametrize(
        ("raised", "told"),
        [
            (
                RuntimeError("Version mismatch: The cluster was started with: Ray: 2.9.0"),
                "another version of Ray or Python",
            ),
            (ConnectionError("Could not find any running Ray instance"), "no Ray cluster answers at auto"),
            (RuntimeError("[Errno 28] No space left on device"), "no disk space left"),
            (RuntimeError("Something else\nof many lines"), "the Ray cluster: Something else (what is written stays"),
        ],
    )
    def test_rays_errors_are_one_line(self, raised: Exception, told: str) -> None:
        from app.archive.ray_cluster import ray_errors

        with pytest.raises(ArchiveError) as caught, ray_errors("auto"):
            raise raised
        assert told in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_a_failure_on_a_node_comes_as_what_it_is(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        from app.archive import cluster

        def opened(task: cluster.Task) -> None:
            raise ArchiveError("the archive is full", mend="free some")

        monkeypatch.setattr(cluster, "_node", lambda: "here")
        monkeypatch.setattr(cluster, "_opened", opened)
        row = cluster.Embedder(cast("cluster.Task", None), None)(rows_of([write()]))
        assert {len(values) for values in row.values()} == {1}
        assert (row["failed"], row["mend"], row["written"].tolist()) == (["the archive is full"], ["free some"], [0])
