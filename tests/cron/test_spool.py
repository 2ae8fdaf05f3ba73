"""What is to be sent, on disk, and the order of its states."""

import errno
import multiprocessing
import os
import stat
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cron.delivery import PAUSES_S, MaybeDelivered, NotNow, Patience, offer
from cron.spool import FIRST_WAIT, GIVE_UP_AFTER, LONGEST_WAIT, Item, Parcel, Spool
from data.errors import DeliveryError

NOW = datetime(2025, 11, 24, 6, 30, tzinfo=UTC)
MONDAY = date(2025, 11, 24)


def item(*channels, **changes):
    given = {
        "kind": "digest",
        "profile": "default",
        "recipient": "me@example.org",
        "day": MONDAY,
        "what": "4 papers of Mon 24 Nov 2025",
        "message_id": "<a@frontier.example.org>",
        "made_at": NOW,
        "parcels": tuple(Parcel(channel=c, content=f"for {c}", paper_ids=(1, 2)) for c in channels or ("smtp",)),
    }
    return Item(**{**given, **changes})


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    with spool.locked():
        yield spool


class Line:
    """A way out for each channel: what it raises, in turn; and what was handed over and recorded."""

    def __init__(self, spool, **ends):
        self.spool, self.ends = spool, {channel: list(end) for channel, end in ends.items()}
        self.taken, self.recorded, self.slept = [], [], []

    def transmit(self, item, parcel):
        assert (
            self.spool.items()[0].parcels[item.parcels.index(parcel)].state == "sending"
        )  # on disk before it goes out
        end = self.ends.get(parcel.channel) or [None]
        if problem := end.pop(0):
            raise problem
        self.taken.append(parcel.content)

    def offer(self, item, now=NOW, **given):
        return offer(
            item,
            spool=self.spool,
            transmit=self.transmit,
            record=lambda item, parcel: self.recorded.append(parcel.paper_ids),
            patience=Patience(sleep=self.slept.append),
            now=now,
            **given,
        )


def test_what_is_put_is_found_as_it_was_and_only_its_owner_reads_it(spool):
    parcel = Parcel(channel="smtp", content="a\r\n字\x00", envelope=("a@b", "c@d"), paper_ids=(1,), next_at=NOW)
    put = spool.put(item(parcels=(parcel,), event_ids=(7,)))
    assert Spool(spool.folder).items() == [put]
    assert spool.find("digest", "me@example.org", MONDAY) == put
    assert spool.find("note", "me@example.org", MONDAY) is None
    assert stat.S_IMODE(spool.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((spool.folder / put.name).stat().st_mode) == 0o600
    spool.drop(put)
    assert spool.items() == []


def test_days_come_in_order_and_a_file_that_cannot_be_read_is_told(spool):
    later, first = spool.put(item(day=date(2025, 11, 25))), spool.put(item())
    (spool.folder / "2025-11-23.digest.x.json").write_text("{")
    told = []
    assert spool.items(told.append) == [first, later]
    assert "2025-11-23.digest.x.json in the spool cannot be read" in told[0]


def test_a_full_disk_leaves_what_was_there(spool, monkeypatch):
    before = spool.put(item())

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeliveryError, match=r"No space left on device \(free some space"):
        spool.put(replace(before, what="new"))
    with pytest.raises(DeliveryError):
        spool.put(item(day=date(2025, 11, 25)))
    assert spool.items() == [before]
    assert sorted(p.name for p in spool.folder.iterdir()) == [".lock", before.name]


def test_nothing_goes_out_when_it_cannot_be_marked_first(spool, monkeypatch):
    line, put = Line(spool), spool.put(item())
    monkeypatch.setattr(Spool, "put", lambda self, item: (_ for _ in ()).throw(DeliveryError("full")))
    with pytest.raises(DeliveryError, match="full"):
        line.offer(put)
    assert line.taken == []


def test_each_channel_has_a_state_of_its_own(spool):
    line = Line(spool, smtp=[NotNow("450 busy")], hook=[DeliveryError("HTTP 404")])
    now, offered = line.offer(spool.put(item("smtp", "hook", "file:x")))
    assert [p.state for p in now.parcels] == ["waiting", "failed", "sent"]
    assert [o.was_sent for o in offered] == [False, False, True]
    assert line.taken == ["for file:x"]
    assert line.recorded == [(1, 2)]
    assert spool.items() == [now]
    later = NOW + FIRST_WAIT
    now, offered = line.offer(now, later)  # only what waits, and what was refused never again
    assert [o.parcel.channel for o in offered] == ["smtp"]
    assert line.taken == ["for file:x", "for smtp"]
    assert line.offer(now, later)[1] == []


