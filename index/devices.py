"""Which device does what, and why.

FAISS's GPU build brings libraries of CUDA 12, torch those of CUDA 13. Whether both run in one process is tried in a process
of its own, since what does not fit may end it.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

from index.encoders import has_cuda, has_driver
from index.parts import ListMaker, load_faiss

logger = logging.getLogger(__name__)

MEMORY_WANTED = 2 << 30
"""Bytes of a device's memory that the making of an inverted file takes at the most."""

PATIENCE_S = 120
"""Seconds that the trial may take: starting CUDA twice takes some."""

_TRIAL = """
import torch
torch.ones((64, 64), device="cuda", dtype=torch.float16).matmul(torch.ones((64, 64), device="cuda", dtype=torch.float16))
torch.cuda.synchronize()
import faiss, numpy
rows = numpy.eye(64, dtype=numpy.float32)
resources = faiss.StandardGpuResources()
index = faiss.GpuIndexFlatIP(resources, 64)
index.add(rows)
assert (index.search(rows, 1)[1][:, 0] == numpy.arange(64)).all()
torch.ones(64, device="cuda").sum().item()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """`task` is done on `device`; `why` says why not on a better one ("" where there is none)."""

    task: str
    device: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.task} on {self.device}{f' ({self.why})' if self.why else ''}"


def list_maker() -> ListMaker | None:
    """What makes inverted files on a CUDA device, or None where the CPU does. Says in one line why what could does not."""
    if not has_cuda():
        return None
    import torch

    from index.gpu import FaissLists, TorchLists

    free, _ = torch.cuda.mem_get_info()
    if free < MEMORY_WANTED:
        logger.warning("frontier: the CPU makes the index: %.1f GiB are free on the CUDA device", free / (1 << 30))
        return None

    why = why_no_faiss_gpu()
    if not why:
        faiss = load_faiss()
        resources = faiss.StandardGpuResources()
        return FaissLists(lambda dim: faiss.GpuIndexFlatIP(resources, dim))
    if faiss_gpus():
        logger.warning("frontier: torch makes the index instead of FAISS's GPU build: %s", why)
    return TorchLists()


def faiss_gpus() -> int:
    """How many devices FAISS sees: none with its CPU build."""
    faiss = load_faiss()
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


@cache
def why_no_faiss_gpu() -> str:
    """Why FAISS's GPU build does not run beside torch on a CUDA device, or "". Tries it, once a process: some seconds."""
    if not hasattr(load_faiss(), "StandardGpuResources"):
        return "faiss-gpu is not installed"
    if not faiss_gpus():
        return "faiss-gpu sees no device"
    try:
        done = subprocess.run(
            [sys.executable, "-c", _TRIAL], capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return f"faiss-gpu beside torch could not be tried: {type(exc).__name__}"
    if done.returncode == 0:
        return ""
    said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    return f"faiss-gpu does not run beside torch: {said[:200]}"


def roles() -> list[Role]:
    """Which device does what on this machine. Imports torch, and tries FAISS's GPU build where there is a CUDA device."""
    searching = Role(task="search", device="the CPU", why="one command's start of CUDA takes longer than its query")
    if not has_cuda():
        why = "no NVIDIA driver" if not has_driver() else _torch_lacks()
        return [Role(task=task, device="the CPU", why=why) for task in ("embedding", "index build", "search")]
    import torch

    card = torch.cuda.get_device_name()
    cards = card if torch.cuda.device_count() == 1 else f"{torch.cuda.device_count()} devices, {card} first"
    why = why_no_faiss_gpu()
    build = Role(task="index build", device=f"{card} by {'torch' if why else 'FAISS'}", why=why)
    return [Role(task="embedding", device=cards), build, searching]


def _torch_lacks() -> str:
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is a build without CUDA"
    return "torch finds no CUDA device"
