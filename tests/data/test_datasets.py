"""Data sets in titles and abstracts: which known ones are used, and which ones a paper announces. All texts are invented."""

from __future__ import annotations

import gzip
import json
import time
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.datasets import DatasetNames, DatasetUse, announced
from data.ids import parse_id
from data.seeds import known_datasets

SHIPPED = DatasetNames.shipped()


def used(abstract, title="A study of penguins"):
    return [use.name for use in SHIPPED.uses(title, abstract)]


# --- the shipped list ---------------------------------------------------------------------------------------------


def test_list_is_consistent():
    rows = known_datasets()
    spellings = [spelling.casefold() for row in rows for spelling in (row.name, *row.aliases)]
    assert len(spellings) == len(set(spellings))
    for row in rows:
        assert row.kind in ("dataset", "benchmark")
        assert 1980 < row.year < 2030
        assert set(row.needs_context) <= {row.name, *row.aliases}, row.name
        if row.paper:
            assert str(parse_id(row.paper)) == row.paper.replace("CVPR", "cvpr")


def test_landmarks_are_listed():
    landmarks = (
        "ImageNet,MS COCO,Pascal VOC,LFW,MegaFace,MS-Celeb-1M,Visual Genome,CIFAR-10,CIFAR-100,MNIST,Penn Treebank"
    )
    assert set(landmarks.split(",")) <= {row.name for row in known_datasets()}


@pytest.mark.parametrize("row", known_datasets(), ids=lambda row: row.name)
def test_every_spelling_is_found(row):
    for spelling in (row.name, *row.aliases):
        assert row.name in used(f"We report results on the {spelling} dataset."), spelling


# --- uses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("trained on ImageNet-1K", ["ImageNet"]),
        ("an ImageNet-pretrained backbone", ["ImageNet"]),
        ("the ILSVRC 2012 winners", ["ImageNet"]),
        ("imagenet and IMAGENET", ["ImageNet"]),
        ("ImageNet-21K pre-training", ["ImageNet-21K"]),
        ("robust on ImageNet-C", ["ImageNet-C"]),
        ("on ImageNet a penguin", ["ImageNet"]),
        ("ImageNet-Penguins", []),
        ("our MegaImageNet and Ice-ImageNet", []),
        ("on mini-ImageNet, miniImageNet and tiered-ImageNet", ["miniImageNet", "tieredImageNet"]),
        ("CIFAR-10 and CIFAR-100", ["CIFAR-10", "CIFAR-100"]),
        ("on CIFAR10/100", ["CIFAR-10", "CIFAR-100"]),
        ("on CIFAR-10/100 and MNIST", ["CIFAR-10", "CIFAR-100", "MNIST"]),
        ("CIFAR-10 and -100", ["CIFAR-10", "CIFAR-100"]),
        ("CIFAR-{10, 100}", ["CIFAR-10", "CIFAR-100"]),
        ("CIFAR-10 and 50 penguins", ["CIFAR-10"]),
        ("CIFAR‑10", ["CIFAR-10"]),
        ("on COCO and MS-COCO and MSCOCO 2017", ["MS COCO"]),
        ("drinking cocoa or coco", []),
        ("COCO-Stuff", ["COCO-Stuff"]),
        ("PASCAL VOC 2007 and 2012", ["Pascal VOC"]),
        ("MathVista", ["MathVista"]),
        ("SQuAD 2.0 after SQuAD 1.1", ["SQuAD 2.0", "SQuAD"]),
        ("AIME 2024/2025 and AIME25", ["AIME"]),
        ("HumanEval and HumanEval+", ["HumanEval", "HumanEval+"]),
        ("MMLU, MMLU-Pro", ["MMLU", "MMLU-Pro"]),
        ("$\\text{GSM8K}$ and \\textbf{SWE-bench} and \\texttt{LIBERO}", ["GSM8K", "SWE-bench", "LIBERO"]),
        ("$\\tau$-bench and τ²-bench and $\\tau^2$-bench", ["τ-bench", "τ²-bench"]),
        ("FaceForensics++ (FF++)", ["FaceForensics++"]),
        ("20 Newsgroups", ["20 Newsgroups"]),
        ("code at https://github.com/ice/ImageNet", []),
        ("", []),
    ],
)
def test_spellings(text, expected):
    assert used(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accuracy on MATH rises", ["MATH"]),
        ("GSM8K, MATH and MMLU", ["GSM8K", "MATH", "MMLU"]),
        ("experts of MATH and physics", []),
        ("on math", []),
        ("trained on C4", ["C4"]),
        ("the C4 corpus", ["C4"]),
        ("a C4 photosynthesis model", []),
        ("many Places are cold", []),
        ("datasets such as SUN, Places and ImageNet", ["SUN397", "Places", "ImageNet"]),
        ("the SUN shines", []),
        ("the DAVIS benchmark", ["DAVIS"]),
        ("a DAVIS event camera", []),
        ("the ROCO dataset of radiology images", ["ROCO"]),
        ("Flowers bloom on Kinetics", ["Kinetics"]),
        ("enzyme Kinetics", []),
        ("the Atari benchmark", ["Atari (ALE)"]),
        ("the MPII Movie Description dataset", []),
        ("On the Omniglot dataset, ARC models win", ["Omniglot"]),
        ("a hard dataset, ARC, and more", ["ARC"]),
        ("We propose SCAN, a method for ice. On SCAN we see", []),
        ("Slow Cooling of Ants (SCAN) is tested on SCAN", []),
        ("Waymo drives penguins", []),
        ("on KITTI and Waymo", ["KITTI", "Waymo Open Dataset"]),
    ],
)
def test_ambiguous_names_need_context(text, expected):
    assert used(text) == expected


