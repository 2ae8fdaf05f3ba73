"""One contract for what keeps vectors: FAISS files beside the store, and a collection of Milvus (milvus-lite here)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from data.archive import ArchivePaper, Sighted, hash63
from data.errors import ArchiveError, VectorIndexError
from index.encoders import Vectors, unit
from index.milvus import Milvus, MilvusIndex, Place, Where, Written
from index.vectors import FaissIndex, VectorIndex, update

DIM = 16

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("milvus_lite") is None and os.environ.get("CI") != "true",
    reason="the extra 'scale' is not installed",
)


def vectors(n: int, seed: int = 0, dim: int = DIM) -> Vectors:
    return unit(np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32))


def paper(number: int, title: str = "", **fields: object) -> ArchivePaper:
    said = {"title": title or f"A made-up paper, number {number}", "ids": [f"arxiv:2511.{number:05}"], **fields}
    return ArchivePaper(f"arxiv:2511.{number:05}", (Sighted("arxiv", f"2511.{number:05}", said),))


class Keeper(Protocol):
    """What the contract asks of both: write, take away, and open for reading what was written."""

    def put(self, ids: Sequence[int], rows: Vectors) -> None: ...
    def remove(self, ids: Sequence[int]) -> None: ...
    def open(self) -> VectorIndex: ...
    def close(self) -> None: ...


class FaissKeeper:
    """FAISS with a made-up store that gives it what was written."""

    def __init__(self, folder: Path, exact_up_to: int) -> None:
        self.folder, self.exact_up_to, self.seq = folder, exact_up_to, 0
        self.log: dict[int, tuple[int, bytes]] = {}

    def put(self, ids: Sequence[int], rows: Vectors) -> None:
        for i, row in zip(ids, rows, strict=True):
            self.seq += 1
            self.log[i] = (self.seq, row.tobytes())

    def remove(self, ids: Sequence[int]) -> None:
        for i in ids:
            self.seq += 1
            self.log[i] = (self.seq, b"")

    def _state(self) -> tuple[int, int]:
        return sum(bool(v) for _, v in self.log.values()), max((s for s, _ in self.log.values()), default=0)

    def _since(self, seq: int) -> Iterable[tuple[int, bytes]]:
        return [(i, v) for i, (s, v) in sorted(self.log.items(), key=lambda r: r[1][0]) if s > seq]

    def _stored(self, ids: Iterable[int]) -> dict[int, bytes]:
        return {i: self.log[i][1] for i in ids if i in self.log}

    def open(self) -> VectorIndex:
        state = self._state()
        update(self.folder, model="m", dim=DIM, state=state, since=self._since, exact_up_to=self.exact_up_to)
        index = FaissIndex.open(self.folder, "m", DIM, state, self._stored)
        assert isinstance(index, FaissIndex), index
        return index

    def close(self) -> None:
        pass


class MilvusKeeper:
    """A collection of the archive, in a file of milvus-lite."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(uri=str(folder / "archive.db"))
        self.milvus: Milvus | None = None

    def _opened(self) -> Milvus:
        if self.milvus is None:
            self.milvus = Milvus(self.place, "m", DIM)
            self.milvus.make()
        return self.milvus

    def put(self, ids: Sequence[int], rows: Vectors) -> None:
        self._opened().put([Written(i, paper(i % 99_999), row) for i, row in zip(ids, rows, strict=True)])

    def remove(self, ids: Sequence[int]) -> None:
        self._opened().remove(ids)

    def open(self) -> VectorIndex:
        return MilvusIndex(self._opened())

    def close(self) -> None:
        if self.milvus:
            self.milvus.close()
            self.milvus = None


@pytest.fixture(params=["faiss exact", "faiss ivf", "milvus-lite"])
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Keeper]:
    makers: dict[str, Callable[[], Keeper]] = {
        "faiss exact": lambda: FaissKeeper(tmp_path / "index", 200_000),
        "faiss ivf": lambda: FaissKeeper(tmp_path / "index", 0),
        "milvus-lite": lambda: MilvusKeeper(tmp_path),
    }
    made = makers[request.param]()
    yield made
    made.close()


