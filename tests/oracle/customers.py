"""customers: the oracle's own reading of the customer API, one call after the other, and what runs do in between."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from months import EARLIEST, LATEST, boundary, known_zone, pg_text, to_utc, to_wall
from rules import MOST_AMOUNT, Subscription, as_text, bucket_of, held_event, process, text_of

NOT_FOUND, WRONG_STATE, BAD_ARGUMENT = 'PR001', 'PR002', '22023'

# The job of each event that customers hear of.
MESSAGES = {'subscribed': 'subscribed', 'trial_started': 'trial_started', 'cancelled': 'cancellation_confirmed',
            'withdrawn': 'cancellation_withdrawn', 'reactivated': 'reactivated'}

# Names that the server understands and that are none of the tz database.
NO_ZONES = ('FOO5', '+05', 'PST', 'utc', '')


class Refused(Exception):
    """Holds every SQLSTATE that may be answered: where two things are wrong, either may be named."""

    def __init__(self, codes):
        super().__init__(', '.join(sorted(codes)))
        self.codes = codes


def refuse(*faults):
    codes = {code for bad, code in faults if bad}
    if codes:
        raise Refused(codes)


def bad_instant(at):
    """Null, infinite, or where no table can hold it."""
    return not isinstance(at, datetime) or not EARLIEST <= at <= LATEST


def bad_zone(zone):
    return zone is None or zone in NO_ZONES or not known_zone(zone)


def bad_address(address):
    return address is not None and '@' not in address


def texts(row):
    return {name: text_of(name, value) for name, value in row.items()}


class Customers:
    """What the tables have to hold.  Subscriptions go by the number of the call that made them."""

    def __init__(self, prices, max_periods):
        self.prices = prices
        self.max_periods = max_periods
        self.accounts = {}
        self.rows = {}
        self.latest = {}  # the latest date in each history
        self.outcomes, self.events, self.jobs = [], [], []
        self.billed = Counter()

    def answer(self, call):
        """The SQLSTATEs that are right for a call, and its result as text where it succeeds (None: any)."""
        try:
            result = getattr(self, call.name)(*([call.number] if call.founds else []), *call.arguments)
        except Refused as refused:
            return refused.codes, ''
        return {'00000'}, pg_text(result, '') if isinstance(result, datetime) else result

    # Accounts.

    def put_account(self, account_id, kind, name, billing_email, representative_email, locale):
        contact = representative_email if kind == 'corporate' else billing_email
        refuse((None in (account_id, kind, name, contact, locale), BAD_ARGUMENT),
               (kind not in ('online', 'corporate'), BAD_ARGUMENT),
               (name == '' or locale == '', BAD_ARGUMENT),
               (bad_address(billing_email) or bad_address(representative_email), BAD_ARGUMENT))
        self.accounts[account_id] = texts({
            'bucket': bucket_of(account_id), 'account_id': account_id, 'kind': kind, 'name': name,
            'billing_email': billing_email, 'representative_email': representative_email, 'locale': locale})
        return ''

    def subscriptions_of(self, account_id):
        refuse((account_id is None, BAD_ARGUMENT), (account_id not in self.accounts, NOT_FOUND))
        return str(len(self.shown(account_id)))

    def shown(self, account_id):
        """What subscriptions_of tells of each one."""
        shown = []
        for row in self.rows.values():
            if row.account_id == account_id:
                price = self.prices[row.price_id]
                price_id = row.next_price_id or row.price_id
                amount = (row.next_quantity or row.quantity) * self.prices[price_id].unit_amount
                lapses = row.status == 'trialing' and row.billing_info_at is None \
                    and self.prices[price_id].unit_amount > 0
                # Holds are the operators' business: a held one is told what is due to happen to it.
                renews = row.status in ('trialing', 'active') and not lapses
                shown.append(texts({
                    'account_id': account_id, 'subscription_id': row.subscription_id, 'status': row.status,
                    'price_id': row.price_id, 'quantity': row.quantity, 'unit_amount': price.unit_amount,
                    'currency': price.currency, 'interval_months': price.interval, 'time_zone': row.time_zone,
                    'period_start': row.period_start, 'period_end': row.period_end,
                    'renews_at': row.period_end if renews else None, 'renewal_amount': amount if renews else None,
                    'expires_at': None if renews else row.period_end, 'usable': row.status != 'expired',
                    'billing_info': row.billing_info_at is not None, 'next_price_id': row.next_price_id,
                    'next_quantity': row.next_quantity, 'cancel_requested_at': row.cancel_requested_at}))
        return shown

    # What all calls about subscriptions have in common.

    def unsaleable(self, price_id, quantity, currency=None):
        """What speaks against selling so many units at a price, to somebody who pays in a currency."""
        price = self.prices.get(price_id)
        return [(price is None, NOT_FOUND), (quantity < 1, BAD_ARGUMENT),
                (price and quantity * price.unit_amount > MOST_AMOUNT, BAD_ARGUMENT),
                (price and currency not in (None, price.currency), BAD_ARGUMENT)]

    def found(self, account_id, number, at):
        """The subscription, if it is this account's."""
        row = self.rows.get(number)
        refuse((None in (account_id, number) or bad_instant(at), BAD_ARGUMENT),
               (row is None or row.account_id != account_id, NOT_FOUND))
        return row

    def too_early(self, row, at):
        return at < self.latest[row.subscription_id], BAD_ARGUMENT

    def append(self, row, kind, at, from_status, price=None, detail=None):
        """Takes the row as it is afterwards; a price is that of a first period, which is billed here."""
        row = replace(row, revision=row.revision + 1)
        amount = row.quantity * price.unit_amount if price else None
        self.rows[row.subscription_id] = row
        self.latest[row.subscription_id] = max(at, self.latest.get(row.subscription_id, EARLIEST))
        self.events.append(texts({
            'bucket': row.bucket, 'subscription_id': row.subscription_id, 'account_id': row.account_id,
            'revision': row.revision, 'kind': kind, 'at': at, 'from_status': from_status, 'to_status': row.status,
            'period_start': row.period_start, 'period_end': row.period_end, 'price_id': row.price_id,
            'next_price_id': row.next_price_id, 'quantity': row.quantity, 'next_quantity': row.next_quantity,
            'unit_amount': price.unit_amount if price else None, 'amount': amount,
            'currency': price.currency if price else None, 'reason': None, 'detail': detail, 'sqlstate': None,
            'as_of': None}))
        if price:
            self.billed[price.currency, kind] += amount
        if kind in MESSAGES:
            self.tell(row, MESSAGES[kind], row.period_end, row.revision)

    def tell(self, row, kind, instant, event):
        """A job; it names the revision of its event, 0 for an outcome."""
        self.jobs.append(texts({
            'bucket': row.bucket, 'subscription_id': row.subscription_id, 'account_id': row.account_id, 'kind': kind,
            'boundary': instant, 'event': event, 'state': 'ready', 'attempts': 0}))

    # Subscribing.

    def subscribe(self, number, account_id, price_id, quantity, time_zone, at):
        self.refuse_new(account_id, price_id, quantity, time_zone, at)
        price, anchor = self.prices[price_id], to_wall(at, time_zone)
        refuse((anchor.year + price.interval // 12 > 2999, BAD_ARGUMENT))
        end = boundary(anchor, time_zone, price.interval)
        refuse((end > LATEST, BAD_ARGUMENT))
        row = self.new(number, account_id, price_id, quantity, time_zone, at, end)
        self.append(replace(row, status='active', months_elapsed=price.interval), 'subscribed', at, None, price)

    def start_trial(self, number, account_id, price_id, quantity, days, time_zone, billing_info, at):
        refuse((days is None or billing_info is None, BAD_ARGUMENT))
        self.refuse_new(account_id, price_id, quantity, time_zone, at)
        refuse((not 1 <= days <= 3660, BAD_ARGUMENT))
        end = to_utc(to_wall(at, time_zone) + timedelta(days=days), time_zone)
        refuse((end > LATEST, BAD_ARGUMENT))
        row = replace(self.new(number, account_id, price_id, quantity, time_zone, at, end), status='trialing',
                      trial_end=end, billing_info_at=at if billing_info else None)
        self.append(row, 'trial_started', at, None, detail='with billing information' if billing_info else None)

    def refuse_new(self, account_id, price_id, quantity, time_zone, at):
        refuse((None in (account_id, price_id, quantity, time_zone), BAD_ARGUMENT))
        refuse((account_id not in self.accounts, NOT_FOUND), (bad_zone(time_zone) or bad_instant(at), BAD_ARGUMENT),
               *self.unsaleable(price_id, quantity))

    def new(self, number, account_id, price_id, quantity, time_zone, at, end):
        return Subscription(
            bucket=bucket_of(account_id), subscription_id=number, account_id=account_id, price_id=price_id,
            next_price_id=None, quantity=quantity, next_quantity=None, status='', billing_info_at=None,
            anchor=to_wall(at, time_zone), time_zone=time_zone, months_elapsed=0, period_start=at, period_end=end,
            trial_end=None, cancel_requested_at=None, ended_at=None, end_reason=None, hold_reason=None, held_at=None,
            catch_up_allowed=False, revision=0)

    # Cancelling and coming back.

    def cancel(self, account_id, number, at):
        row = self.found(account_id, number, at)
        refuse((row.status == 'expired', WRONG_STATE))
        if row.status != 'pending_cancellation':
            refuse(self.too_early(row, at))
            after = replace(row, status='pending_cancellation', cancel_requested_at=at)
            self.append(after, 'cancelled', at, row.status)
        return row.period_end

    def withdraw_cancellation(self, account_id, number, at):
        row = self.found(account_id, number, at)
        refuse((row.status == 'expired', WRONG_STATE))
        if row.status == 'pending_cancellation':
            refuse(self.too_early(row, at))
            status = 'trialing' if row.trial_end == row.period_end else 'active'
            self.append(replace(row, status=status, cancel_requested_at=None), 'withdrawn', at, row.status)
        return ''

    def reactivate(self, account_id, number, price_id, at):
        row = self.found(account_id, number, at)
        refuse((price_id is None, BAD_ARGUMENT), (row.status != 'expired', WRONG_STATE),
               *self.unsaleable(price_id, row.quantity, self.prices[row.price_id].currency), self.too_early(row, at),
               (row.ended_at and at < row.ended_at, BAD_ARGUMENT))
        price, anchor = self.prices[price_id], to_wall(at, row.time_zone)
        end = boundary(anchor, row.time_zone, price.interval)
        after = replace(row, status='active', price_id=price_id, next_price_id=None, next_quantity=None,
                        anchor=anchor, months_elapsed=price.interval, period_start=at, period_end=end, ended_at=None,
                        end_reason=None, cancel_requested_at=None, trial_end=None, catch_up_allowed=False)
        self.append(after, 'reactivated', at, row.status, price)
        return end

    # What counts at the next boundary.

    def set_billing_info(self, account_id, number, at):
        return self.change_billing_info(self.found(account_id, number, at), at, at, 'billing_info_set')

    def clear_billing_info(self, account_id, number, at):
        return self.change_billing_info(self.found(account_id, number, at), at, None, 'billing_info_cleared')

    def change_billing_info(self, row, at, value, kind):
        refuse((row.status == 'expired', WRONG_STATE))
        if (row.billing_info_at is None) != (value is None):
            refuse(self.too_early(row, at))
            self.append(replace(row, billing_info_at=value), kind, at, row.status)
        return ''

    def schedule_change(self, account_id, number, price_id, quantity, at):
        row = self.found(account_id, number, at)
        refuse((row.status == 'expired', WRONG_STATE), *self.unsaleable(
            row.price_id if price_id is None else price_id, row.quantity if quantity is None else quantity,
            self.prices[row.price_id].currency))
        # What is in force needs no change; each call replaces what the last one scheduled.
        after = replace(row, next_price_id=None if price_id == row.price_id else price_id,
                        next_quantity=None if quantity == row.quantity else quantity)
        if after != row:
            refuse(self.too_early(row, at))
            self.append(after, 'change_scheduled', at, row.status)
        return ''

    # Others than customers.

    def run(self, as_of):
        """One run; returns how many subscriptions it newly held."""
        held = 0
        for number, row in self.rows.items():
            result = process(row, self.prices, as_of, self.max_periods)
            self.rows[number] = result.row
            for outcome in result.outcomes:
                self.outcomes.append(texts({**outcome, 'as_of': as_of}))
                self.tell(row, outcome['kind'], outcome['period_end'], 0)
                self.latest[number] = max(self.latest[number], outcome['period_end'])
                if outcome['to_status'] != 'expired':
                    self.billed[outcome['currency'], outcome['kind']] += outcome['amount']
            if result.newly_held:
                held += 1
                self.latest[number] = max(self.latest[number], as_of)
                self.events.append(texts({**held_event(result.row, as_of), 'unit_amount': None,
                                          'detail': 'rule ' + result.rule, 'sqlstate': None, 'as_of': as_of}))
        return held

    def release(self, number, at, catch_up):
        """What an operator does to a held subscription."""
        row = self.rows[number]
        self.append(replace(row, hold_reason=None, held_at=None, catch_up_allowed=catch_up), 'released', at, row.status)

    def subscriptions(self):
        return [as_text(row) for row in self.rows.values()]
