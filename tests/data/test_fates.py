"""Comments and journal references in the forms that authors use; all of them are made up."""

from __future__ import annotations

import gzip
import json
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.fates import MAX_EVIDENCE, Fate, fate
from data.venues import CONFERENCES, JOURNALS, WORKSHOPS, venue_mentions


def read(comment: str, reference: str = "", **more: date) -> tuple[str, int | None, str, str] | None:
    found = fate(comment, reference, **more)
    return (found.venue, found.year, found.status, found.track) if found else None


# ---- main conferences -------------------------------------------------------------------------------------------------

MAIN = [
    ("Accepted at ICCV 2025", "ICCV", 2025, ""),
    ("Accepted to CVPR2026", "CVPR", 2026, ""),
    ("accepted by cvpr 2026", "CVPR", 2026, ""),
    ("ICLR 2026", "ICLR", 2026, ""),
    ("AAAI-26", "AAAI", 2026, ""),
    ("AAAI'2026", "AAAI", 2026, ""),
    ("BMVC2025", "BMVC", 2025, ""),
    ("2025 ICIP", "ICIP", 2025, ""),
    ("ICML\u201925", "ICML", 2025, ""),
    ("ACM MM '25", "ACM MM", 2025, ""),
    ("ACMMM 2025", "ACM MM", 2025, ""),
    ("Accepted by MM 2024", "ACM MM", 2024, ""),
    ("ACM Multimedia Asia 2025", "MMAsia", 2025, ""),
    ("NIPS 2025", "NeurIPS", 2025, ""),
    ("Neurips 2025", "NeurIPS", 2025, ""),
    ("WACV 2026 Round 1", "WACV", 2026, ""),
    ("3DV 2026, 20 pages", "3DV", 2026, ""),
    ("SIGGRAPH Asia 2025", "SIGGRAPH Asia", 2025, ""),
    ("SIGGRAPH 2025 conference paper", "SIGGRAPH", 2025, ""),
    ("The Web Conference 2026", "WWW", 2026, ""),
    ("WWW '26", "WWW", 2026, ""),
    ("I3D'25 (PACMCGIT)", "I3D", 2025, ""),
    ("Eurographics 25", "Eurographics", 2025, ""),
    ("INTERSPEECH2025", "Interspeech", 2025, ""),
    ("IEEE VIS 2025 Short Paper", "IEEE VIS", 2025, ""),
    ("To appear in EMNLP 2025", "EMNLP", 2025, ""),
    ("To appear at NAACL 2025 (main conference)", "NAACL", 2025, ""),
    ("Camera-ready for EMNLP 2025 main", "EMNLP", 2025, ""),
    ("ACL 2026 Main, 12 pages and 3 figures", "ACL", 2026, ""),
    ("12 pages, 4 figures, ACL 2025", "ACL", 2025, ""),
    ("12 pages, 4 figures. Accepted at AISTATS 2026", "AISTATS", 2026, ""),
    ("Published as a conference paper at ICLR 2025", "ICLR", 2025, ""),
    ("This paper has been accepted for presentation at IGARSS 2025.", "IGARSS", 2025, ""),
    ("Accpeted by ECCV 2026", "ECCV", 2026, ""),
    ("In Proceedings of IJCAI 2025, Montreal, Canada", "IJCAI", 2025, ""),
    ("CVPR 2026. Project page: https://meadow.github.io/cvpr2024", "CVPR", 2026, ""),
    (r"NeurIPS 2025. Code: \href{https://example.org/x}{our code}", "NeurIPS", 2025, ""),
    ("Accepted to the 39th Conference on Neural Information Processing Systems (NeurIPS 2025)", "NeurIPS", 2025, ""),
    ("Accepted by the 2026 IEEE International Conference on Multimedia and Expo (ICME)", "ICME", 2026, ""),
    ("IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR), 2026", "CVPR", 2026, ""),
    ("International Conference on Computer Vision (ICCV 2025), Honolulu, Hawaii", "ICCV", 2025, ""),
    ("The 64th Annual Meeting of the Association for Computational Linguistics (ACL 2026)", "ACL", 2026, ""),
    ("Accepted at the Nations of the Americas Chapter of the ACL (NAACL 2025)", "NAACL", 2025, ""),
    ("Accepted to the ACM Conference on Fairness, Accountability, and Transparency (FAccT '26)", "FAccT", 2026, ""),
    ("8th AAAI/ACM Conference on AI, Ethics, and Society (AIES 2025)", "AIES", 2025, ""),
    ("Presented at ICASSP 2026, Barcelona", "ICASSP", 2026, ""),
    ("ICIP 2025, IEEE International Conference on Image Processing", "ICIP", 2025, ""),
    ("To be published in KDD 2026", "KDD", 2026, ""),
    ("Submitted to and accepted by RSS 2025", "RSS", 2025, ""),
    ("Submitted to INLG 2025 (accepted)", "INLG", 2025, ""),
    ("LREC-COLING 2024", "LREC", 2024, ""),
    ("IJCNLP-AACL 2025 Main", "IJCNLP", 2025, ""),
    ("AACL-IJCNLP 2022", "AACL", 2022, ""),
    ("Accepted at UAI 2025; code will be released once the paper is published", "UAI", 2025, ""),
    ("Accepted by ICRA", "ICRA", None, ""),
    ("Early accepted by MICCAI 2025", "MICCAI", 2025, ""),
    ("This is an early version of a paper accepted at MICCAI 2025", "MICCAI", 2025, ""),
    ("Full version of the COLT 2025 paper, with proofs", "COLT", 2025, ""),
    ("Extended version of the paper accepted at AAAI 2026, with a technical appendix", "AAAI", 2026, ""),
    # how it is presented
    ("Accepted at ICCV 2025 (oral)", "ICCV", 2025, "Oral"),
    ("CVPR'26 Highlight", "CVPR", 2026, "Highlight"),
    ("NeurIPS 2025 Spotlight", "NeurIPS", 2025, "Spotlight"),
    ("ICLR 2026 (Poster)", "ICLR", 2026, "Poster"),
    ("Oral at CoRL 2025", "CoRL", 2025, "Oral"),
    ("Accepted to AAAI 2026 as an oral presentation", "AAAI", 2026, "Oral"),
    ("CVPR 2026. Selected as Highlight", "CVPR", 2026, "Highlight"),
    ("ICML 2025 poster, selected for oral presentation", "ICML", 2025, "Oral"),
    ("Accepted to ICDAR 2025. Experiments on oral cancer images", "ICDAR", 2025, ""),
]  # fmt: skip


