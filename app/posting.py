"""Digests and notes out to their channels, through the spool. What is promised is said in `cron.delivery`."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from email.message import EmailMessage
from email.utils import format_datetime
from functools import cache, partial
from pathlib import Path
from typing import Literal

from app.services import Services
from app.wiring import Frontier
from cron import channels
from cron.addresses import mailbox
from cron.channels import Channel, channels_of
from cron.delivery import Offered, Patience, check, offer, send
from cron.digest import Digest
from cron.profiles import DEFAULT, Profile, due
from cron.render import POLICY, fitted, message_id, render_html, render_mail, subject
from cron.spool import KEPT, Item, Parcel, Spool
from cron.wording import count, day_text
from data.errors import ConfigError, DeliveryError, FrontierError, StoreError

Outcome = Literal["ok", "partial", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one mail; `line` says it to people. `outcome` is partial when some channels have it and others not."""

    state: Literal["sent", "already sent", "waiting", "failed"]
    message_id: str
    line: str
    outcome: Outcome = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of all mails that were due: one line, and how it went."""

    outcome: Outcome
    line: str
    deliveries: tuple[Delivery, ...] = ()


def post(frontier: Frontier, profile: Profile, digest: Digest) -> Delivery:
    """Spool a profile's digest and send it, unless that day was sent before. What was made of that day and did not go out
    is sent as it is. Raises ConfigError, DeliveryError when it cannot be spooled, StoreError."""
    run = _Run(frontier)
    with run.spool.locked():
        return run.digest(profile, digest, again=True)


def post_all(frontier: Frontier, *, dry_run: bool = False, again: bool = False) -> Posted:
    """Send what is left in the spool, then the digest of every profile that is due; with `dry_run`, only say so.

    A profile whose last digest did not reach any channel yet gets no new one before that: its papers would come twice.
    What was refused for good is not offered again that day, except with `again`, which does not wait either. A profile
    that fails does not hinder others. Raises DeliveryError when the spool cannot be used, StoreError.
    """
    from app.mailing import profiles_of
    from app.voting import unsubscribed

    run = _Run(frontier)
    profiles = [p for p in profiles_of(frontier.config.digest) if _is_configured(frontier, p)]
    if not profiles:
        return Posted(
            outcome="failed" if again else "ok", line="no mail is configured ([digest] to and smtp_host, or channels)"
        )
    off = unsubscribed(frontier)
    with nullcontext() if dry_run else run.spool.locked():
        left = [] if dry_run else run.left(off, again=again)
        done = [delivery for _, delivery in left]
        told = {i.recipient for i, _ in left if i.kind == "digest" and (i.day == run.today or not i.has_arrived)}
        for profile in profiles:
            if profile.name in off:
                mend = f"frontier digest --resubscribe {profile.name}"
                done.append(_nothing(f"{_who(profile)} was unsubscribed ({mend})"))
                continue
            try:
                if profile.recipient not in told:
                    done.append(run.if_due(profile, dry_run=dry_run, again=again))
            except StoreError:
                raise
            except FrontierError as exc:
                done.append(Delivery(state="failed", message_id="", line=f"{_who(profile)}: {exc}", outcome="failed"))
    lines = "; ".join([*(d.line for d in done), *run.bad])
    return Posted(outcome=_worst(done, run.bad), line=lines, deliveries=tuple(done))


def tell(frontier: Frontier, subject: str, text: str) -> Delivery:
    """A short note through the channels of the default profile (else of the first), once a day at most. Raises ConfigError,
    and DeliveryError when it could not be sent now (it waits in the spool then, unless it was refused for good)."""
    from app.mailing import profiles_of

    profile = profiles_of(frontier.config.digest)[0]
    if not _is_configured(frontier, profile):
        raise ConfigError("digest.to", "is not set, so nobody can be told", mend="set to and smtp_host, or channels")
    run = _Run(frontier)
    with run.spool.locked():
        delivery = run.note(profile, subject, text)
    if delivery.outcome == "failed":
        raise DeliveryError(delivery.line)
    return delivery


def _is_configured(frontier: Frontier, profile: Profile) -> bool:
    return bool(profile.channels) or bool(profile.to and frontier.config.digest.smtp_host)


def _worst(done: Sequence[Delivery], bad: Sequence[str]) -> Outcome:
    outcomes = {delivery.outcome for delivery in done}
    if outcomes == {"failed"}:
        return "failed"
    return "ok" if outcomes <= {"ok"} and not bad else "partial"


def _nothing(line: str, outcome: Outcome = "ok") -> Delivery:
    """Nothing was to be sent, and why."""
    return Delivery(state="already sent", message_id="", line=line, outcome=outcome)


def _who(profile: Profile) -> str:
    """A profile as people know it: its address where it has a mail, else its name."""
    return profile.to if profile.name == DEFAULT and profile.to else profile.name


def _outcome(item: Item, offered: Sequence[Offered]) -> Delivery:
    """What became of the parcels that were offered, in one line."""
    parts = []
    arrived = [o for o in offered if o.was_sent]
    if arrived:
        again = ", again, because the last attempt did not end clearly" if any(o.again for o in arrived) else ""
        parts.append(f"sent {item.what} to {', '.join(_where(o.parcel) for o in arrived)}{again}")
    for parcel in (o.parcel for o in offered if not o.was_sent):
        when = f"; next try after {parcel.next_at:%d %b %H:%M} UTC" if parcel.next_at and parcel.is_open else ""
        parts.append(f"{item.what} not sent to {_where(parcel)}: {parcel.said}{when}")
    waits = any(o.parcel.is_open for o in offered)
    ok = len(arrived) == len(offered)
    return Delivery(
        state="sent" if arrived else "waiting" if waits else "failed",
        message_id=item.message_id,
        line="; ".join(parts),
        outcome="ok" if ok else "partial" if item.has_arrived else "failed",
    )


def _where(parcel: Parcel) -> str:
    """Where a parcel goes, as people know it."""
    return parcel.envelope[1] if parcel.channel == "smtp" and parcel.envelope else parcel.channel


# ---- one run ---------------------------------------------------------------------------------------------------------


class _Run:
    """One run over the spool; who changes something holds `spool.locked`."""

    def __init__(self, frontier: Frontier) -> None:
        self.frontier = frontier
        self.spool = Spool(frontier.home.folder / "spool")
        self.patience = Patience(sleep=time.sleep)
        self.today = frontier.now().date()
        self.bad: list[str] = []

    def left(self, off: Collection[str], *, again: bool) -> list[tuple[Item, Delivery]]:
        """Send what an earlier run left, but to nobody who wants no mail, and take away what is settled and old."""
        out = []
        for item in self.spool.items(self.bad.append):
            gone = item.kind == "digest" and item.profile in off
            if gone or (not item.is_open and self.frontier.now() - item.made_at > KEPT):
                self.spool.drop(item)
            elif item.is_open or item.has_arrived:
                item, offered = self._offer(item, again=again)
                if offered:
                    out.append((item, _outcome(item, offered)))
        return out

    def if_due(self, profile: Profile, *, dry_run: bool, again: bool) -> Delivery:
        """The digest of a profile, if one is due. Raises FrontierError."""
        from app.mailing import digest_of

        who = _who(profile)
        mine = [i for i in self.spool.items() if i.kind == "digest" and i.recipient == profile.recipient]
        open_ = [i for i in mine if not i.has_arrived]
        for item in open_:
            if item.is_open:
                if dry_run:
                    return _nothing(f"waits in the spool for {ways(profile)}: {item.what}")
                return _outcome(item, [Offered(parcel=p) for p in item.parcels])
            if item.day == self.today and not (again or dry_run):
                said = "; ".join(p.said for p in item.parcels)
                return _nothing(f"{who}: refused before today: {said} (frontier digest --send tries again)", "partial")
        with closing(Services(self.frontier)) as services:
            sent = services.reader.deliveries(profile.recipient, self.today)
            last = sent[-1][0] if sent else None
            if not due(profile, self.today, last):
                if last == self.today:
                    return _nothing(f"the digest of {day_text(last)} was sent to {who} before")
                return _nothing(f"{who}: none is due before {profile.weekday.title()}")
            digest = digest_of(services, profile=profile)
        if digest.is_quiet and profile.quiet == "skip":
            return _nothing(f"{who}: nothing new, so nothing is sent")
        if dry_run:
            return _nothing(f"would be sent to {ways(profile)}: {subject(fitted(digest))}")
        for item in open_:  # refused for good: the new digest brings their papers
            self.spool.drop(item)
        return self.digest(profile, digest, again=again)

    def digest(self, profile: Profile, digest: Digest, *, again: bool) -> Delivery:
        """Make, keep and send a digest, unless that day was sent before."""
        item = self.spool.find("digest", profile.recipient, digest.day)
        with closing(self.frontier.open_reader()) as reader:
            before = reader.delivery(profile.recipient, digest.day)
        if (before and before[0] == "sent") or (item and item.has_arrived):
            line = f"the digest of {day_text(digest.day)} was sent to {_who(profile)} before"
            known = item.message_id if item else before[1] if before else ""
            if item and (offered := self._offer(item, again=again)[1]):
                rest = _outcome(item, offered)
                return replace(rest, line=f"{line}; {rest.line}", outcome="ok" if rest.outcome == "ok" else "partial")
            return Delivery(state="already sent", message_id=known, line=line)
        if item is None or not item.is_open:
            item = self.spool.put(self._digest_item(profile, digest))
        unmade = [Offered(parcel=p) for p in item.parcels if not p.attempts and p.state == "failed"]
        item, offered = self._offer(item, again=again)
        return _outcome(item, [*offered, *unmade])

    def note(self, profile: Profile, subject: str, text: str) -> Delivery:
        """Make, keep and send a note, unless there was one today."""
        item = self.spool.find("note", profile.recipient, self.today)
        if item is None:
            item = self.spool.put(self._note_item(profile, subject, text))
        item, offered = self._offer(item, again=True)
        if offered:
            return _outcome(item, offered)
        return Delivery(state="already sent", message_id=item.message_id, line=f"{_who(profile)} was told today")

    # ---- making

    def _digest_item(self, profile: Profile, digest: Digest) -> Item:
        digest = fitted(digest)
        mail = cache(partial(render_mail, digest, now=self.frontier.now()))  # every channel gets the same bytes
        return Item(
            kind="digest",
            profile=profile.name,
            recipient=profile.recipient,
            day=digest.day,
            what=f"{count(len(digest.entries), 'paper')} of {day_text(digest.day)}",
            message_id=message_id(digest.recipient or profile.recipient, digest.day, domain=_domain(profile)),
            made_at=self.frontier.now(),
            parcels=_each(profile, lambda channel: self._digest_parcel(channel, profile, digest, mail)),
            event_ids=digest.event_ids,
        )

    def _digest_parcel(
        self, channel: Channel, profile: Profile, digest: Digest, mail: Callable[..., EmailMessage]
    ) -> Parcel:
        match channel.kind:
            case "smtp" | "maildir":
                to, sender = self._addresses(channel, profile)
                return replace(_mail(channel, mail(to=to, sender=sender)), paper_ids=digest.paper_ids)
            case "file":
                return Parcel(channel=str(channel), content=render_html(digest), paper_ids=digest.paper_ids)
        found = channels.service(channel.target, self.frontier.environment, profile.key("channels"))
        form, text, papers = channels.digest_message(digest, found)
        return Parcel(channel=str(channel), content=text, title=subject(digest), form=form, paper_ids=papers)

    def _note_item(self, profile: Profile, subject: str, text: str) -> Item:
        known = message_id(f"note {profile.recipient}", self.today, domain=_domain(profile))

        def parcel(channel: Channel) -> Parcel:
            if channel.kind not in ("smtp", "maildir"):
                return Parcel(channel=str(channel), content=text, title=subject, form="text")
            to, sender = self._addresses(channel, profile)
            message = EmailMessage(policy=POLICY)
            message["Subject"] = subject
            message["From"], message["To"] = mailbox(sender, profile.key("sender")), mailbox(to, profile.key("to"))
            message["Date"] = format_datetime(self.frontier.now())
            message["Message-ID"] = known
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834
            message.set_content(text)
            return _mail(channel, message)

        return Item(
            kind="note",
            profile=profile.name,
            recipient=profile.recipient,
            day=self.today,
            what=f"the note {subject!r}",
            message_id=known,
            made_at=self.frontier.now(),
            parcels=_each(profile, parcel),
        )

    def _addresses(self, channel: Channel, profile: Profile) -> tuple[str, str]:
        """Recipient and sender of a mail. Raises ConfigError, DeliveryError when it cannot be sent as things are set."""
        if channel.kind == "smtp":
            check(self.frontier.config.digest, self._password)
        to = profile.to or ("you@localhost" if channel.kind == "maildir" else "")
        return to, profile.sender or to

    # ---- sending

    @property
    def _password(self) -> str | None:
        return self.frontier.environment.get("FRONTIER_SMTP_PASSWORD")

    def _offer(self, item: Item, *, again: bool) -> tuple[Item, list[Offered]]:
        return offer(
            item,
            spool=self.spool,
            transmit=self._transmit,
            record=self._record,
            patience=self.patience,
            now=self.frontier.now(),
            again=again,
        )

    def _transmit(self, item: Item, parcel: Parcel) -> None:
        kind, _, target = parcel.channel.partition(":")
        folder = self.frontier.home.folder / Path(target).expanduser()
        match kind:
            case "smtp":
                sender, recipient = parcel.envelope
                send(
                    parcel.content.encode(),
                    sender=sender,
                    recipient=recipient,
                    config=self.frontier.config.digest,
                    password=self._password,
                )
            case "file":
                channels.write_page(item, parcel, folder)
            case "maildir":
                channels.put_in_maildir(item, parcel, folder)
            case _:
                channels.notify(parcel, target=target, environment=self.frontier.environment)

    def _record(self, item: Item, parcel: Parcel) -> None:
        """Papers and events count as delivered once the first channel has them."""
        if item.kind == "note":
            return
        with closing(self.frontier.open_store()) as store:
            store.put_delivery(
                item.recipient,
                item.day.isoformat(),
                message_id=item.message_id,
                state="sent",
                paper_ids=parcel.paper_ids,
                event_ids=item.event_ids,
                now=item.made_at,
            )


def _each(profile: Profile, make: Callable[[Channel], Parcel]) -> tuple[Parcel, ...]:
    """A parcel for each channel of a profile; one that cannot be made is failed from the start. Raises the first problem
    when none can be made."""
    parcels: list[Parcel] = []
    problems: list[FrontierError] = []
    for channel in channels_of(profile):
        try:
            parcels.append(make(channel))
        except (ConfigError, DeliveryError) as exc:
            problems.append(exc)
            parcels.append(Parcel(channel=str(channel), state="failed", said=str(exc)))
    if len(problems) == len(parcels):
        raise problems[0]
    return tuple(parcels)


def _mail(channel: Channel, message: EmailMessage) -> Parcel:
    """A mail as a parcel: the bytes as they go over the line, ASCII unless its addresses are not (RFC 6532)."""
    sender, recipient = (message[header].addresses[0].addr_spec for header in ("From", "To"))
    utf8 = not (sender + recipient).isascii()
    content = message.as_bytes(policy=POLICY.clone(utf8=utf8)).decode("utf-8")
    return Parcel(channel=str(channel), content=content, envelope=(sender, recipient))


def _domain(profile: Profile) -> str:
    """The domain that Message-IDs are made under."""
    sender = profile.sender or profile.to
    return mailbox(sender, profile.key("sender")).domain if sender else "localhost"


def ways(profile: Profile) -> str:
    """Where a profile's digest goes, as people know it."""
    return ", ".join(
        profile.to or "smtp" if channel.kind == "smtp" else str(channel) for channel in channels_of(profile)
    )