def test_uses_are_in_order_of_appearance_and_say_what_is_introduced():
    uses = SHIPPED.uses(
        "FloeBench: A Benchmark of Floating Ice",
        "We extend KITTI. FloeBench has more ice than ImageNet or KITTI.",
    )
    assert uses == [DatasetUse("FloeBench", True), DatasetUse("KITTI", False), DatasetUse("ImageNet", False)]


def test_known_name_that_is_announced_is_canonical():
    uses = SHIPPED.uses("On walruses", "We introduce mscoco, a dataset. We introduce LibriSPEECH, a corpus of speech.")
    assert DatasetUse("LibriSpeech", True) in uses


def test_own_names():
    names = DatasetNames.of({"Floe-5": ["Floe Five"], "Ice": []}, needs_context=["Ice"])
    assert [u.name for u in names.uses("", "floe5, FLOE-FIVE. Ice melts")] == ["Floe-5"]
    assert [u.name for u in names.uses("", "the Ice dataset")] == ["Ice"]
    assert DatasetNames.of({}).uses("ImageNet", "on ImageNet") == []


# --- announcements ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("abstract", "expected"),
    [
        ("We introduce FloeBench, a benchmark for ice.", ["FloeBench"]),
        ("We present IceQA, the first large-scale dataset of questions on ice.", ["IceQA"]),
        ("In this paper, we release the PenguinNet dataset.", ["PenguinNet"]),
        ("This paper introduces SealCorpus-2, a multilingual corpus for seals.", ["SealCorpus-2"]),
        ("To fill this gap, we construct Floe-10K, which is a new dataset of floes.", ["Floe-10K"]),
        ("We carefully curate and release WalrusHub: a large-scale, high-quality collection of walrus images.", ["WalrusHub"]),
        ("We build a new dataset called Penguin Atlas.", ["Penguin Atlas"]),
        ("We contribute a test suite for swimming, named SwimSuite, with scores.", ["SwimSuite"]),
        ("We develop a benchmark dubbed FROST for cold models.", ["FROST"]),
        ("We collect a corpus of calls, termed SealCalls.", ["SealCalls"]),
        ("We propose a new benchmark, ColdEval, for agents.", ["ColdEval"]),
        ("We create two datasets, IceA1 and IceB2, for melting.", ["IceA1", "IceB2"]),
        ("We introduce Ice-Bench and Ice-Train, two datasets for melting.", ["Ice-Bench", "Ice-Train"]),
        ("We introduce Ice-Bench, a benchmark of ice, and Snow-Train, a dataset of 10k flakes.", ["Ice-Bench", "Snow-Train"]),
        ("We present the Frozen Language Assessment (FLA), a benchmark for cold talk.", ["FLA"]),
        ("We present the Frozen Language Assessment (FLA) benchmark.", ["FLA"]),
        ("We introduce a Polar Object Tracking dataset (POT) with boxes.", ["POT"]),
        ("We introduce IceVoice (Icy Voices of the Sea), a speech corpus.", ["IceVoice"]),
        ("We introduce \\textbf{FloeBench}, a benchmark.", ["FloeBench"]),
        ("We introduce \\textsc{Floe-Bench}, a testbed for ice.", ["Floe-Bench"]),
        ('We introduce "FloeSet", a new dataset.', ["FloeSet"]),
        ("We introduce ``FloeSet'', a new dataset.", ["FloeSet"]),
        ("We introduce *FloeSet*, a new dataset.", ["FloeSet"]),
        ("We introduce FloeBench.", ["FloeBench"]),
        ("We introduce FloeBench a new benchmark of ice.", ["FloeBench"]),
        ("We present the FloeGen Benchmark.", ["FloeGen"]),
        ("We present the Cold Floe Benchmark of Ice (CFBI), which is hard.", ["CFBI"]),
        ("We introduce Cold and Icy Questions (CIQ), a benchmark of ice.", ["CIQ"]),
        ("Models fail on our newly developed FloeSet dataset.", ["FloeSet"]),
        ("We introduce, FLOEMOD, a corpus of ice.", ["FLOEMOD"]),
        ("We introduce a comprehensive benchmark, i.e., Floe-BMK, comprising questions.", ["Floe-BMK"]),
        ("We propose (i) FloeDocs (Documents of Floes), a new dataset of ice.", ["FloeDocs"]),
        ("We present floeGLUE, the first ice understanding (IU) benchmark for seals.", ["floeGLUE"]),
        ("The proposed dataset, named FloeSet, is big.", ["FloeSet"]),
        ("We collect the FloeSet dataset - a set of floes.", ["FloeSet"]),
        ("We curate and make publicly available a corpus of calls, which we call SealCalls.", ["SealCalls"]),
        ("Our dataset, FloeSet, contains floes.", ["FloeSet"]),
        ("Models fail on our FloeSet benchmark.", ["FloeSet"]),
        ("A novel dataset called FloeSet is presented.", ["FloeSet"]),
        ("FloeSet is a new dataset for ice.", ["FloeSet"]),
        ("We introduce PenguinArena, an arena for walking models.", ["PenguinArena"]),
        ("We release IceBoard, a public leaderboard for forecasts.", ["IceBoard"]),
        ("We also introduce a StreetFloe benchmark for cars.", ["StreetFloe"]),
        ("Benchmarks age. We introduce IceQuiz. The questions are hard. IceQuiz comprises 1200 questions on ice.", ["IceQuiz"]),
        ("We make three contributions: (1) FloeSim, a simulator; (2) FloeSet, a dataset of floes.", ["FloeSet"]),
        ("We present three things: (1) FloeSim, a simulator; and FloeSet, a dataset of floes.", ["FloeSet"]),
        ("We release FloeSet v2, a dataset of floes; it beats KITTI.", ["FloeSet v2"]),
    ],
)  # fmt: skip
def test_forms_in_abstracts(abstract, expected):
    assert announced("On ice", abstract) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("FloeBench: A Benchmark for Ice", ["FloeBench"]),
        ("FLOE: A Large-Scale Dataset of Ice", ["FLOE"]),
        ("IceTalk: a Corpus for Cold Conversation", ["IceTalk"]),
        ("IceTalk - A Multilingual Corpus of Cold Talk", ["IceTalk"]),
        ("Introducing IceTalk: A Dataset for Cold Talk", ["IceTalk"]),
        ("The IceTalk Dataset for Cold Conversation", ["IceTalk"]),
        ("The IceTalk Corpus", ["IceTalk"]),
        ("FloeBench: Measuring How Agents Float", ["FloeBench"]),
        ("FloeNet: A Network for Dataset Condensation", []),
        ("FloeNet: A Framework for Benchmark Design", []),
        ("A Benchmark: Ice", []),
        ("FloeGAN: Leveraging Multiple Datasets for Ice", []),
        ("BenchFloat: A System for Benchmark Curation", []),
        ("FloeSet Datasets: A Survey", []),
        ("FloeKey: A Cold Method and New Benchmark for Floes", []),
        ("FloeSet and FloeNet: A Dataset and a Model of Ice", []),
        ("Rethinking Ice: A Survey of Datasets", []),
        ("Beyond Counting Floes: A Dataset View", []),
        ("How Cold Is It: A Benchmark Study", []),
    ],
)
def test_forms_in_titles(title, expected):
    assert announced(title, "Ice is cold.") == expected