@pytest.mark.parametrize(("comment", "venue", "year", "status"), MAIN)
def test_main_conferences_with_year_and_presentation(comment: str, venue: str, year: int, status: str) -> None:
    assert read(comment) == (venue, year, status, "main")


# ---- workshops, findings, tracks, journals ----------------------------------------------------------------------------

WORKSHOP_PAPERS = [
    ("NeurIPS 2025 Workshop on Meadow Learning", "NeurIPS", 2025),
    ("Accepted at the Meadow Workshop at ICML 2025", "ICML", 2025),
    ("Meadow Workshop @ CVPR 2026", "CVPR", 2026),
    ("Accepted to CVPRW 2026", "CVPR", 2026),
    ("ICCVW'25", "ICCV", 2025),
    ("Accepted at CVPR-W 2026", "CVPR", 2026),
    ("Accepted to Grass4Health at NAACL 2025", "NAACL", 2025),
    ("Grass@ICCV 2025", "ICCV", 2025),
    ("Accepted at ECCV 2024 (Grass4CV Workshop)", "ECCV", 2024),
    ("Methods for Small Meadows (MOSM), ICML 2025", "ICML", 2025),
    ("Accepted to Methods for Small Meadows (MOSM), ICML 2025, Vancouver", "ICML", 2025),
    ("NAACL SRW 2025", "NAACL", 2025),
    ("Presented at the Grass Workshop 2025 @ EMNLP", "EMNLP", 2025),
    ("Accepted at AAAI 2026 ws", "AAAI", 2026),
    ("Accepted to ACL WOAH 2025", "ACL", 2025),
    ("Accepted to the ACL 2026 Student Research Workshop", "ACL", 2026),
    ("MICCAI Workshop on Grassland Imaging 2025", "MICCAI", 2025),
    ("IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops (CVPRW), 2026", "CVPR", 2026),
    ("Accepted to BEA 2025, co-located with ACL 2025", "ACL", 2025),
    ("TrustNLP@NAACL25", "NAACL", 2025),
    ("Accepted by AAAI 2026 Bridge Program on Grass", "AAAI", 2026),
    ("Accepted to ICCV 2025, Honolulu. 2nd Workshop on Grass", "ICCV", 2025),
    ("Accepted at ICML 2025 workshop, extended version under review at NeurIPS 2025", "ICML", 2025),
    ("Workshop version accepted at the ICLR 2026 Workshop on Grass; main paper submitted to KDD 2026", "ICLR", 2026),
    ("A short version of this paper was accepted at the ICML 2025 Workshop on Grass", "ICML", 2025),
]  # fmt: skip