def test_the_waits_grow_and_end(spool):
    line = Line(spool, smtp=[NotNow("450 busy", mend="wait")] * 99)
    now, moment, waits = spool.put(item()), NOW, []
    while now.is_open:
        now, offered = line.offer(now, moment)
        assert offered
        if not now.is_open:
            break
        assert line.offer(now, moment)[1] == []  # not before its time
        waits.append(now.parcels[0].next_at - moment)
        moment = now.parcels[0].next_at
    assert waits[:4] == [FIRST_WAIT, 2 * FIRST_WAIT, 4 * FIRST_WAIT, 8 * FIRST_WAIT]
    assert max(waits) == LONGEST_WAIT
    assert GIVE_UP_AFTER <= moment - NOW <= GIVE_UP_AFTER + LONGEST_WAIT
    assert now.parcels[0].said == "450 busy (wait); given up after 4 days"
    assert line.slept == []  # a server that said "not now" is left alone
    assert line.recorded == []


def test_a_clock_that_was_set_back_makes_nobody_wait_for_days(spool):
    line = Line(spool, smtp=[NotNow("450 busy")])
    now, _ = line.offer(spool.put(item()), NOW + timedelta(days=2))
    assert len(line.offer(now, NOW)[1]) == 1


def test_a_server_that_is_not_there_is_tried_again_in_a_moment_but_not_for_long(spool):
    line = Line(spool, smtp=[NotNow("nobody there", soon=True)] * 3)
    now, _ = line.offer(spool.put(item()))
    assert tuple(line.slept) == PAUSES_S
    assert now.parcels[0].state == "waiting"
    line = Line(spool, smtp=[NotNow("nobody there", soon=True)])
    now, _ = line.offer(now, NOW + FIRST_WAIT)
    assert line.slept == [PAUSES_S[0]]
    assert now.has_arrived


def test_what_did_not_end_clearly_is_offered_again_as_it_was(spool):
    line = Line(spool, smtp=[MaybeDelivered("dropped"), KeyboardInterrupt()])
    now, [offered] = line.offer(spool.put(item()))
    assert (now.parcels[0].state, offered.again) == ("sending", False)
    with pytest.raises(KeyboardInterrupt):
        line.offer(now, NOW + FIRST_WAIT)
    [now] = spool.items()
    assert now.parcels[0].state == "sending"
    now, [offered] = line.offer(now, NOW + FIRST_WAIT)
    assert offered.again
    assert line.taken == ["for smtp"]


def test_what_was_sent_is_recorded_later_where_that_did_not_work(spool):
    line = Line(spool)
    put = spool.put(item())

    def broken(item, parcel):
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        offer(put, spool=spool, transmit=line.transmit, record=broken, patience=Patience(sleep=print), now=NOW)
    [now] = spool.items()
    assert (now.parcels[0].state, now.parcels[0].recorded, now.parcels[0].content) == ("sent", False, "")
    now, offered = line.offer(now)
    assert offered == []
    assert now.parcels[0].recorded
    assert line.recorded == [(1, 2)]
    assert line.taken == ["for smtp"]


def test_with_again_also_what_was_refused_is_offered(spool):
    line = Line(spool, smtp=[DeliveryError("550")], hook=[NotNow("busy")])
    now, _ = line.offer(spool.put(item("smtp", "hook")))
    now, _ = line.offer(now, again=True)
    assert [p.state for p in now.parcels] == ["sent", "sent"]
    assert line.offer(now, again=True)[1] == []


def _hold(folder, ready, go):
    with Spool(folder).locked():
        ready.set()
        go.wait(20)
        (folder / "first").touch()


def test_one_process_at_a_time_and_a_dead_one_holds_nothing(tmp_path):
    folder = tmp_path / "spool"
    context = multiprocessing.get_context("fork")
    ready, go = context.Event(), context.Event()
    holder = context.Process(target=_hold, args=(folder, ready, go))
    holder.start()
    assert ready.wait(20)
    go.set()
    with Spool(folder).locked():
        assert (folder / "first").exists()  # it waited
    holder.join(20)
    ready.clear()
    go.clear()
    holder = context.Process(target=_hold, args=(folder, ready, go))
    holder.start()
    assert ready.wait(20)
    (folder / ".x.json.part").write_text("half")
    holder.kill()
    with Spool(folder).locked():
        assert not (folder / ".x.json.part").exists()
    holder.join(20)
