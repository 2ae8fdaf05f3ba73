"""Channels other than SMTP: what really goes over the line, and files."""

import json
import logging
import threading
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from mailbox import Maildir

import pytest
import requests

from cron.channels import Channel, channels_of, digest_message, notify, put_in_maildir, service, write_page
from cron.delivery import NotNow
from cron.profiles import Profile
from cron.spool import Item, Parcel
from data.errors import ConfigError, DeliveryError

ADDRESSES = {
    "slack": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
    "telegram": "tgram://123456789:abcdefg_hijklmnop/12315544/",
    "feishu": "feishu://token1234567890",
    "lark": "lark://abcdefgh-1234-abcd-1234-abcdefghijkl",
    "discord": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "hook": "json://hooks.example.org/path",
}
SECRETS = ("TIiajkdnlazkcOXrIdevi7FQ", "abcdefg_hijklmnop", "token1234567890", "JHMHI8qBe7bk2ZwO5U711o3dV_js")
ENVIRONMENT = {f"FRONTIER_NOTIFY_{name.upper()}": address for name, address in ADDRESSES.items()}


@pytest.fixture
def posted(monkeypatch):
    """What is sent to the internet: (url, JSON); each is answered with `posted.status`."""

    class Posted(list):
        status, body = 200, b'{"ok": true, "code": 0}'

    sent = Posted()

    def answer(adapter, request, **kwargs):
        if isinstance(sent.status, Exception):
            raise sent.status
        sent.append((request.url, json.loads(request.body)))
        response = requests.Response()
        response.status_code, response.url, response.request = sent.status, request.url, request
        response._content = b"ok" if "slack" in request.url else sent.body
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", answer)
    return sent


def message(digest, name):
    form, text, papers = digest_message(digest, service(name, ENVIRONMENT, "digest.channels"))
    return Parcel(channel=f"notify:{name}", content=text, title="A title & more", form=form, paper_ids=papers)


def text_of(name, body):
    match name:
        case "slack":
            return body["attachments"][0]["text"]
        case "telegram":
            return body["text"]
        case "feishu" | "lark":
            return body["card"]["elements"][0]["text"]["content"]
        case "discord":
            return body["content"]
    return body["message"]


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("smtp", Channel(kind="smtp")),
        ("file:digests/", Channel(kind="file", target="digests/")),
        ("maildir:/var/mail/me", Channel(kind="maildir", target="/var/mail/me")),
        (" notify:lab_slack", Channel(kind="notify", target="lab_slack")),
    ],
)
def test_channels_are_read_and_said_alike(text, channel):
    assert channels_of(Profile(channels=(text, text))) == (channel,)
    assert str(channel) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "mail", "smtp:x", "file", "file:", "notify:", "notify:https://x", "slack://a/b/c"]
)
def test_channels_that_are_none(text):
    with pytest.raises(ConfigError, match=r"digest\.profiles\.lab\.channels"):
        channels_of(Profile(name="lab", channels=(text,)))


def test_without_channels_it_is_a_mail():
    assert [str(c) for c in channels_of(Profile())] == ["smtp"]


@pytest.mark.parametrize(
    ("name", "host", "link"),
    [
        ("slack", "hooks.slack.com", "<https://arxiv.org/abs/2511.00001|Made-up Method 1"),
        (
            "telegram",
            "api.telegram.org",
            "[Made-up Method 1: Learning What Nobody Asked](https://arxiv.org/abs/2511.00001)",
        ),
        (
            "feishu",
            "open.feishu.cn",
            "[Made-up Method 1: Learning What Nobody Asked](https://arxiv.org/abs/2511.00001)",
        ),
        (
            "lark",
            "open.larksuite.com",
            "[Made-up Method 1: Learning What Nobody Asked](https://arxiv.org/abs/2511.00001)",
        ),
        ("discord", "discord.com", "[Made-up Method 1: Learning What Nobody Asked](https://arxiv.org/abs/2511.00001)"),
        ("hook", "hooks.example.org", "Made-up Method 1: Learning What Nobody Asked\nhttps://arxiv.org/abs/2511.00001"),
    ],
)
def test_each_service_gets_its_own_format(a_digest, posted, name, host, link):
    parcel = message(a_digest, name)
    notify(parcel, target=name, environment=ENVIRONMENT)
    [(url, body)] = posted
    text = text_of(name, body)
    assert url.split("/")[2] == host
    assert link in text
    assert "all 3 sources answered" in text.lower()
    assert parcel.paper_ids == a_digest.paper_ids
    assert ("title & more" in json.dumps(body)) or ("title &amp; more" in json.dumps(body))


def test_what_does_not_fit_is_counted_and_no_paper_is_cut(digest_of, ranked, posted):
    papers = [ranked(i, title=f"Paper {i} " + "字" * 200) for i in range(1, 40)]
    digest = digest_of({"architectures": papers}, per_area=40)
    for name, limit in (("discord", 2000), ("telegram", 4096), ("feishu", 19_985), ("hook", 32_768)):
        parcel = message(digest, name)
        notify(parcel, target=name, environment=ENVIRONMENT)
        text = text_of(name, posted[-1][1])
        shown = len(parcel.paper_ids)
        assert 0 < shown < 40
        assert (len(text) if name in ("discord", "telegram") else len(text.encode())) <= limit
        assert text.count("字" * 200) == shown
        left = f"… and {39 - shown} more paper{'s' if shown < 38 else ''}"
        assert (left in text) == (shown < 39)
        assert parcel.paper_ids == tuple(range(1, shown + 1))