def holds(index: VectorIndex, rows: dict[int, Vectors]) -> None:
    """The index has exactly these vectors: each is found by itself, and a search of all finds nothing else."""
    assert len(index) == len(rows)
    query = vectors(1, seed=77)[0]
    found, scores = index.search(query, len(rows) + 50)
    assert found == sorted(rows, key=lambda i: (-float(rows[i] @ query), i))
    assert scores == pytest.approx([float(rows[i] @ query) for i in found], abs=1e-5)
    known, back = index.reconstruct([*rows, 10**6])
    assert known == list(rows)
    assert np.allclose(back, np.stack(list(rows.values())), atol=1e-6)


class TestContract:
    N = 300

    def fill(self, keeper: Keeper) -> dict[int, Vectors]:
        rows = vectors(self.N)
        ids = [3 * n + 5 for n in range(self.N)]
        keeper.put(ids, rows)
        return dict(zip(ids, rows, strict=True))

    def test_add(self, keeper: Keeper) -> None:
        rows = self.fill(keeper)
        holds(keeper.open(), rows)
        more = vectors(3, seed=1)
        keeper.put([1, 2, 4], more)
        holds(keeper.open(), rows | dict(zip([1, 2, 4], more, strict=True)))

    def test_add_again_changes_nothing(self, keeper: Keeper) -> None:
        rows = self.fill(keeper)
        self.fill(keeper)
        holds(keeper.open(), rows)

    def test_update_and_remove(self, keeper: Keeper) -> None:
        rows = self.fill(keeper)
        keeper.open()
        keeper.put([5, 8], vectors(2, seed=2))
        keeper.remove([11, 14])
        rows |= dict(zip([5, 8], vectors(2, seed=2), strict=True))
        del rows[11], rows[14]
        holds(keeper.open(), rows)
        keeper.put([11], vectors(1, seed=3))
        holds(keeper.open(), rows | {11: vectors(1, seed=3)[0]})

    def test_filter(self, keeper: Keeper) -> None:
        rows = self.fill(keeper)
        index = keeper.open()
        draw = np.random.default_rng(4)
        for trial, (size, k) in enumerate([(1, 5), (40, 7), (200, 10), (900, 1000)]):
            allowed = draw.choice(1000, size, replace=False).tolist()
            query = vectors(1, seed=trial + 10)[0]
            among = sorted((i for i in rows if i in set(allowed)), key=lambda i: -float(rows[i] @ query))
            assert index.search(query, k, allowed)[0] == among[:k]
        assert index.search(query, 5, []) == ([], [])
        assert index.search(query, 5, [10**6]) == ([], [])
        assert index.search(query, 0) == ([], [])

    def test_search_more_than_there_are_and_equal_ones(self, keeper: Keeper) -> None:
        same = np.repeat(vectors(1), 4, axis=0)
        keeper.put([9, 2, 30, 4], same)
        index = keeper.open()
        assert index.search(same[0], 50)[0] == [2, 4, 9, 30]
        assert index.search(same[0], 50, [30, 30, 77])[0] == [30]

    def test_empty(self, keeper: Keeper) -> None:
        index = keeper.open()
        assert len(index) == 0
        assert index.search(vectors(1)[0], 5) == ([], [])
        assert index.reconstruct([1])[1].shape == (0, DIM)
        assert (index.model, index.dim) == ("m", DIM)

    def test_a_query_of_another_length_is_refused(self, keeper: Keeper) -> None:
        self.fill(keeper)
        with pytest.raises(VectorIndexError, match="length 3 against vectors of length 16"):
            keeper.open().search(vectors(1, dim=3)[0], 1)

    def test_reopen(self, keeper: Keeper) -> None:
        rows = self.fill(keeper)
        keeper.remove([5])
        keeper.open()
        keeper.close()
        del rows[5]
        holds(keeper.open(), rows)

    def test_concurrent_readers(self, keeper: Keeper) -> None:
        rows = self.fill(keeper)
        index = keeper.open()
        queries = vectors(8, seed=5)
        expected = [index.search(q, 10) for q in queries]
        failures: list[object] = []

        def read(n: int) -> None:
            answers = [index.search(queries[n], 10)[0] for _ in range(5)]
            failures.extend(found for found in answers if found != expected[n][0])

        threads = [threading.Thread(target=read, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        holds(index, rows)


@pytest.fixture
def milvus(tmp_path: Path) -> Iterator[Milvus]:
    made = Milvus(Place(uri=str(tmp_path / "archive.db")), "m", DIM)
    made.make()
    yield made
    made.close()


class TestCollection:
    def test_a_paper_comes_back_as_it_was(self, milvus: Milvus) -> None:
        one = paper(
            7,
            abstract='Of gradients.\n\nAnd of "meadows".',
            authors=["Ada Example", "Bo Sample"],
            venue="ICML",
            year=2025,
            categories=["cs.LG"],
        ).joined(
            [Sighted("openreview", "x", {"title": "Another title", "abstract": "Shorter.", "ids": ["openreview:x-_1"]})]
        )
        milvus.put([Written(hash63(one.key), one, vectors(1)[0])])
        assert milvus.at([hash63(one.key)]) == {hash63(one.key): one}
        assert milvus.named(["openreview:x-_1"]) == milvus.named([one.key]) == {hash63(one.key): one}
        assert milvus.named(["arxiv:2511.00008"]) == {}

    def test_words_find_the_paper_that_has_them(self, milvus: Milvus) -> None:
        titles = ["Gradient meadows", "Meadows of sheep", "A study of trains"]
        milvus.put([Written(n, paper(n, t), vectors(3)[n - 1]) for n, t in enumerate(titles, 1)])
        found = milvus.by_words("the gradient in meadows", 5)
        assert [i for i, _ in found] == [1, 2]
        assert found[0][1] > found[1][1] > 0
        assert milvus.by_words("nothing of this", 5) == []

    def test_filters_hold(self, milvus: Milvus) -> None:
        from datetime import date

        given = [
            {"published": "2024-05-01", "venue": 'A "quoted" Venue', "categories": ["cs.CV", "cs.LG"]},
            {"published": "2025-05-01", "venue": "CVPR", "categories": ["cs.CV"]},
            {"ids": []},  # no date
        ]
        milvus.put([Written(n, paper(n, "One title", **f), vectors(3)[n - 1]) for n, f in enumerate(given, 1)])

        def ids(**where: object) -> list[int]:
            expression = Where(**where).expression()  # type: ignore[arg-type]
            by_vector = sorted(i for i, _ in milvus.nearest(vectors(1)[0], 9, expression))
            assert by_vector == sorted(i for i, _ in milvus.by_words("title", 9, expression))
            return by_vector

        assert ids() == [1, 2, 3]
        assert ids(since=date(2025, 1, 1)) == [2]
        assert ids(until=date(2025, 1, 1)) == [1]
        assert ids(venues=("cvpr",)) == [2]
        assert ids(venues=('a "quoted" venue', "nowhere")) == [1]
        assert ids(categories=("cs.LG", "math.CO")) == [1]
        assert ids(sources=("arxiv",)) == [1, 2, 3]
        assert ids(sources=("dblp",)) == []


class TestTrouble:
    def test_another_dimension(self, milvus: Milvus) -> None:
        with pytest.raises(ArchiveError, match="has vectors of length 16, 'm' gives 8"):
            Milvus(milvus.place, "m", 8).open()

    def test_another_schema(self, milvus: Milvus) -> None:
        from pymilvus import MilvusClient

        MilvusClient(milvus.place.uri).create_collection("frontier_other", dimension=DIM)
        with pytest.raises(ArchiveError, match="frontier_other has another schema: no field 'key'"):
            Milvus(milvus.place, "other", DIM).make()

    def test_models_do_not_mix(self, milvus: Milvus) -> None:
        with pytest.raises(ArchiveError, match="no archive of 'n'"):
            Milvus(milvus.place, "n", DIM).open()

    def test_nothing_there(self) -> None:
        with pytest.raises(ArchiveError, match=r"no Milvus answers at http://127\.0\.0\.1:9"):
            Milvus(Place(uri="http://127.0.0.1:9", timeout_s=1), "m", DIM)

    def test_one_that_does_not_answer_in_time(self) -> None:
        import socket

        with socket.create_server(("127.0.0.1", 0)) as silent:
            uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(ArchiveError, match=r"(no Milvus answers at|did not answer in time)"):
                Milvus(Place(uri=uri, timeout_s=1), "m", DIM)

    def test_a_collection_that_a_restart_released_is_loaded_again(self, milvus: Milvus) -> None:
        milvus.put([Written(1, paper(1), vectors(1)[0])])
        milvus._client.release_collection(milvus.name)
        assert milvus.count() == 1

    def test_not_a_file_of_an_archive(self, tmp_path: Path) -> None:
        with pytest.raises(ArchiveError, match=r"neither an address nor a file that ends in \.db"):
            Milvus(Place(uri=str(tmp_path / "archive")), "m", DIM)
        (tmp_path / "old.db").write_bytes(b"SQLite format 3\0")
        with pytest.raises(ArchiveError, match="cannot be opened"):
            Milvus(Place(uri=str(tmp_path / "old.db")), "m", DIM)

    def test_a_file_that_another_process_holds(self, milvus: Milvus) -> None:
        code = (
            "from index.milvus import Milvus, Place\nfrom data.errors import ArchiveError\n"
            f"try: Milvus(Place(uri={milvus.place.uri!r}), 'm', 16)\nexcept ArchiveError as exc: print(exc)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert "cannot be opened (another process may hold it" in done.stdout


class TestRefusals:
    """A server that speaks TLS and refuses everyone, and keeps the tokens that it was shown."""

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
        from concurrent.futures import ThreadPoolExecutor

        import grpc
        import trustme

        tokens: list[str] = []

        class Refusing(grpc.GenericRpcHandler):
            def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
                tokens.extend(str(v) for k, v in details.invocation_metadata if k == "authorization")

                def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
                    context.abort(
                        grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check username and password"
                    )
                    raise AssertionError

                return grpc.unary_unary_rpc_method_handler(refuse)

        authority = trustme.CA()
        certificate = authority.issue_cert("localhost")
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        key, chain = certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes()
        server = grpc.server(ThreadPoolExecutor(2), handlers=[Refusing()])
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, chain)]))
        server.start()
        yield f"https://localhost:{port}", tmp_path / "ca.pem", tokens
        server.stop(None).wait()

    def test_the_token_goes_over_tls_and_is_not_told(self, server: tuple[str, Path, list[str]]) -> None:
        from base64 import b64decode

        uri, ca, tokens = server
        with pytest.raises(ArchiveError, match=r"refuses the token .*FRONTIER_MILVUS_TOKEN") as caught:
            Milvus(Place(uri=uri, token="me:a-secret", ca=str(ca), timeout_s=5), "m", DIM)
        assert {b64decode(t).decode() for t in tokens} == {"me:a-secret"}
        assert "a-secret" not in str(caught.value)

    def test_a_certificate_that_is_not_trusted(self, server: tuple[str, Path, list[str]]) -> None:
        uri, _, tokens = server
        with pytest.raises(ArchiveError, match=r"(no Milvus answers at|did not answer in time)"):
            Milvus(Place(uri=uri, token="me:a-secret", timeout_s=2), "m", DIM)
        assert tokens == []


def test_a_milvus_without_bm25_is_refused() -> None:
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from pymilvus.grpc_gen import milvus_pb2, milvus_pb2_grpc

    class Old(milvus_pb2_grpc.MilvusServiceServicer):  # type: ignore[misc]
        def Connect(self, request: object, context: object) -> object:  # noqa: N802
            return milvus_pb2.ConnectResponse()

        def GetVersion(self, request: object, context: object) -> object:  # noqa: N802
            return milvus_pb2.GetVersionResponse(version="v2.4.15")

    server = grpc.server(ThreadPoolExecutor(2))
    milvus_pb2_grpc.add_MilvusServiceServicer_to_server(Old(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with pytest.raises(ArchiveError, match=r"runs Milvus v2\.4\.15, which has no BM25 \(Milvus 2\.5 or later\)"):
            Milvus(Place(uri=f"http://127.0.0.1:{port}", timeout_s=5), "m", DIM)
    finally:
        server.stop(None).wait()
