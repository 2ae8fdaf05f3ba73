"""Scholar alert mails: exact records, subjects in both languages, forwarded and broken mails."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from crawler.source import SourceOff
from crawler.sources.scholar_alerts import (
    LARGEST_MAIL,
    ScholarAlertsSource,
    alert_name,
    from_config,
    parse_mail,
    read_byline,
)
from data.errors import ConfigError
from data.ids import PaperId
from data.records import BadRecord, MentionRecord, PaperRecord


def test_an_alert(fixture_bytes):
    outputs = list(parse_mail(fixture_bytes("scholar_alert_cite.eml")))
    assert outputs[0] == PaperRecord(
        source="scholar_alerts",
        source_id="arxiv:2603.01001",
        title="Floes & Penguins, Revisited",
        ids=(PaperId("arxiv", "2603.01001"),),
        authors=("A Quill", "BC Osten"),
        year=2026,
        url="https://arxiv.org/pdf/2603.01001",
    )
    assert outputs[1] == MentionRecord(
        source="scholar_alerts",
        source_id=outputs[1].source_id,
        channel="Counting Penguins - new citations",
        title="Floes & Penguins, Revisited",
        url="https://arxiv.org/pdf/2603.01001",
        author="A Quill, BC Osten",
        excerpt="We revisit floes and count penguins …",
        published_at=datetime(2026, 3, 5, 11, 14, 15, tzinfo=UTC),
        papers=(PaperId("arxiv", "2603.01001"),),
    )
    thesis, melt, mention, bad = outputs[2:]
    assert (thesis.title, thesis.url, thesis.papers) == ("A Thesis on Ice", "https://ice.example.org/thesis?id=7", ())
    assert (melt.source_id, melt.provisional, melt.title[-1]) == ("doi:10.9999/melt.3", True, "…")
    assert mention.papers == melt.ids
    assert (bad.where, bad.problem) == ("Counting Penguins - new citations, paper 4", "no address")
    assert len({m.source_id for m in (outputs[1], thesis, mention)}) == 3
    assert outputs == list(parse_mail(email.message_from_bytes(fixture_bytes("scholar_alert_cite.eml"))))


def test_a_chinese_alert(fixture_bytes):
    paper, mention = parse_mail(fixture_bytes("scholar_alert_zh.eml"))
    assert [str(i) for i in paper.ids] == ["cvf:CVPR2025/Quill_Penguins_Again_CVPR_2025_paper"]
    assert (paper.venue, paper.year) == ("", 2025)  # its name is cut short
    assert (mention.channel, mention.published_at) == ("陈企鹅 - new citations", datetime(2026, 3, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("subject", "name", "kind"),
    [
        ("Ada Quill - new articles", "Ada Quill", "new articles"),
        ("Ada Quill - 3 new citations", "Ada Quill", "new citations"),
        ("Ada Quill - new related research", "Ada Quill", "new related research"),
        ('"deep ice" OR floe - new results', '"deep ice" OR floe', "new results"),
        ('"deep ice" - new results', "deep ice", "new results"),
        ("Fwd: Re: Ice - cold - new citations", "Ice - cold", "new citations"),
        ("2 new citations to articles by Ada Quill", "Ada Quill", "new citations"),
        ("1 new citation to articles by Ada Quill", "Ada Quill", "new citations"),
        ("陈企鹅 - 新文章", "陈企鹅", "new articles"),
        ("陈企鹅 - 新的引用", "陈企鹅", "new citations"),
        ("陈企鹅的文章新增了 12 次引用", "陈企鹅", "new citations"),
        ("陈企鹅 - 新的相关研究工作", "陈企鹅", "new related research"),
        ("陳企鵝 - 新的相關研究", "陳企鵝", "new related research"),
        ('转发：“深度 学习” - 新的结果', "深度 学习", "new results"),
        ("Lunch - with new articles of clothing", "Lunch - with new articles of clothing", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_subjects(subject, name, kind):
    assert alert_name(subject) == (name, kind)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A Karm - 2019", (("A Karm",), "", 2019)),
        ("A Quill, C Rho - Journal of Ice, 2026", (("A Quill", "C Rho"), "Journal of Ice", 2026)),
        ("A Quill, C Rho… - arXiv preprint arXiv:2603.01001, 2026", (("A Quill", "C Rho"), "", 2026)),
        ("A Quill, … - International Conference on Ice …, 2026", (("A Quill",), "", 2026)),
        ("M Abdi, S Demeyer", (("M Abdi", "S Demeyer"), "", None)),
        ("", ((), "", None)),
    ],
)
def test_bylines(line, expected):
    assert read_byline(line) == expected


def test_forwarded_and_several(fixture_bytes):
    outer = EmailMessage()
    outer["Subject"] = "My alerts of the week"
    outer.set_content("See below.")
    for name in ("scholar_alert_cite.eml", "scholar_alert_zh.eml"):
        outer.add_attachment(email.message_from_bytes(fixture_bytes(name), _class=EmailMessage))
    outputs = list(parse_mail(outer.as_bytes()))
    channels = [o.channel for o in outputs if isinstance(o, MentionRecord)]
    assert channels == ["Counting Penguins - new citations"] * 3 + ["陈企鹅 - new citations"]
    # a mail program renames the classes and drops the style of the line
    inline = b'<html><h3><a class="m_12gse_alrt_title" href="https://scholar.google.com/scholar_url?url=https://arxiv.org/abs/2603.01001&folt=kw-top">T</a></h3><div>A Quill - 2026</div></html>'
    paper, mention = parse_mail(inline)
    assert (paper.authors, mention.channel) == (("A Quill",), "new results")


@pytest.mark.parametrize(
    ("mail", "problem"),
    [
        (b"", None),
        (b"Subject: lunch\n\nAt noon.", None),
        (b"Subject: lunch\nContent-Type: text/html\n\n<h3><a href='https://x.example'>no alert</a></h3>", None),
        (b"<html></html>", None),
        (b"Subject: Ice - new articles\nContent-Type: text/html; charset=nobody-knows\n\n<p>moved", "no paper can be found"),
        (b"Subject: Ice - new articles\nContent-Type: text/html\n\n", "no paper can be found"),
        (b"Subject: =?no?B?!!?= - new articles\nContent-Type: multipart/mixed; boundary=\n\n--\n", None),
        (b"x" * (LARGEST_MAIL + 1), "larger than"),
    ],
)  # fmt: skip
def test_what_is_no_alert(mail, problem):
    outputs = list(parse_mail(mail))
    assert all(isinstance(o, BadRecord) for o in outputs)
    assert [problem] == [problem for o in outputs if problem in o.problem] if problem else outputs == []


def test_config():
    def built(options, **secrets):
        return from_config(options, secrets)

    with pytest.raises(SourceOff, match=r"set \[sources.scholar_alerts\] path .* FRONTIER_IMAP_PASSWORD"):
        built({"enabled": True})
    account = {"host": "imap.example.org", "user": "reader@example.org"}
    with pytest.raises(SourceOff, match=r"needs FRONTIER_IMAP_PASSWORD, the password of reader@example.org"):
        built(account)
    source = built({**account, "folder": "学术", "sender": "", "port": 1993}, FRONTIER_IMAP_PASSWORD="a secret")
    assert isinstance(source, ScholarAlertsSource)
    assert (source.options.folder, source.options.sender, source.options.port) == ("学术", "", 1993)
    assert source.password == "a secret"
    assert "a secret" not in repr(source)
    assert built({"path": "/mail"}).options.path == "/mail"
    assert list(source.requests({}, None)) == []
    for options, problem in (
        ({"path": "/a", "host": "b"}, "either a path or a host"),
        ({"host": "a\r\nb", "user": "x"}, "has a control character"),
        ({"password": "x"}, r"scholar_alerts\.password: unknown key"),
        ({"port": "imap"}, "should be a whole number, not a text"),
    ):
        with pytest.raises(ConfigError, match=problem):
            built(options)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "papers", "mentions"), [("unread_1", 1, 3), ("read_0", 0, 2)])
def test_real_alerts(shared, name, papers, mentions):
    (path,) = (shared / "recordings" / "google-scholar").glob(f"alert_{name}*.html")
    outputs = list(parse_mail(path.read_bytes()))
    assert len([o for o in outputs if isinstance(o, PaperRecord)]) == papers
    found = [o for o in outputs if isinstance(o, MentionRecord)]
    assert len(found) == len(outputs) - papers == mentions
    assert all(m.author and m.excerpt and "scholar.google" not in m.url for m in found)