@pytest.mark.parametrize(
    "abstract",
    [
        "We introduce FloeNet, a framework for dataset distillation.",
        "We propose FloeNet, a novel dataset pruning method.",
        "We present FloeNet, a model trained on the Antarctic dataset.",
        "We propose FloeNet, a benchmark-driven approach.",
        "We introduce FloeNet and evaluate it on the KITTI dataset.",
        "We present results on the KITTI dataset.",
        "We introduce a new dataset.",
        "We introduce a large-scale multi-modal benchmark for ice.",
        "We introduce the first Benchmark of its kind.",
        "We introduce an RGB-D dataset.",
        "We construct a VQA benchmark for ice.",
        "We release the dataset and code.",
        "We release FloeNet, code, and the benchmark.",
        "We describe this failure--on the leading benchmark (IceQA), which is old.",
        "We present the first real-world dataset.",
        "We collect a corpus for coaching of cold bathing therapy (CBT).",
        "We extend the previously published FloeSet dataset.",
        "The newly released FloeSet dataset is hard.",
        "We set and establish a new record across the entire Cold Ice Leaderboard (CIL).",
        "We use a dataset called FloeSet from earlier work.",
        "We evaluate on FloeSet, a dataset of ice.",
        "FloeSet, a dataset of ice, was published long ago.",
        "We propose FloeNet. It wins on three benchmarks.",
        "We introduce a framework called FloeKit for building benchmarks.",
        "We present a study of 12 datasets and a model named FloeNet.",
        "Our method FloeNet beats the benchmark.",
        "We introduce LLM benchmarks for Chinese and English.",
        "We introduce FloeDB, a vector database for ice.",
        "",
    ],
)
def test_what_announces_no_dataset(abstract):
    assert announced("On ice", abstract) == []


