"""Re-ranking: a cross-encoder reads the query together with each of the best papers. Optional, and slow without a GPU."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from data.errors import ModelError
from index.encoders import first_line, quiet


class Reranker(Protocol):
    """Says how well texts answer a query."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One finite number for each text, higher is better, of any scale. Raises ModelError."""
        ...


class CrossEncoderReranker:
    """Any sentence-transformers cross-encoder, by name or folder; read when it is first asked."""

    def __init__(self, model: str) -> None:
        self._name = model.strip()
        self._loaded: Any = None

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """As the protocol says. Texts beyond the model's length are cut."""
        if not texts:
            return []
        model = self._model()
        with quiet():
            try:
                raw = model.predict([(query, text) for text in texts], show_progress_bar=False)
                found = [float(x) for x in raw]
            except (RuntimeError, ValueError, TypeError) as exc:
                raise ModelError(
                    f"the model {self._name!r} cannot re-rank: {first_line(exc)}",
                    mend="[search] reranker should name a cross-encoder with one score",
                ) from exc
        return [x if math.isfinite(x) else -math.inf for x in found]

    def _model(self) -> Any:
        if self._loaded is None:
            where = os.path.expanduser(self._name)
            if where.startswith(("/", "./", "../")) and not Path(where).is_dir():
                raise ModelError(f"there is no model folder {where}", mend="check [search] reranker")
            with quiet():
                try:
                    from sentence_transformers import CrossEncoder

                    self._loaded = CrossEncoder(where, local_files_only=Path(where).is_dir())
                except Exception as exc:  # whatever a model's files, the hub or the network make of it
                    raise ModelError(
                        f"the model {self._name!r} cannot be loaded: {first_line(exc)}",
                        mend="check [search] reranker: a cross-encoder's name (needs the network once) or a folder",
                    ) from exc
        return self._loaded
