"""rules: the oracle's own reading of the rules, one subscription at a time and one step after the other."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import NamedTuple, Optional

from months import LATEST, boundary, known_zone, pg_text, to_wall

MOST_AMOUNT = 10 ** 15


class Price(NamedTuple):
    currency: str
    unit_amount: int
    interval: int


@dataclass(frozen=True)
class Subscription:
    """One row, with the columns of the table and in their order."""
    bucket: int
    subscription_id: int
    account_id: int
    price_id: int
    next_price_id: Optional[int]
    quantity: int
    next_quantity: Optional[int]
    status: str
    billing_info_at: Optional[datetime]
    anchor: datetime
    time_zone: str
    months_elapsed: int
    period_start: datetime
    period_end: datetime
    trial_end: Optional[datetime]
    cancel_requested_at: Optional[datetime]
    ended_at: Optional[datetime]
    end_reason: Optional[str]
    hold_reason: Optional[str]
    held_at: Optional[datetime]
    catch_up_allowed: bool
    revision: int


class Result(NamedTuple):
    """What a run does to one row; rule and reason tell why it leaves the row alone after the steps."""
    row: Subscription
    outcomes: list
    newly_held: bool
    rule: str
    reason: Optional[str]


def bucket_of(account_id):
    """The eight bytes of the id, folded by XOR."""
    folded = 0
    for byte in account_id.to_bytes(8, 'big', signed=True):
        folded ^= byte
    return folded


def text_of(name, value):
    if value is None:
        return ''
    if isinstance(value, datetime):
        return pg_text(value, '' if name == 'anchor' else '+00')
    if isinstance(value, bool):
        return 't' if value else 'f'
    return str(value)


def as_text(row):
    """A row of the table as the server prints it."""
    return {name: text_of(name, value) for name, value in asdict(row).items()}


def outcome_of(row, kind, rule, to_status, price_id, quantity, price, amount, next_end):
    opens = next_end is not None
    return {
        'bucket': row.bucket, 'subscription_id': row.subscription_id, 'account_id': row.account_id,
        'revision': row.revision + 1, 'kind': kind, 'rule': rule, 'from_status': row.status, 'to_status': to_status,
        'period_start': row.period_start, 'period_end': row.period_end,
        'next_period_start': row.period_end if opens else None, 'next_period_end': next_end,
        'price_id': price_id, 'quantity': quantity, 'unit_amount': price.unit_amount, 'amount': amount,
        'currency': price.currency}


def expire(row, prices, kind, rule, end_reason):
    """An expiry keeps the period, the price in force and any change that was planned."""
    outcome = outcome_of(row, kind, rule, 'expired', row.price_id, row.quantity, prices[row.price_id], 0, None)
    after = replace(row, status='expired', ended_at=row.period_end, end_reason=end_reason, revision=row.revision + 1)
    return after, outcome


def fault(row, price, quantity, next_end):
    """Why the next period cannot be opened, if it cannot."""
    if price is None:
        return 'price_missing'
    if next_end is None:
        return 'unknown_time_zone'
    if quantity * price.unit_amount > MOST_AMOUNT:
        return 'amount_overflow'
    if next_end <= row.period_end:
        return 'end_not_after_start'
    return 'end_out_of_range' if next_end > LATEST else None


def process(row, prices, as_of, max_periods):
    """Applies the ordered rules until one leaves the row alone."""
    outcomes = []
    while True:
        if row.status == 'expired':
            return Result(row, outcomes, False, 'ended', None)
        if row.hold_reason is not None:
            return Result(row, outcomes, False, 'held', row.hold_reason)
        if row.period_end > as_of:
            return Result(row, outcomes, False, 'not-due', None)
        if row.status == 'pending_cancellation':
            row, outcome = expire(row, prices, 'expired', 'cancelled', 'cancelled')
            outcomes.append(outcome)
            continue

        price_id = row.price_id if row.next_price_id is None else row.next_price_id
        quantity = row.quantity if row.next_quantity is None else row.next_quantity
        price = prices.get(price_id)
        trial = row.status == 'trialing'
        if trial and price and price.unit_amount > 0 and row.billing_info_at is None:
            row, outcome = expire(row, prices, 'trial_expired', 'trial-unbilled', 'trial_ended')
            outcomes.append(outcome)
            continue

        # A paid period after a trial is counted from the trial's end, every other one from the anchor.
        computable = price is not None and known_zone(row.time_zone)
        anchor = to_wall(row.period_end, row.time_zone) if trial and computable else row.anchor
        elapsed = 0 if trial else row.months_elapsed

        def end_after(periods):
            return boundary(anchor, row.time_zone, elapsed + periods * price.interval) if computable else None

        rule = 'trial-converts' if trial else 'renews'
        if computable and not row.catch_up_allowed and end_after(max_periods) <= as_of:
            rule, reason = 'too-far-behind', 'catch_up_limit'
        else:
            reason = fault(row, price, quantity, end_after(1))
        if reason:
            held = replace(row, hold_reason=reason, held_at=as_of, revision=row.revision + 1)
            return Result(held, outcomes, True, rule, reason)

        next_end = end_after(1)
        outcomes.append(outcome_of(row, 'converted' if trial else 'renewed', rule, 'active', price_id, quantity,
                                   price, quantity * price.unit_amount, next_end))
        row = replace(row, status='active', price_id=price_id, next_price_id=None, quantity=quantity,
                      next_quantity=None, anchor=anchor, months_elapsed=elapsed + price.interval,
                      period_start=row.period_end, period_end=next_end, revision=row.revision + 1,
                      catch_up_allowed=row.catch_up_allowed and next_end <= as_of)


def held_event(row, as_of):
    """The event of a hold; it carries no amount, for nothing was billed."""
    return {
        'bucket': row.bucket, 'subscription_id': row.subscription_id, 'account_id': row.account_id,
        'revision': row.revision, 'kind': 'held', 'at': as_of, 'from_status': row.status, 'to_status': row.status,
        'period_start': row.period_start, 'period_end': row.period_end, 'price_id': row.price_id,
        'next_price_id': row.next_price_id, 'quantity': row.quantity, 'next_quantity': row.next_quantity,
        'amount': None, 'currency': None, 'reason': row.hold_reason}
