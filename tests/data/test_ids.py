"""Paper ids: tables of real-looking URLs per place, what is no id, round trips, hostile texts."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import MalformedId
from data.ids import SCHEMES, PaperId, arxiv_id, arxiv_version, find_ids, parse_id, unwrap, url_of

SHARED = Path(__file__).parents[2].parent / "shared"

CLIP = "pmlr:v139/radford21a"
GNN = "cvf:CVPR2019/Li_Finding_Task-Relevant_Features_CVPR_2019_paper"
HEX = "3f5ee243547dee91fbd053c1c4a845aa"

ARXIV = {
    # new style, bare and labelled
    "2107.05580": "arxiv:2107.05580",
    "2107.05580v2": "arxiv:2107.05580",
    "2107.05580v2.pdf": "arxiv:2107.05580",
    "0704.0001": "arxiv:0704.0001",
    "1412.6980v9": "arxiv:1412.6980",
    "1501.00001": "arxiv:1501.00001",
    "arxiv:2107.05580v2": "arxiv:2107.05580",
    "arXiv:2107.05580": "arxiv:2107.05580",
    "ARXIV: 2107.05580": "arxiv:2107.05580",
    "arXiv：2107.05580": "arxiv:2107.05580",
    "arXiv 2107.05580": "arxiv:2107.05580",
    "arXiv preprint arXiv:2107.05580": None,  # two words of the sentence, see find_ids
    "arXiv:2107.05580v2 [cs.LG]": "arxiv:2107.05580",
    "arXiv:2107.05580v2 [cs.LG] 12 Jul 2021": "arxiv:2107.05580",
    "[2107.05580] CMT in TREC-COVID Round 2": "arxiv:2107.05580",
    "[2107.05580v1]": "arxiv:2107.05580",
    "oai:arXiv.org:2107.05580": "arxiv:2107.05580",
    "info:arxiv/2107.05580": "arxiv:2107.05580",
    # old style
    "hep-th/9901001": "arxiv:hep-th/9901001",
    "math.GT/0309136": "arxiv:math/0309136",
    "cs.LG/0309136v3": "arxiv:cs/0309136",
    "cond-mat.str-el/0309136": "arxiv:cond-mat/0309136",
    "MATH/0309136": "arxiv:math/0309136",
    "oai:arXiv.org:hep-th/9901001": "arxiv:hep-th/9901001",
    "cmp-lg/9404001": "arxiv:cmp-lg/9404001",
    # arxiv.org
    "https://arxiv.org/abs/2107.05580": "arxiv:2107.05580",
    "http://arxiv.org/abs/math/0309136v2": "arxiv:math/0309136",
    "https://arxiv.org/abs/math.GT/0309136": "arxiv:math/0309136",
    "https://arxiv.org/abs/hep-th%2F9901001": "arxiv:hep-th/9901001",
    "https://arxiv.org/abs/arXiv:2107.05580": "arxiv:2107.05580",
    "https://arxiv.org/abs/2107.05580v3?utm_source=x&utm_medium=y#comments": "arxiv:2107.05580",
    "https://arxiv.org/abs/2107.05580?context=cs.LG&amp;ref=hackernoon": "arxiv:2107.05580",
    "https://www.arxiv.org/pdf/2107.05580": "arxiv:2107.05580",
    "https://arxiv.org/pdf/2107.05580.pdf": "arxiv:2107.05580",
    "https://arxiv.org/pdf/2107.05580v2.pdf#page=3": "arxiv:2107.05580",
    "https://arxiv.org/pdf/cs/0309136v1": "arxiv:cs/0309136",
    "https://arxiv.org/html/2407.20633v2#S3.F1": "arxiv:2407.20633",
    "https://arxiv.org/html/2407.20633v2/x1.png": "arxiv:2407.20633",
    "https://browse.arxiv.org/html/2407.20633": "arxiv:2407.20633",
    "https://arxiv.org/format/2107.05580": "arxiv:2107.05580",
    "https://arxiv.org/ps/hep-th/9901001": "arxiv:hep-th/9901001",
    "https://arxiv.org/e-print/2107.05580": "arxiv:2107.05580",
    "https://arxiv.org/src/2107.05580v1/anc/data.csv": "arxiv:2107.05580",
    "https://arxiv.org/ftp/arxiv/papers/2107/2107.05580.pdf": "arxiv:2107.05580",
    "https://arxiv.org/ftp/math/papers/0309/0309136.pdf": "arxiv:math/0309136",
    "http://arxiv.org/PS_cache/arxiv/pdf/0704/0704.0001v1.pdf": "arxiv:0704.0001",
    "http://arxiv.org/PS_cache/hep-th/pdf/9901/9901001v1.pdf": "arxiv:hep-th/9901001",
    "arxiv.org/abs/2107.05580": "arxiv:2107.05580",
    "//arxiv.org/abs/2107.05580": "arxiv:2107.05580",
    "HTTPS://ARXIV.ORG/ABS/2107.05580": "arxiv:2107.05580",
    "https://arxiv.org:443/abs/2107.05580": "arxiv:2107.05580",
    "https%3A%2F%2Farxiv.org%2Fabs%2F2107.05580": "arxiv:2107.05580",
    "<https://arxiv.org/abs/2107.05580>": "arxiv:2107.05580",
    "(https://arxiv.org/abs/2107.05580).": "arxiv:2107.05580",
    " 《https://arxiv.org/abs/2107.05580》。 ": "arxiv:2107.05580",
    # mirrors and readers
    "http://export.arxiv.org/abs/2107.05580v1": "arxiv:2107.05580",
    "http://de.arxiv.org/abs/hep-th/9901001": "arxiv:hep-th/9901001",
    "http://xxx.lanl.gov/abs/hep-th/9901001": "arxiv:hep-th/9901001",
    "https://ar5iv.org/abs/2107.05580": "arxiv:2107.05580",
    "https://ar5iv.labs.arxiv.org/html/2107.05580": "arxiv:2107.05580",
    "https://www.alphaxiv.org/abs/2107.05580v1": "arxiv:2107.05580",
    "https://alphaxiv.org/zh/overview/2107.05580": "arxiv:2107.05580",
    "https://alphaxiv.org/pdf/2107.05580": "arxiv:2107.05580",
    "https://huggingface.co/papers/2107.05580": "arxiv:2107.05580",
    "https://huggingface.co/papers/2107.05580#64f0a": "arxiv:2107.05580",
    "https://huggingface.co/api/papers/2107.05580": "arxiv:2107.05580",
    "https://hf.co/papers/2107.05580": "arxiv:2107.05580",
    "https://www.semanticscholar.org/arxiv/2107.05580": "arxiv:2107.05580",
    "https://api.semanticscholar.org/graph/v1/paper/ARXIV:2107.05580?fields=title": "arxiv:2107.05580",
    "https://scirate.com/arxiv/2107.05580": "arxiv:2107.05580",
    "https://scirate.com/arxiv/hep-th/9901001": "arxiv:hep-th/9901001",
    "https://www.arxiv-vanity.com/papers/2107.05580/": "arxiv:2107.05580",
    "https://papers.cool/arxiv/2107.05580": "arxiv:2107.05580",
    "https://www.emergentmind.com/papers/2107.05580": "arxiv:2107.05580",
    "https://ui.adsabs.harvard.edu/abs/arXiv:2107.05580": "arxiv:2107.05580",
    "https://dblp.org/rec/journals/corr/abs-2107-05580.html": "arxiv:2107.05580",
    # its DOIs
    "10.48550/arXiv.2107.05580": "arxiv:2107.05580",
    "https://doi.org/10.48550/arXiv.2107.05580v2": "arxiv:2107.05580",
    "https://doi.org/10.48550/arxiv.hep-th/9901001": "arxiv:hep-th/9901001",
    "https://api.crossref.org/works/10.48550%2FarXiv.2304.05376/transform/application/x-bibtex": "arxiv:2304.05376",
}

OPENREVIEW = {
    "openreview:B14TlG-RW": "openreview:B14TlG-RW",
    "OpenReview: B14TlG-RW": "openreview:B14TlG-RW",
    "https://openreview.net/forum?id=B14TlG-RW": "openreview:B14TlG-RW",
    "https://openreview.net/forum?id=B14TlG-RW&noteId=SkxyVv9gG": "openreview:B14TlG-RW",
    "https://openreview.net/forum?noteId=SkxyVv9gG&amp;id=B14TlG-RW": "openreview:B14TlG-RW",
    "http://www.openreview.net/pdf?id=B14TlG-RW": "openreview:B14TlG-RW",
    "https://openreview.net/attachment?id=05T81ScPFb&name=supplementary_material": "openreview:05T81ScPFb",
    "openreview.net/forum?id=-4IA4WgNAy4Wx": "openreview:-4IA4WgNAy4Wx",
    "https://openreview.net/forum?id=G0OapcfeK3g_R#reviews": "openreview:G0OapcfeK3g_R",
    "https://openreview.net/forum?id=S1E64jC9t-": "openreview:S1E64jC9t-",
    "openreview:https://openreview.net/forum?id=B14TlG-RW": "openreview:B14TlG-RW",
}

DOI = {
    "doi:10.1000/x": "doi:10.1000/x",
    "10.1109/CVPR.2016.90": "doi:10.1109/cvpr.2016.90",
    "DOI 10.1109/CVPR.2016.90": "doi:10.1109/cvpr.2016.90",
    "info:doi/10.1109/CVPR.2016.90": "doi:10.1109/cvpr.2016.90",
    "https://doi.org/10.1109/CVPR.2016.90": "doi:10.1109/cvpr.2016.90",
    "http://dx.doi.org/10.1109%2FCVPR.2016.90": "doi:10.1109/cvpr.2016.90",
    "https://doi.org/10.1109/CVPR.2016.90?utm_source=x#y": "doi:10.1109/cvpr.2016.90",
    "10.1109/CVPR.2016.90.": "doi:10.1109/cvpr.2016.90",
    "(doi:10.1016/0004-3702(94)00041-X)": "doi:10.1016/0004-3702(94)00041-x",
    "https://doi.org/10.1016/0004-3702(94)00041-X": "doi:10.1016/0004-3702(94)00041-x",
    "10.1023/A:1007154515475": "doi:10.1023/a:1007154515475",
    "10.1002/(SICI)1097-4636(199823)43:4<338::AID-JBM16>3.0.CO;2-B": (
        "doi:10.1002/(sici)1097-4636(199823)43:4<338::aid-jbm16>3.0.co;2-b"
    ),
    "https://doi.org/10.18653/v1/N04-1001": "doi:10.18653/v1/n04-1001",
    "https://dl.acm.org/doi/10.1145/2939672.2939778": "doi:10.1145/2939672.2939778",
    "https://dl.acm.org/doi/abs/10.1145/2939672.2939778": "doi:10.1145/2939672.2939778",
    "https://dl.acm.org/doi/pdf/10.1145/2939672.2939778?download=true": "doi:10.1145/2939672.2939778",
    "dl.acm.org/doi/fullHtml/10.1145/2939672.2939778": "doi:10.1145/2939672.2939778",
    "https://link.springer.com/chapter/10.1007/978-3-030-36808-1_42": "doi:10.1007/978-3-030-36808-1_42",
    "https://link.springer.com/article/10.1007/s10462-020-09825-6#Sec1": "doi:10.1007/s10462-020-09825-6",
    "https://link.springer.com/article/10.1186/1471-2148-11-4/fulltext.html": "doi:10.1186/1471-2148-11-4",
    "https://link.springer.com/content/pdf/10.1007%2Fs11538-018-0518-z.pdf": "doi:10.1007/s11538-018-0518-z",
    "https://onlinelibrary.wiley.com/doi/pdfdirect/10.1002/aisy.202100211": "doi:10.1002/aisy.202100211",
    "https://www.frontiersin.org/articles/10.3389/fnbot.2013.00021/full": "doi:10.3389/fnbot.2013.00021",
    "https://www.biorxiv.org/content/10.1101/2020.10.18.344135v1.full.pdf": "doi:10.1101/2020.10.18.344135",
    "https://journals.plos.org/plosone/article?id=10.1371/journal.pone.0002844": "doi:10.1371/journal.pone.0002844",
    "https://api.openalex.org/works/doi:10.1023%2Fa:1007154515475": "doi:10.1023/a:1007154515475",
    "https://pubs.aip.org/aip/jcp/article-pdf/doi/10.1063/1.4938384/15174088/235306_1_online.pdf": (
        "doi:10.1063/1.4938384"
    ),
    "https://www.nature.com/articles/nature24270": "doi:10.1038/nature24270",
    "https://www.nature.com/articles/s41586-020-2649-2.pdf": "doi:10.1038/s41586-020-2649-2",
    "https://www.nature.com/articles/323533a0?error=cookies": "doi:10.1038/323533a0",
    "https://www.nature.com/nature/journal/v550/n7676/full/nature24270.html": "doi:10.1038/nature24270",
    "https://www.ijcai.org/proceedings/2020/69": "doi:10.24963/ijcai.2020/69",
    "https://www.ijcai.org/proceedings/2020/0069.pdf": "doi:10.24963/ijcai.2020/69",
}

CVF = {
    GNN: GNN,
    "http://openaccess.thecvf.com/content_CVPR_2019/html/Li_Finding_Task-Relevant_Features_CVPR_2019_paper.html": GNN,
    "https://openaccess.thecvf.com/content_CVPR_2019/papers/Li_Finding_Task-Relevant_Features_CVPR_2019_paper.pdf": GNN,
    "openaccess.thecvf.com//content_CVPR_2019/papers/Li_Finding_Task-Relevant_Features_CVPR_2019_paper.pdf#page=2": GNN,
    # 2021 on
    "https://openaccess.thecvf.com/content/CVPR2025/html/Wang_VGGT_CVPR_2025_paper.html": (
        "cvf:CVPR2025/Wang_VGGT_CVPR_2025_paper"
    ),
    "https://openaccess.thecvf.com/content/ACCV2020/papers/Chang_TinyGAN_ACCV_2020_paper.pdf": (
        "cvf:ACCV2020/Chang_TinyGAN_ACCV_2020_paper"
    ),
    # until 2018 in lower case; ICCV 2017 in both
    "http://openaccess.thecvf.com/content_cvpr_2018/papers/Yang_Learning_Face_Age_CVPR_2018_paper.pdf": (
        "cvf:CVPR2018/Yang_Learning_Face_Age_CVPR_2018_paper"
    ),
    "https://openaccess.thecvf.com/content_iccv_2017/html/Bodla_Soft-NMS_--_Improving_ICCV_2017_paper.html": (
        "cvf:ICCV2017/Bodla_Soft-NMS_--_Improving_ICCV_2017_paper"
    ),
    "http://openaccess.thecvf.com/content_ICCV_2017/papers/Bodla_Soft-NMS_--_Improving_ICCV_2017_paper.pdf": (
        "cvf:ICCV2017/Bodla_Soft-NMS_--_Improving_ICCV_2017_paper"
    ),
    "https://openaccess.thecvf.com/content_cvpr_2015/html/Wu_P3.5P_Pose_Estimation_2015_CVPR_paper.html": (
        "cvf:CVPR2015/Wu_P3.5P_Pose_Estimation_2015_CVPR_paper"
    ),
    "https://www.cv-foundation.org/openaccess/content_cvpr_2016/html/He_Deep_Residual_Learning_CVPR_2016_paper.html": (
        "cvf:CVPR2016/He_Deep_Residual_Learning_CVPR_2016_paper"
    ),
    "http://www.cv-foundation.org//openaccess/content_iccv_2015/papers/Veeriah_Differential_ICCV_2015_paper.pdf": (
        "cvf:ICCV2015/Veeriah_Differential_ICCV_2015_paper"
    ),
    # workshops, in the five ways they were filed
    "https://openaccess.thecvf.com/content/CVPR2021W/ISIC/html/Groh_Evaluating_CVPRW_2021_paper.html": (
        "cvf:CVPR2021W/ISIC/Groh_Evaluating_CVPRW_2021_paper"
    ),
    "https://openaccess.thecvf.com/content_CVPRW_2020/papers/w40/Cubuk_Randaugment_CVPRW_2020_paper.pdf": (
        "cvf:CVPR2020W/w40/Cubuk_Randaugment_CVPRW_2020_paper"
    ),
    "http://openaccess.thecvf.com/content_ICCVW_2019/html/LPCV/Zemlyanikin_512KiB_ICCVW_2019_paper.html": (
        "cvf:ICCV2019W/LPCV/Zemlyanikin_512KiB_ICCVW_2019_paper"
    ),
    "http://openaccess.thecvf.com/content_cvpr_2018_workshops/papers/w9/DeTone_SuperPoint_CVPR_2018_paper.pdf": (
        "cvf:CVPR2018W/w9/DeTone_SuperPoint_CVPR_2018_paper"
    ),
    "https://openaccess.thecvf.com/content_cvpr_2018_workshops/w9/html/DeTone_SuperPoint_CVPR_2018_paper.html": (
        "cvf:CVPR2018W/w9/DeTone_SuperPoint_CVPR_2018_paper"
    ),
    "http://openaccess.thecvf.com/content_ICCV_2017_workshops/w9/html/Xiong_HSCNN_ICCV_2017_paper.html": (
        "cvf:ICCV2017W/w9/Xiong_HSCNN_ICCV_2017_paper"
    ),
    "https://www.cv-foundation.org/openaccess/content_iccv_2015_workshops/w11/papers/Rothe_DEX_ICCV_2015_paper.pdf": (
        "cvf:ICCV2015W/w11/Rothe_DEX_ICCV_2015_paper"
    ),
    "https://www.cv-foundation.org/openaccess/content_cvpr_workshops_2014/W17/papers/Zhang_A_2014_CVPR_paper.pdf": (
        "cvf:CVPR2014W/W17/Zhang_A_2014_CVPR_paper"
    ),
}

ECVA = {
    "ecva:ECCV2022/315_ECCV_2022_paper": "ecva:ECCV2022/315_ECCV_2022_paper",
    "https://www.ecva.net/papers/eccv_2022/papers_ECCV/html/315_ECCV_2022_paper.php": (
        "ecva:ECCV2022/315_ECCV_2022_paper"
    ),
    "ecva.net/papers/eccv_2020/papers_ECCV/html/5757_ECCV_2020_paper.php": "ecva:ECCV2020/5757_ECCV_2020_paper",
    "https://www.ecva.net/papers/eccv_2024/papers_ECCV/papers/08963.pdf": "ecva:ECCV2024/8963_ECCV_2024_paper",
    "https://www.ecva.net/papers/eccv_2024/papers_ECCV/html/8963_ECCV_2024_paper.php": (
        "ecva:ECCV2024/8963_ECCV_2024_paper"
    ),
    "https://www.ecva.net/papers/eccv_2018/papers_ECCV/papers/Yaojie_Liu_Face_De-spoofing_ECCV_2018_paper.pdf": (
        "ecva:ECCV2018/Yaojie_Liu_Face_De-spoofing_ECCV_2018_paper"
    ),
    # CVF keeps ECCV 2018 too, under the same names
    "http://openaccess.thecvf.com/content_ECCV_2018/html/Yaojie_Liu_Face_De-spoofing_ECCV_2018_paper.html": (
        "ecva:ECCV2018/Yaojie_Liu_Face_De-spoofing_ECCV_2018_paper"
    ),
}

NEURIPS = {
    f"neurips:2017/{HEX}": f"neurips:2017/{HEX}",
    f"https://proceedings.neurips.cc/paper_files/paper/2017/hash/{HEX}-Abstract.html": f"neurips:2017/{HEX}",
    f"https://papers.nips.cc/paper/2017/hash/{HEX}-Abstract.html": f"neurips:2017/{HEX}",
    f"https://papers.neurips.cc/paper/2017/file/{HEX}-Paper.pdf": f"neurips:2017/{HEX}",
    f"https://proceedings.neurips.cc/paper/2017/file/{HEX}-Supplemental.pdf": f"neurips:2017/{HEX}",
    f"https://proceedings.neurips.cc/paper_files/paper/2017/file/{HEX.upper()}-Bibtex.bib": f"neurips:2017/{HEX}",
    f"https://papers.nips.cc/paper_files/paper/2022/hash/{HEX}-Abstract-Conference.html": f"neurips:2022/{HEX}",
    f"https://papers.nips.cc/paper_files/paper/2022/file/{HEX}-Paper-Conference.pdf": f"neurips:2022/{HEX}",
    f"https://papers.nips.cc/paper_files/paper/2023/file/{HEX}-Paper-Datasets_and_Benchmarks.pdf": (
        f"neurips:2023/{HEX}-Datasets_and_Benchmarks"
    ),
    f"https://papers.nips.cc/paper_files/paper/2024/hash/{HEX}-Abstract-Datasets_and_Benchmarks_Track.html": (
        f"neurips:2024/{HEX}-Datasets_and_Benchmarks_Track"
    ),
    f"https://datasets-benchmarks-proceedings.neurips.cc/paper/2021/file/{HEX}-Paper-round1.pdf": (
        f"neurips:2021/{HEX}-round1"
    ),
    "https://papers.nips.cc/paper/7181-attention-is-all-you-need.pdf": "neurips:7181-attention-is-all-you-need",
    "http://papers.nips.cc/paper/7181-attention-is-all-you-need": "neurips:7181-attention-is-all-you-need",
    "http://papers.nips.cc/paper/7181-attention-is-all-you-need-supplemental.zip": (
        "neurips:7181-attention-is-all-you-need"
    ),
}

PMLR = {
    CLIP: CLIP,
    "https://proceedings.mlr.press/v139/radford21a.html": CLIP,
    "http://proceedings.mlr.press/v139/radford21a/radford21a.pdf": CLIP,
    "http://proceedings.mlr.press/v139/radford21a/radford21a-supp.pdf": CLIP,
    "proceedings.mlr.press/v139/radford21a": CLIP,
    "https://raw.githubusercontent.com/mlresearch/v235/main/assets/ma24e/ma24e.pdf": "pmlr:v235/ma24e",
    "https://github.com/mlresearch/v235/blob/main/assets/ma24e/ma24e.pdf": "pmlr:v235/ma24e",
    "http://jmlr.org/proceedings/papers/v37/ioffe15.html": "pmlr:v37/ioffe15",
    "http://www.jmlr.org/proceedings/papers/v37/ioffe15.pdf": "pmlr:v37/ioffe15",
    "http://jmlr.org/proceedings/papers/v9/glorot10a/glorot10a.pdf": "pmlr:v9/glorot10a",
    "https://proceedings.mlr.press/v29/Wang13b.html": "pmlr:v29/Wang13b",
    "https://proceedings.mlr.press/v25/guillame-bert12.html": "pmlr:v25/guillame-bert12",
    "https://proceedings.mlr.press/r0/pearl95a.html": "pmlr:r0/pearl95a",
}

ACL = {
    "acl:2021.naacl-main.208": "acl:2021.naacl-main.208",
    "acl:n04-1001": "acl:N04-1001",
    "https://aclanthology.org/2021.naacl-main.208/": "acl:2021.naacl-main.208",
    "https://aclanthology.org/2021.NAACL-main.208.pdf": "acl:2021.naacl-main.208",
    "https://aclanthology.org/2021.naacl-main.208v2.pdf": "acl:2021.naacl-main.208",
    "https://aclanthology.org/2021.naacl-main.208.mp4": "acl:2021.naacl-main.208",
    "https://aclanthology.org/N04-1001": "acl:N04-1001",
    "https://aclanthology.org/n04-1001.bib": "acl:N04-1001",
    "https://www.aclweb.org/anthology/J93-2004/": "acl:J93-2004",
    "http://www.aclweb.org/anthology/N/N04/N04-1001.pdf": "acl:N04-1001",
    "https://www.aclweb.org/anthology/papers/N/N18/N18-1202/": "acl:N18-1202",
    "https://aclanthology.org/anthology/P18-1001": "acl:P18-1001",
    "https://aclanthology.org/attachments/P18-1001.Notes.pdf": "acl:P18-1001",
    "http://aclanthology.info/papers/N18-1202/n18-1202": "acl:N18-1202",
    "https://aclanthology.coli.uni-saarland.de/papers/N18-1202/n18-1202": "acl:N18-1202",
    "https://aclanthology.org/P17-1001e1.pdf": "acl:P17-1001",
}

WRAPPED = {
    "http://scholar.google.com/scholar_url?url=https://arxiv.org/pdf/1912.02015&hl=en&sa=X&d=1&oi=scholaralrt": (
        "arxiv:1912.02015"
    ),
    "https://scholar.google.com.hk/scholar_url?hl=zh-CN&amp;url=http%3A%2F%2Farxiv.org%2Fabs%2F1912.02015&amp;sa=X": (
        "arxiv:1912.02015"
    ),
    "http://scholar.google.com/scholar_url?url=https://link.springer.com/chapter/10.1007/978-3-030-36808-1_42&hl=en": (
        "doi:10.1007/978-3-030-36808-1_42"
    ),
    "https://link.zhihu.com/?target=https%3A//arxiv.org/abs/2107.05580": "arxiv:2107.05580",
    "https://link.zhihu.com/?target=http%3A//openaccess.thecvf.com/content_cvpr_2018/papers/Hu_X_CVPR_2018_paper.pdf": (
        "cvf:CVPR2018/Hu_X_CVPR_2018_paper"
    ),
    "https://www.google.com/url?sa=t&url=https%3A%2F%2Fopenreview.net%2Fforum%3Fid%3DB14TlG-RW%26noteId%3Dx": (
        "openreview:B14TlG-RW"
    ),
    "https://www.google.de/url?q=https://arxiv.org/abs/2107.05580&sa=D": "arxiv:2107.05580",
    "https://l.facebook.com/l.php?u=https%3A%2F%2Farxiv.org%2Fabs%2F2107.05580%3Ffbclid%3Dx&h=AT1": "arxiv:2107.05580",
    "https://out.reddit.com/t3_x?url=https%3A%2F%2Farxiv.org%2Fabs%2F2107.05580&token=AQ": "arxiv:2107.05580",
    "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fdoi.org%2F10.1000%2Fx&data=05": "doi:10.1000/x",
    "https://urldefense.com/v3/__https://openreview.net/forum?id=B14TlG-RW__;!!Nmw4Hv0!x$": "openreview:B14TlG-RW",
    "https://web.archive.org/web/20190101000000*/https://arxiv.org/abs/2107.05580": "arxiv:2107.05580",
    "https://web.archive.org/web/2019/http:/arxiv.org/abs/2107.05580": "arxiv:2107.05580",
    "https://www.google.com/url?q=https://link.zhihu.com/?target=https%253A//arxiv.org/abs/2107.05580": (
        "arxiv:2107.05580"
    ),
}

SPELLINGS = ARXIV | OPENREVIEW | DOI | CVF | ECVA | NEURIPS | PMLR | ACL | WRAPPED

NO_IDS = [
    "",
    " ",
    "\x00",
    "hello",
    "1.2.3",
    "v1.2.3",
    "12345",
    "2199.12345",  # no such month
    "2100.12345",
    "0703.0001",  # the new style began a month later
    "1412.69801",  # five digits before 2015
    "1501.0001",  # four digits from 2015 on
    "2107.055801",
    "2107.00000",
    "3001.00001",
    "02107.05580",
    "foo/9901001",
    "hep-th/9913001",  # no such month
    "hep-th/0704001",  # the old style had ended
    "hep-th/990100",
    "arxiv:",
    "arxiv:abc",
    "doi:",
    "10.1000",
    "10.1000/",
    "10.1.1.708.6330",  # a CiteSeerX number
    "doi:10.1000/a b",
    "10.48550/arXiv",
    "10.48550/arXiv.9999.99999",
    "openreview:short",
    "openreview:",
    "unknown:2107.05580",
    "cvf:CVPR2019",
    "cvf:CVPR2019/x",
    "cvf:ICML2019/A_paper",
    "neurips:2017/3f5ee2",
    "acl:x",
    "https://",
    "http://[",
    "http://[::1",
    "https://arxiv.org/",
    "https://arxiv.org/list/cs.LG/2107",
    "https://arxiv.org/abs/2199.12345",
    "https://arxiv.org/a/lecun_y_1",
    "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
    "https://example.com/2107.05580",
    "https://notarxiv.com/abs/2107.05580",
    "https://arxiv.org.evil.example/abs/2107.05580",
    "https://huggingface.co/papers",
    "https://huggingface.co/papers?date=2024-05-01",
    "https://huggingface.co/datasets/x/2107.05580",
    "https://openreview.net/group?id=ICLR.cc/2021/Conference",
    "https://openreview.net/forum?id=",
    "https://openreview.net/forum?id=ICLR.cc/2021/Conference",
    "https://openreview.net/profile?id=~Yann_LeCun1",
    "https://openreview.net/references/pdf?id=B14TlG-RW",  # a revision's id, not the paper's
    "https://openreview.net/pdf/1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d.pdf",
    "https://openaccess.thecvf.com/CVPR2025?day=all",
    "https://openaccess.thecvf.com/content_cvpr_2018/CameraReady/1453.pdf",
    # names of supplements are cut shorter than those of papers
    "https://openaccess.thecvf.com/content/CVPR2021/supplemental/Meyer_An_Alternative_CVPR_2021_supplemental.pdf",
    "http://openaccess.thecvf.com/content_ECCVW_2018/papers/11133/Wang_ESRGAN_ECCVW_2018_paper.pdf",
    "https://openaccess.thecvf.com/content_CVPR_2019/html/w1/A_CVPR_2019_paper.html",
    "https://www.ecva.net/papers.php",
    "https://www.ecva.net/papers/eccv_2022/papers_ECCV/papers/136610001.pdf",
    "https://papers.nips.cc/paper_files/paper/2024",
    "https://nips.cc/virtual/2013/poster/4068",
    "https://proceedings.mlr.press/v139/",
    "https://proceedings.mlr.press/v139/index.html",
    "https://proceedings.mlr.press/v139/assets/bib/bibliography.bib",
    "https://jmlr.org/papers/v3/bengio03a.html",  # the journal, whose volumes are not PMLR's
    "https://github.com/mlresearch/v235",
    "https://aclanthology.org/volumes/2021.acl-long/",
    "https://aclanthology.org/people/y/yann-lecun/",
    "https://ieeexplore.ieee.org/document/845165/",
    "https://www.nature.com/articles",
    "https://www.ijcai.org/proceedings/2009",
    "https://scholar.google.com/scholar?q=arxiv",
    "https://link.zhihu.com/?target=https%3A//www.zhihu.com/question/1",
    "https://arxiv.org/abs/2107.05580 and https://arxiv.org/abs/2107.05581",
    "see arXiv:2107.05580 for more",
    "a" * 10_000,
]


@pytest.mark.parametrize(("text", "expected"), SPELLINGS.items())
def test_each_spelling_gives_the_one_id(text: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(MalformedId):
            parse_id(text)
        return
    assert str(parse_id(text)) == expected
    assert parse_id(text).scheme in SCHEMES


@pytest.mark.parametrize("expected", sorted({e for e in SPELLINGS.values() if e}))
def test_round_trip(expected: str) -> None:
    paper_id = parse_id(expected)
    assert str(paper_id) == expected
    assert parse_id(url_of(paper_id)) == paper_id
    assert find_ids(f"see <{url_of(paper_id)}>, and {url_of(paper_id)}.") == (paper_id,)
    assert PaperId(paper_id.scheme, paper_id.value) == paper_id


def test_every_scheme_is_in_the_tables() -> None:
    assert {parse_id(e).scheme for e in SPELLINGS.values() if e} == set(SCHEMES)


@pytest.mark.parametrize("text", NO_IDS)
def test_what_is_no_id_is_refused_with_the_text_kept(text: str) -> None:
    with pytest.raises(MalformedId) as caught:
        parse_id(text)
    assert caught.value.text == text


@pytest.mark.parametrize(
    ("paper_id", "url"),
    [
        ("arxiv:2107.05580", "https://arxiv.org/abs/2107.05580"),
        ("arxiv:math/0309136", "https://arxiv.org/abs/math/0309136"),
        ("openreview:B14TlG-RW", "https://openreview.net/forum?id=B14TlG-RW"),
        ("doi:10.1016/0004-3702(94)00041-x", "https://doi.org/10.1016/0004-3702(94)00041-x"),
        ("cvf:CVPR2019/A_paper", "https://openaccess.thecvf.com/content_CVPR_2019/html/A_paper.html"),
        ("cvf:CVPR2018/A_paper", "https://openaccess.thecvf.com/content_cvpr_2018/html/A_paper.html"),
        ("cvf:ICCV2017/A_paper", "https://openaccess.thecvf.com/content_ICCV_2017/html/A_paper.html"),
        ("cvf:ICCV2015/A_paper", "https://openaccess.thecvf.com/content_iccv_2015/html/A_paper.html"),
        ("cvf:WACV2020/A_paper", "https://openaccess.thecvf.com/content_WACV_2020/html/A_paper.html"),
        ("cvf:ACCV2020/A_paper", "https://openaccess.thecvf.com/content/ACCV2020/html/A_paper.html"),
        ("cvf:CVPR2026/A_paper", "https://openaccess.thecvf.com/content/CVPR2026/html/A_paper.html"),
        ("cvf:CVPR2021W/V/A_paper", "https://openaccess.thecvf.com/content/CVPR2021W/V/html/A_paper.html"),
        ("cvf:CVPR2020W/w1/A_paper", "https://openaccess.thecvf.com/content_CVPRW_2020/html/w1/A_paper.html"),
        ("cvf:CVPR2018W/w1/A_paper", "https://openaccess.thecvf.com/content_cvpr_2018_workshops/w1/html/A_paper.html"),
        ("cvf:ICCV2017W/w1/A_paper", "https://openaccess.thecvf.com/content_ICCV_2017_workshops/w1/html/A_paper.html"),
        ("cvf:ICCV2015W/w1/A_paper", "https://openaccess.thecvf.com/content_iccv_2015_workshops/w1/html/A_paper.html"),
        ("cvf:CVPR2015W/W1/A_paper", "https://openaccess.thecvf.com/content_cvpr_workshops_2015/W1/html/A_paper.html"),
        ("ecva:ECCV2024/4_paper", "https://www.ecva.net/papers/eccv_2024/papers_ECCV/html/4_paper.php"),
        (f"neurips:2017/{HEX}", f"https://proceedings.neurips.cc/paper_files/paper/2017/hash/{HEX}-Abstract.html"),
        (
            f"neurips:2022/{HEX}",
            f"https://proceedings.neurips.cc/paper_files/paper/2022/hash/{HEX}-Abstract-Conference.html",
        ),
        (
            f"neurips:2021/{HEX}-round2",
            f"https://datasets-benchmarks-proceedings.neurips.cc/paper_files/paper/2021/hash/{HEX}-Abstract-round2.html",
        ),
        ("pmlr:v139/radford21a", "https://proceedings.mlr.press/v139/radford21a.html"),
        ("acl:N04-1001", "https://aclanthology.org/N04-1001/"),
    ],
)
def test_url_of_opens_the_page(paper_id: str, url: str) -> None:
    assert url_of(parse_id(paper_id)) == url
    assert str(parse_id(url)) == paper_id


@pytest.mark.parametrize(
    ("scheme", "value"),
    [
        ("arxiv", "2107.05580v2"),
        ("arxiv", "math.GT/0309136"),
        ("arxiv", "1412.69801"),
        ("doi", "10.1000/X"),
        ("doi", "10.48550/arxiv.2107.05580"),
        ("doi", "10.1000/x."),
        ("acl", "n04-1001"),
        ("openreview", "a b"),
        ("cvf", "ECCV2018/A_ECCV_2018_paper"),
        ("neurips", f"2022/{HEX}-Conference"),
        ("hf", "2107.05580"),
        ("", ""),
    ],
)
def test_an_id_cannot_be_built_in_any_form_but_the_canonical_one(scheme: str, value: str) -> None:
    with pytest.raises(MalformedId):
        PaperId(scheme, value)


def test_ids_sort_hash_and_are_frozen() -> None:
    ids = [parse_id("doi:10.1000/x"), parse_id("arxiv:2107.05580"), parse_id("arxiv:0704.0001")]
    assert [str(i) for i in sorted(ids)] == ["arxiv:0704.0001", "arxiv:2107.05580", "doi:10.1000/x"]
    assert len({*ids, parse_id("https://arxiv.org/pdf/2107.05580v3")}) == 3
    with pytest.raises(AttributeError):
        ids[0].value = "x"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "value", "version"),
    [
        ("http://arxiv.org/abs/math/0309136v2", "math/0309136", 2),
        ("2107.05580", "2107.05580", None),
        ("https://arxiv.org/pdf/2107.05580v12.pdf", "2107.05580", 12),
        ("arXiv:2107.05580v3 [cs.LG]", "2107.05580", 3),
        ("A title. (arXiv:2107.05580v1 [cs.LG] UPDATED)", "2107.05580", 1),
        ("B Author, arXiv preprint arXiv:1912.02015, 2019", "1912.02015", None),
        ("https://doi.org/10.48550/arXiv.2107.05580v2", "2107.05580", 2),
        ("10.1109/CVPR.2016.90", None, None),
        ("doi:10.1109/x, later arXiv:2107.05580v4", "2107.05580", 4),
        ("nothing", None, None),
        ("x" * 20_000 + " arXiv:2107.05580v2", "2107.05580", 2),
    ],
)
def test_arxiv_id_and_version(text: str, value: str | None, version: int | None) -> None:
    assert arxiv_id(text) == value
    assert arxiv_version(text) == version


@pytest.mark.parametrize("url", ["https://arxiv.org/abs/2107.05580", "not a url", "", "https://www.google.com/url?q="])
def test_unwrap_leaves_other_urls_alone(url: str) -> None:
    assert unwrap(url) == url


def test_unwrap_gives_the_url_behind() -> None:
    inner = "https://example.org/post?a=1&b=2"
    assert unwrap("https://link.zhihu.com/?target=https%3A//example.org/post%3Fa%3D1%26b%3D2") == inner
    assert unwrap("https://web.archive.org/web/2020id_/https://example.org/post?a=1&b=2") == inner
    assert unwrap("https://www.google.com/url?q=javascript:alert(1)").startswith("https://www.google.com/")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no ids here", []),
        # in order, without doubles, whatever the spelling
        (
            "New: https://arxiv.org/abs/2107.05580v2 (code soon), see also doi:10.1109/CVPR.2016.90, 1412.6980 and "
            "[pdf](https://arxiv.org/pdf/2107.05580).",
            ["arxiv:2107.05580", "doi:10.1109/cvpr.2016.90", "arxiv:1412.6980"],
        ),
        (
            '<p>See <a href="https://openreview.net/forum?id=B14TlG-RW&amp;noteId=x">here</a> and '
            '<a href="http://www.aclweb.org/anthology/N04-1001">there</a></p>',
            ["openreview:B14TlG-RW", "acl:N04-1001"],
        ),
        ("&lt;a href=&quot;https://arxiv.org/abs/2107.05580&quot;&gt;x&lt;/a&gt;", ["arxiv:2107.05580"]),
        ("https://openreview.net/forum?noteId=y&notify=1&id=B14TlG-RW", ["openreview:B14TlG-RW"]),
        # Chinese text touches its ids
        ("论文：https://arxiv.org/abs/2107.05580，代码：https://github.com/x/y。", ["arxiv:2107.05580"]),
        ("论文地址arxiv.org/abs/2107.05580代码", ["arxiv:2107.05580"]),
        ("参见（arXiv：2107.05580）。", ["arxiv:2107.05580"]),
        ("编号2107.05580。", ["arxiv:2107.05580"]),
        # JSON and Markdown escapes
        ('{"u":"https:\\/\\/arxiv.org\\/abs\\/2107.05580\\n","v":"openreview.net/pdf?a=1\\u0026id=B14TlG-RW"}',
         ["arxiv:2107.05580", "openreview:B14TlG-RW"]),
        ("openaccess.thecvf.com/content\\_cvpr\\_2018/papers/Hu\\_X\\_CVPR\\_2018\\_paper.pdf",
         ["cvf:CVPR2018/Hu_X_CVPR_2018_paper"]),
        # glued together
        ("https://arxiv.org/abs/2107.05580,https://arxiv.org/abs/2107.05581", ["arxiv:2107.05580", "arxiv:2107.05581"]),
        ("(https://arxiv.org/abs/2107.05580)(http://arxiv.org/abs/1412.6980)", ["arxiv:2107.05580", "arxiv:1412.6980"]),
        ("10.1000/ahttps://doi.org/10.1000/b", ["doi:10.1000/a", "doi:10.1000/b"]),
        ("https://example.org/login?next=https://arxiv.org/abs/2107.05580", ["arxiv:2107.05580"]),
        # labels
        ("arXiv:2107.05580v2 [cs.LG], arXiv preprint arXiv:1912.02015", ["arxiv:2107.05580", "arxiv:1912.02015"]),
        ("hep-th/9901001 and math.GT/0309136.", ["arxiv:hep-th/9901001", "arxiv:math/0309136"]),
        ("openreview:B14TlG-RW, pmlr:v139/radford21a; acl:N04-1001.", ["openreview:B14TlG-RW", CLIP, "acl:N04-1001"]),
        ("<doi:10.1016/0004-3702(94)00041-X> (10.1000/x).", ["doi:10.1016/0004-3702(94)00041-x", "doi:10.1000/x"]),
        ("https://doi.org/10.48550/arXiv.2107.05580", ["arxiv:2107.05580"]),
        # numbers that only look like ids
        ("2104.1234 dollars", []),
        ("it cost $1412.6980 or €1501.00001, 1412.6980% more", []),
        ("version 1.2.3, 1501.00001.2, v1501.00001 and 1501.00001-beta", []),
        ("call +86-1501.00001 or 010-1412.6980", []),
        ("x=1412.6980, 3,1501.00001 and 1412.6980,5", []),
        ("1501.000012 11501.00001 1501.00001abc", []),
        ("files/2107.05580/x and 2107.05580.pdf", []),
        ("3.1415.9265", []),
        # prose after a scheme's name
        ("OpenReview: https://openreview.net/forum?id=B14TlG-RW", ["openreview:B14TlG-RW"]),
        ("openreview:https://openreview.net/forum?id=B14TlG-RW", ["openreview:B14TlG-RW"]),
        ("openreview:discussion acl:main neurips:2020", []),
        ("https://notarxiv.org/abs/2107.05580 evil-arxiv.org/abs/2107.05580", []),
        ("mail me@arxiv.org/abs", []),
        # a DOI cut at "<" would name a whole issue
        ("10.1002/(SICI)1097-4636(199823)43:4<338::AID-JBM16>3.0.CO;2-B", []),
    ],
)  # fmt: skip
def test_find_ids(text: str, expected: list[str]) -> None:
    assert [str(i) for i in find_ids(text)] == expected


def test_find_ids_finds_each_url_of_the_tables_in_a_sentence() -> None:
    for text, expected in SPELLINGS.items():
        if "://" in text[:8] and expected:
            assert [str(i) for i in find_ids(f'read <a href="{text}">it</a>')] == [expected], text
            assert [str(i) for i in find_ids(f"读（{text}），")] == [expected], text


# --- hostile texts ----------------------------------------------------------------------------------------------------

PIECES = [*SPELLINGS, *(text for text in NO_IDS if len(text) < 200)]
PIECES += [
    "http://",
    "https://",
    "www.",
    "arxiv.org/",
    "_paper",
    ".pdf",
    "-supplemental",
    "-Conference",
    "?url=",
    "&amp;",
]
PIECES += ["%2F", "%00", "\\/", "\x00", "\ud800", "\u2028", "١٢٣٤.٥٦٧٨٩", "：", "。", "K", "10.", *"/.,()<>[]&?#%\\v2:"]
PIECES += [f"{scheme}:" for scheme in SCHEMES]
HOSTILE = st.one_of(
    st.text(), st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=12).map("".join)
)


@given(HOSTILE)
@settings(max_examples=600, deadline=None)
def test_no_text_raises_anything_but_malformed_id_and_every_id_found_is_canonical(text: str) -> None:
    unwrap(text)
    arxiv_id(text)
    arxiv_version(text)
    found = set(find_ids(text))
    with contextlib.suppress(MalformedId):
        found.add(parse_id(text))
    for paper_id in found:
        assert parse_id(str(paper_id)) == paper_id
        assert parse_id(url_of(paper_id)) == paper_id
        assert find_ids(url_of(paper_id)) == (paper_id,)


# units that made naive patterns or rescans quadratic
UNITS = [
    "http://",
    "https://a",
    "http://arxiv.org/abs/",
    "https://scholar.google.com/scholar_url?url=",
    "&url=http://x",
]
UNITS += ["https://link.zhihu.com/?target=https%3A//", "10.1000/", "10.1000.1", "1.1.", "2107.05580,", "2107.05580v"]
UNITS += [
    "arxiv:",
    "arxiv ",
    "arXiv preprint ",
    "hep-th/",
    "math.GT/",
    "acl:acl",
    "cvf:CVPR2019/",
    "openreview:",
    "_paper",
]
UNITS += ["/content_cvpr_2018/papers/", "openaccess.thecvf.com/content/CVPR2021/html/a_paper.html", "mlr.press/v1/a1a1"]
UNITS += [
    "/v1/a1",
    "a.",
    "a-",
    "a_",
    "](",
    "&amp;",
    "&amp",
    "&#",
    "%25",
    "\\/",
    "é",
    "。",
    "\x00",
    "\ud800",
    *"()<%\\ \n0/",
]


def calls(text: str) -> int:
    """How many Python and C functions a search of the text calls."""
    count = 0

    def tick(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(tick)
    try:
        find_ids(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("unit", UNITS)
def test_work_grows_with_the_length_not_with_its_square(unit: str) -> None:
    small, large = 500, 4000
    assert calls(unit * large) <= 2 * large / small * max(calls(unit * small), 100)


@pytest.mark.parametrize("unit", UNITS)
def test_a_long_run_of_anything_comes_to_an_end(unit: str) -> None:
    """No clock: what is quadratic in 200,000 characters (4 * 10^10 steps) shows by not ending."""
    text = unit * (200_000 // len(unit))
    find_ids(text)
    arxiv_id("arXiv:" + text)
    unwrap("https://www.google.com/url?q=https://" + text)
    with contextlib.suppress(MalformedId):
        parse_id("doi:10.1000/" + text)


# --- the real thing ---------------------------------------------------------------------------------------------------


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path


def test_every_paper_of_a_recorded_cvf_listing_has_an_id_of_its_own() -> None:
    listing = shared("recordings/cvf/CVPR2019_listing_openaccess_2019-06.html").read_text(encoding="utf-8")
    pages = re.findall(r'href="(http://openaccess\.thecvf\.com/content_CVPR_2019/html/[^"]+)"', listing)
    assert len(pages) == 1294
    assert len({parse_id(page) for page in pages}) == 1294
    assert all(url_of(parse_id(page)) == page.replace("http:", "https:") for page in pages)
    assert set(find_ids(listing)) == {parse_id(page) for page in pages}  # the PDF links are the same papers


def test_every_proceedings_page_of_a_known_scheme_has_an_id_of_its_own() -> None:
    known = {
        "proceedings.mlr.press",
        "aclanthology.org",
        "openaccess.thecvf.com",
        "papers.nips.cc",
        "www.ecva.net",
        "openreview.net",
    }
    seen: dict[PaperId, str] = {}
    parsed: Counter[str] = Counter()
    with gzip.open(shared("papers/proceedings.jsonl.gz"), "rt", encoding="utf-8") as lines:
        urls = {url for line in lines if (url := json.loads(line).get("url"))}
    for url in sorted(urls):
        host = urlsplit(url).hostname or ""
        if host in known:
            paper_id = parse_id(url)
            assert seen.setdefault(paper_id, url) == url
            assert parse_id(url_of(paper_id)) == paper_id
            parsed[host] += 1
    assert set(parsed) == known


def test_every_recorded_arxiv_id_is_canonical() -> None:
    with gzip.open(shared("papers/arxiv.jsonl.gz"), "rt", encoding="utf-8") as lines:
        ids = [json.loads(line)["id"] for line in lines]
    assert [arxiv_id(value) for value in ids] == ids