# --- hostile input ------------------------------------------------------------------------------------------------


@given(st.text(max_size=300), st.text(max_size=600))
def test_any_text_is_read(title, abstract):
    for use in SHIPPED.uses(title, abstract):
        assert use.name
    assert all(2 <= len(name) <= 40 for name in announced(title, abstract))


@pytest.mark.parametrize(
    "piece",
    [
        "We introduce ",
        "We introduce A",
        "We introduce X, a new ",
        "a benchmark ",
        "We introduce a dataset called ",
        "A-",
        "(",
        "((A) ",
        "CIFAR-10/",
        "CIFAR-10, and ",
        "ImageNet ",
        "MATH, ",
        "Our dataset ",
        "X and Y, ",
        "\\textbf{",
        "and Bench, a ",
        "\\",
        "a.b-",
        "A",
        "new ",
        " ",
        "¶ ",
    ],
)
def test_time_is_linear(piece):
    started = time.process_time()
    text = piece * (100_000 // len(piece))
    SHIPPED.uses(f"FloeBench: {text}", f"We introduce {text} dataset benchmark. FloeBench {text}")
    assert time.process_time() - started < 5


def test_time_is_linear_with_many_names():
    started = time.process_time()
    text = " ".join(f"We introduce Ice{n}Bench, a benchmark. Floe Set{n} (FS{n}) and ImageNet." for n in range(1200))
    uses = SHIPPED.uses("On ice", text)
    assert len(uses) > 1200
    assert time.process_time() - started < 5


# --- real abstracts -----------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_real_abstracts(shared):
    used_by, announcing, papers = Counter(), 0, 0
    for source, field in (("arxiv", "summary"), ("proceedings", "abstract")):
        with gzip.open(shared / "papers" / f"{source}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in islice(lines, 0, None, 40):
                row = json.loads(line)
                uses = SHIPPED.uses(row["title"], row[field])
                names = [use.name for use in uses]
                assert len(names) == len(set(names)) < 40
                used_by.update(use.name for use in uses if not use.introduces)
                announcing += any(use.introduces for use in uses)
                papers += 1
    top = [name for name, _ in used_by.most_common(12)]
    assert {"ImageNet", "MS COCO", "CIFAR-10", "KITTI", "MNIST"} <= set(top)
    assert 0.03 < announcing / papers < 0.12
    assert 0.1 < used_by.total() / papers < 0.6