@pytest.mark.parametrize(("comment", "venue", "year"), WORKSHOP_PAPERS)
def test_workshops_go_by_their_host(comment: str, venue: str, year: int) -> None:
    assert read(comment) == (venue, year, "workshop", "workshop")


OTHER_TRACKS = [
    ("Oral at the ICML 2025 Workshop on Grass", ("ICML", 2025, "workshop: Oral", "workshop")),
    ("Spotlight at the Meadow workshop, ICLR 2026", ("ICLR", 2026, "workshop: Spotlight", "workshop")),
    ("Accepted to the BEA 2025 workshop", ("BEA", 2025, "workshop", "workshop")),
    ("EMNLP 2025 Findings", ("Findings", 2025, "Findings of EMNLP 2025", "findings")),
    ("Accepted to Findings of ACL 2026", ("Findings", 2026, "Findings of ACL 2026", "findings")),
    ("ACL2025 (Findings), 9 pages", ("Findings", 2025, "Findings of ACL 2025", "findings")),
    ("ACL Findings", ("Findings", None, "Findings of ACL", "findings")),
    ("Findings of the Association for Computational Linguistics: NAACL 2025",
     ("Findings", 2025, "Findings of NAACL 2025", "findings")),
    ("To appear in Findings of the 63rd Annual Meeting of the Association for Computational Linguistics (ACL 2025)",
     ("Findings", 2025, "Findings of ACL 2025", "findings")),
    ("CVPR 2026 Findings", ("CVPR", 2026, "Findings", "findings")),
    ("Accepted to the CVPR Findings Track 2026", ("CVPR", 2026, "Findings", "findings")),
    ("NeurIPS 2025 Datasets and Benchmarks Track", ("NeurIPS", 2025, "Datasets and Benchmarks Track", "datasets and benchmarks")),
    ("NeurIPS 2025 D&B Track (Spotlight)",
     ("NeurIPS", 2025, "Datasets and Benchmarks Track Spotlight", "datasets and benchmarks")),
    ("Accepted to the EMNLP 2025 Industry Track", ("EMNLP", 2025, "Industry Track", "industry")),
    ("ACL 2025 System Demonstration", ("ACL", 2025, "Demo", "demo")),
    ("EMNLP 2025 demo track", ("EMNLP", 2025, "Demo", "demo")),
    ("EMNLP 2025. Demo video: https://example.org/v", ("EMNLP", 2025, "", "main")),
    ("ICML 2025 Position Paper Track", ("ICML", 2025, "Position Paper Track", "position")),
    ("AAAI 2026 Student Abstract", ("AAAI", 2026, "Student Abstract", "student abstract")),
    ("AAMAS 2026 Doctoral Consortium", ("AAMAS", 2026, "Doctoral Consortium", "doctoral consortium")),
    ("Accepted to KDD 2025 ADS track", ("KDD", 2025, "Applied Data Science Track", "applied data science")),
    ("Accepted by AAAI 2026 (AISI)", ("AAAI", 2026, "AI for Social Impact Track", "social impact")),
    ("CHI 2025 LBW", ("CHI", 2025, "Late-Breaking Work", "late-breaking")),
    ("SIGGRAPH Asia 2025 (journal track)", ("SIGGRAPH Asia", 2025, "Journal Track", "journal")),
    ("Companion Proceedings of the ACM Web Conference 2025", ("WWW", 2025, "Companion", "companion")),
    ("Published in Transactions on Machine Learning Research (10/2025)", ("TMLR", 2025, "", "journal")),
    ("TMLR 2026, with Survey Certification", ("TMLR", 2026, "Survey Certification", "journal")),
    ("IEEE TPAMI 2025", ("TPAMI", 2025, "", "journal")),
    ("Accepted by IEEE T-PAMI", ("TPAMI", None, "", "journal")),
    ("IEEE Transactions on Image Processing", ("TIP", None, "", "journal")),
    ("Accepted to IEEE Transactions on Pattern Analysis & Machine Intelligence (TPAMI)", ("TPAMI", None, "", "journal")),
    ("To appear in IEEE Robotics and Automation Letters, 2026", ("RA-L", 2026, "", "journal")),
    ("Accepted for publication in Neurocomputing", ("Neurocomputing", None, "", "journal")),
    ("Published in Pattern Recognition", ("PR", None, "", "journal")),
    ("Accepted by Medical Image Analysis. 20 pages", ("MedIA", None, "", "journal")),
    ("Accepted to TACL; pre-MIT Press version", ("TACL", None, "", "journal")),
    ("Extension of our CVPR 2024 paper, accepted by TPAMI", ("TPAMI", None, "", "journal")),
    ("Accepted to the ACM Transactions on Graphics (SIGGRAPH 2025)", ("SIGGRAPH", 2025, "", "main")),
    ("Accepted at ICLR 2026. Also presented at the NeurIPS 2025 Workshop on Grass", ("ICLR", 2026, "", "main")),
    ("Presented at the NeurIPS 2025 Workshop on Grass; accepted to ICLR 2026 (Oral)", ("ICLR", 2026, "Oral", "main")),
    ("CVPR 2026 Findings. To appear in the IEEE/CVF Conference on Computer Vision and Pattern Recognition 2026",
     ("CVPR", 2026, "Findings", "findings")),
]  # fmt: skip