def test_a_short_message_has_the_best_of_each_interest(digest_of, ranked):
    wordy = {a: [ranked(10 * n + i, area=a, score=0.9 - i / 100, title="word " * 50) for i in range(5)]
             for n, a in enumerate(("architectures", "learning", "datasets"), 1)}  # fmt: skip
    parcel = message(digest_of(wordy), "discord")
    assert {10, 20, 30} <= set(parcel.paper_ids)
    assert len(parcel.paper_ids) < 15
    assert f"… and {15 - len(parcel.paper_ids)} more papers" in parcel.content


@pytest.mark.parametrize("name", ["slack", "telegram", "feishu", "discord"])
def test_no_text_of_a_paper_is_markup_or_calls_anybody(digest_of, ranked, posted, name):
    hostile = "A*_`b`_* [x](https://evil.example) <!channel> @everyone <at user_id='all'></at> <@U1> # ~~no~~ \\"
    digest = digest_of({"architectures": [ranked(1, title=hostile, url="https://x.example/a_(b)*c]d")]})
    notify(message(digest, name), target=name, environment=ENVIRONMENT)
    text = text_of(name, posted[0][1])
    for bad in ("<!", "@everyone", "<at", "<@", "](https://evil.example)", "|https://evil", "`", "\\"):
        assert bad not in text
    assert "evil.example" in text
    assert "https://x.example/a_%28b%29%2Ac%5Dd" in text


@pytest.mark.parametrize(("status", "kind"), [(404, DeliveryError), (403, DeliveryError), (429, NotNow), (503, NotNow)])
@pytest.mark.parametrize("name", ["slack", "telegram", "discord", "lark", "hook"])
def test_a_service_that_refuses(a_digest, posted, name, status, kind, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    posted.status = status
    with pytest.raises(DeliveryError, match=f"HTTP {status}") as caught:
        notify(message(a_digest, name), target=name, environment=ENVIRONMENT)
    assert type(caught.value) is kind


def test_a_service_that_cannot_be_reached_shows_no_secret(a_digest, posted, caplog, monkeypatch, capsys):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    for name, address in ADDRESSES.items():
        posted.status = requests.ConnectionError(f"cannot reach {address}")
        with pytest.raises(NotNow) as caught:
            notify(message(a_digest, name), target=name, environment=ENVIRONMENT)
        said = str(caught.value) + caplog.text + "".join(capsys.readouterr())
        assert not any(secret in said for secret in SECRETS)


def test_addresses_that_are_missing_or_none(capsys, caplog):
    with pytest.raises(ConfigError, match="set FRONTIER_NOTIFY_X to an Apprise URL"):
        service("x", {}, "digest.channels")
    with pytest.raises(ConfigError, match="FRONTIER_NOTIFY_X is no address") as caught:
        service("x", {"FRONTIER_NOTIFY_X": "slack://s3cret"}, "digest.channels")
    assert "s3cret" not in str(caught.value) + caplog.text + "".join(capsys.readouterr())


def test_a_webhook_over_a_real_connection(a_digest):
    got = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        environment = {"FRONTIER_NOTIFY_HOOK": f"json://127.0.0.1:{server.server_port}/x"}
        form, text, _ = digest_message(a_digest, service("hook", environment, "digest.channels"))
        parcel = Parcel(channel="notify:hook", content=text, title="Frontier <b>", form=form)
        notify(parcel, target="hook", environment=environment)
        server.shutdown()
        thread.join(5)
    [body] = got
    assert body["title"] == "Frontier <b>"
    assert body["message"].startswith("ARCHITECTURES\n1) Made-up Method 1")


def an_item(**changes):
    given = {
        "kind": "digest", "profile": "default", "recipient": "me@example.org", "day": date(2025, 11, 24), "what": "",
        "message_id": "<a@b>", "made_at": datetime(2025, 11, 24, tzinfo=UTC), "parcels": (),
    }  # fmt: skip
    return Item(**{**given, **changes})


def test_a_maildir_holds_a_mail_once_also_when_it_was_read(tmp_path):
    folder = tmp_path / "mail"
    parcel = Parcel(channel="maildir:mail", content="Subject: 字\r\nMessage-ID: <a@b>\r\n\r\nbody\r\n")
    put_in_maildir(an_item(), parcel, folder)
    put_in_maildir(an_item(), parcel, folder)
    box = Maildir(folder)
    [key] = box.keys()
    assert box[key]["Message-ID"] == "<a@b>"
    (folder / "new" / key).rename(folder / "cur" / f"{key}:2,S")
    put_in_maildir(an_item(), parcel, folder)
    assert len(Maildir(folder)) == 1
    put_in_maildir(an_item(day=date(2025, 11, 25)), parcel, folder)
    assert len(Maildir(folder)) == 2


def test_a_page_is_one_file_a_day_and_profile(tmp_path):
    for content in ("<p>one</p>", "<p>two</p>"):
        write_page(an_item(), Parcel(channel="file:x", content=content), tmp_path / "x")
    write_page(an_item(profile="lab"), Parcel(channel="file:x", content="lab"), tmp_path / "x")
    assert {p.name: p.read_text() for p in (tmp_path / "x").iterdir()} == {
        "2025-11-24-default.html": "<p>two</p>",
        "2025-11-24-lab.html": "lab",
    }


def test_a_folder_that_cannot_be_written_is_for_later(tmp_path):
    (tmp_path / "file").write_text("")
    for put in (write_page, put_in_maildir):
        with pytest.raises(NotNow, match="file"):
            put(an_item(), Parcel(channel="file:x", content="x"), tmp_path / "file" / "x")