@pytest.mark.parametrize(("comment", "expected"), OTHER_TRACKS)
def test_tracks_journals_and_the_strongest_of_several(comment: str, expected: tuple[str, int | None, str, str]) -> None:
    assert read(comment) == expected


# ---- what claims nothing ----------------------------------------------------------------------------------------------

NOTHING = [
    "",
    "12 pages, 5 figures",
    "Preprint",
    "Under review",
    "Submitted to NeurIPS 2025",
    "submitted to icassp 2026",
    "Sumbitted to ICASSP 2026",
    "Subbmitted to ICASSP 2026",
    "To be submitted to AAAI-26",
    "Submitting to CVPR 2026",
    "ICLR 2026 submission",
    "Preprint. ICML 2026 (under review)",
    "ICML 2026, under review",
    "Under review, MICCAI 2026",
    "Under review as a conference paper at ICLR 2026",
    "Currently under double-blind review at KDD 2026",
    "In submission at COLM 2026",
    "Submitted to IEEE Transactions on Medical Imaging",
    "Submitted for publication in the proceedings of ECAI 2025",
    "This work has been submitted to the IEEE for possible publication",
    "Paper under consideration at Pattern Recognition Letters",
    "Under minor revision in TPAMI",
    "Rejected by CVPR 2026",
    "ICML 2025 (rejected)",
    "Not accepted at ICML 2025",
    "This paper has been withdrawn. It was accepted at AAAI 2025",
    "In preparation for ICRA 2027",
    "Planned for NeurIPS 2026",
    "Written as per the requirements of CVPR 2026",
    "9 pages, NeurIPS 2024 format",
    "11 pages, ACL template",
    "IEEE conference format",
    "Extended version of our CVPR 2025 paper",
    "Journal extension of ECCV 2024",
    "This is an extension of a paper accepted at ICCV 2023",
    "Supplementary material for our ICCV 2025 paper",
    "Code for the CVPR 2025 challenge",
    "Winner of the CVPR 2025 Grass Challenge",
    "Technical report for the Grass 2026 Challenge (CVPR 2026 Workshops), 4th place",
    "1st place solution of the grass track, ICCV 2025 Challenge",
    "A baseline for the NeurIPS 2025 competition",
    "KDD Cup 2025",
    "Tutorial at ACL 2025",
    "Builds on our ICLR 2024 work",
    "A preliminary version appeared in AAMAS 2025",
    "Part of this work was published at NeurIPS 2023",
    "Reproducibility study of MeadowNet (CVPR 2024)",
    "This work was presented in part at ISIT 2025",
    "An earlier version was published at ICML 2024",
    "A short version was published in the proceedings of AAMAS 2026",
    "Builds upon and extends our earlier conference paper GrassNet presented at CVPR 2024",
    "IEEE International Conference on Systems, Man, and Cybernetics 2025. (SMC), under review",
    "Under review at ICML 2026. ICML 2026",
    "The data will be released once the paper is accepted at ICML",
    "Evaluated on ICDAR 2019 images",
    "To appear in the ACL Anthology",
    "Submitted to ACL ARR 2026 January",
    "The camera needs 10 mm of clearance and a case for the date 2025",
    "Our method is accepted as a case in medicine and nature",
    "6th International Conference on Computer Vision, Image and Deep Learning",
    "International Conference on Machine Learning Technologies (ICMLT 2025)",
    "see https://cvpr.thecvf.com/virtual/2025/poster/1",
]  # fmt: skip


@pytest.mark.parametrize("comment", NOTHING)
def test_what_is_not_accepted_or_another_papers_claims_nothing(comment: str) -> None:
    assert fate(comment) is None


@pytest.mark.parametrize(
    ("comment", "award"),
    [
        ("CVPR 2026 (Best Paper Award)", "Best Paper"),
        ("Accepted at ICDAR 2025. Best Student Paper", "Best Student Paper"),
        ("EMNLP 2025, Outstanding Paper Award", "Outstanding Paper"),
        ("Accepted to CVPR 2025 as Award Candidate & Oral Presentation", "Best Paper Candidate"),
        ("ICRA 2025, Best Paper Finalist", "Best Paper Finalist"),
        ("ICLR 2026 Oral (Best Paper Honorable Mention)", "Best Paper Honorable Mention"),
        ("ICCV 2025, Best Student Paper Runner-Up Award", "Best Student Paper Runner-up"),
        ("ICCV 2025", ""),
    ],
)
def test_awards(comment: str, award: str) -> None:
    found = fate(comment)
    assert found is not None
    assert found.award == award


# ---- journal references -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("Proceedings of the 42nd International Conference on Machine Learning, PMLR 267:1-9, 2025", ("ICML", 2025, "", "main")),
        ("IEEE Robotics and Automation Letters, vol. 10, no. 3, pp. 1-8, 2025", ("RA-L", 2025, "", "journal")),
        ("Advances in Neural Information Processing Systems 37 (2024)", ("NeurIPS", 2024, "", "main")),
        ("Proceedings of the AAAI Conference on Artificial Intelligence, 39(5), 2025", ("AAAI", 2025, "", "main")),
        ("Proc. Interspeech 2025, 123-127", ("Interspeech", 2025, "", "main")),
        ("Findings of the Association for Computational Linguistics: EMNLP 2025, pages 1-9",
         ("Findings", 2025, "Findings of EMNLP 2025", "findings")),
        ("ECCV 2024 Workshops. Lecture Notes in Computer Science, vol 15640", ("ECCV", 2024, "workshop", "workshop")),
        ("Pattern Recognition 160 (2025) 111", ("PR", 2025, "", "journal")),
        ("Proceedings of the IEEE 113 (2025) 1-20", ("Proceedings of the IEEE", 2025, "", "journal")),
        ("Journal of Meadow Studies, vol. 12, no. 3, pp. 1-10, 2025", ("Journal of Meadow Studies", 2025, "", "journal")),
        ("J. Mead. Stud. 12 (2007), no. 2, 1-10", ("J. Mead. Stud", 2007, "", "journal")),
        ("Mead.Stud.J.663:1149-1173,2007", ("Mead.Stud.J", 2007, "", "journal")),
        ("In: Example, A. (eds) Advances in Meadows. 2024. Springer", ("Advances in Meadows", 2024, "", "journal")),
        ("International Meadow Conference (IMC2 2025), pp. 1-9", ("International Meadow Conference", 2025, "", "main")),
    ],
)  # fmt: skip
def test_references(reference: str, expected: tuple[str, int | None, str, str]) -> None:
    assert read("", reference) == expected


@pytest.mark.parametrize("reference", ["arXiv:2501.00001", "submitted to Journal of Meadows", "???", "12 (2025) 1"])
def test_references_that_name_no_venue(reference: str) -> None:
    assert fate("", reference) is None
    assert read("CVPR 2026", reference) == ("CVPR", 2026, "", "main")


def test_a_reference_comes_before_the_comment_which_adds_to_it() -> None:
    cvpr = "Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR), 2026, pp. 1-9"
    assert read("Accepted at CVPR (Oral)", cvpr) == ("CVPR", 2026, "Oral", "main")
    assert read("Submitted to NeurIPS 2025", cvpr) == ("CVPR", 2026, "", "main")
    assert read("NeurIPS 2025 Workshop on Grass", cvpr) == ("CVPR", 2026, "", "main")
    # a name that nothing knows does not replace one that sources know
    assert read("Accepted at Interspeech 2025", "Meadow Archive 4 (2025)") == ("Interspeech", 2025, "", "main")


def test_a_bare_name_of_an_old_edition_must_stand_alone() -> None:
    first = date(2026, 3, 1)
    assert read("CVPR 2019", not_before=first) == ("CVPR", 2019, "", "main")
    assert read("Published at CVPR 2019 with grass", not_before=first) == ("CVPR", 2019, "", "main")
    assert read("CVPR 2019 grass images", not_before=first) is None
    assert read("CVPR 2025 grass images", not_before=first) == ("CVPR", 2025, "", "main")


def test_evidence_is_the_sentence_that_was_read() -> None:
    found = fate("12 pages. Accepted at ICCV 2025 (oral). Code is public.")
    assert found == Fate(venue="ICCV", year=2025, status="Oral", evidence="Accepted at ICCV 2025 (oral)")
    long = fate(f"{'grass, ' * 60}accepted at ICCV 2025 {'and grass ' * 60}")
    assert long is not None
    assert len(long.evidence) <= MAX_EVIDENCE
    assert "ICCV 2025" in long.evidence


# ---- the table, and hostile text --------------------------------------------------------------------------------------


def test_every_venue_is_found_by_its_own_name() -> None:
    for venue in (*CONFERENCES, *JOURNALS, *WORKSHOPS):
        found = [m.venue for m in venue_mentions(f"Accepted at {venue} 2025")]
        assert found == [venue], venue


def test_every_venue_is_found_by_its_other_names() -> None:
    for venue, names in (CONFERENCES | JOURNALS | WORKSHOPS).items():
        for name in filter(None, names.split(" | ")):
            if name != "Oakland":  # a town, where nothing else is said
                assert [m.venue for m in venue_mentions(f"In {name} 2025")][:1] == [venue], name


def test_one_comment_is_read_for_each_paper_by_its_own_year() -> None:
    years = [2020, 2025, 2020]
    found = [read("CVPR 2019 grass images", not_before=date(year, 5, 1)) for year in years]
    assert found == [("CVPR", 2019, "", "main"), None, ("CVPR", 2019, "", "main")]


def test_the_longest_name_counts() -> None:
    text = "International Conference on Computer Vision and Pattern Recognition, SIGGRAPH Asia, ACM MM Asia, ICMLA"
    assert [m.venue for m in venue_mentions(text)] == ["CVPR", "SIGGRAPH Asia", "MMAsia", "ICMLA"]


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_text_is_read(comment: str, reference: str) -> None:
    found = fate(comment, reference)
    assert found is None or (found.venue and len(found.evidence) <= MAX_EVIDENCE)


WORDS = ("accepted", "CVPR", "2026", "ICML", "workshop", "submitted", "to", "at", "@", "(", ")", ".", ",", "Findings", "of", "ACL",
         "oral", "extended version of", "BEA", "TPAMI", "and", "in", "'25", "best paper", "\u202e", "TOG", "track")  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_any_mixture_of_the_words_is_read(words: list[str]) -> None:
    known = {*CONFERENCES, *JOURNALS, *WORKSHOPS, "Findings"}
    found = fate(" ".join(words))
    assert found is None or found.venue in known


@pytest.mark.parametrize("word", [*WORDS, "CVPR ICML ", "a-", "at the 2025 IEEE/", "\n", "x", "workshop @ CVPR 2026, "])
def test_huge_text_is_read(word: str) -> None:
    text = f"{word} " * (100_000 // (len(word) + 1))
    found = fate(text, text)
    assert found is None or len(found.venue) <= 120


# ---- the real comments ------------------------------------------------------------------------------------------------


@pytest.mark.shared
def test_the_real_comments_make_sane_claims(shared: Path) -> None:
    known = {*CONFERENCES, *JOURNALS, *WORKSHOPS, "Findings"}
    comments = claims = waiting = 0
    with gzip.open(shared / "papers" / "arxiv.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            paper = json.loads(line)
            comment = paper.get("comment") or ""
            number = re.match(r"(\d\d)(\d\d)\.", paper["id"])
            first = date(2000 + int(number[1]), int(number[2]), 1) if number else None
            found = fate(comment, not_before=first)
            comments += bool(comment)
            if found is None:
                continue
            claims += 1
            waiting += comment.lower().startswith(("submitted to", "under review"))
            assert found.venue in known
            assert found.year is None or 1980 <= found.year <= 2039
            assert found.evidence
    assert comments == 28_747
    assert 11_000 <= claims <= 11_700
    assert waiting <= 20
