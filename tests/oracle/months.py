"""months: calendar arithmetic of the oracle, written from the documented rules and not from the program's SQL."""

import calendar
import zoneinfo
from datetime import datetime, timedelta, timezone

# Instants are datetimes without zone that mean UTC; wall times are datetimes without zone that mean local time.

EARLIEST = datetime(1900, 1, 1)
LATEST = datetime(3000, 1, 1)


def add_months(wall, months):
    """The same day and time so many months later; the month's last day where that day is missing."""
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    day = min(wall.day, calendar.monthrange(year, month + 1)[1])
    return wall.replace(year=year, month=month + 1, day=day)


def to_utc(wall, zone):
    """The instant of a wall time.

    In a gap the offset before the jump counts, in an overlap the second instant: in both cases the later of the two
    readings that the two folds give.
    """
    place = zoneinfo.ZoneInfo(zone)
    return max(wall - wall.replace(tzinfo=place, fold=fold).utcoffset() for fold in (0, 1))


def to_wall(instant, zone):
    """The wall time that a clock in the zone shows at an instant."""
    return instant.replace(tzinfo=timezone.utc).astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def boundary(anchor, zone, months):
    """The instant so many months after the anchor, always counted from the anchor itself."""
    return to_utc(add_months(anchor, months), zone)


def known_zone(zone):
    try:
        return zoneinfo.ZoneInfo(zone) is not None
    except zoneinfo.ZoneInfoNotFoundError:
        return False


def transitions(zone, first, last):
    """The jumps of a zone's clock between two instants: (wall time where it starts, where it ends), sorted by size."""
    place = zoneinfo.ZoneInfo(zone)

    def offset(instant):
        return instant.replace(tzinfo=timezone.utc).astimezone(place).utcoffset()

    found = []
    day = first
    while day < last:
        low, high = day, day + timedelta(days=1)
        if offset(low) != offset(high):
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append(tuple(sorted((high + offset(low), high + offset(high)))))
        day += timedelta(days=1)
    return found


def pg_text(moment, suffix='+00'):
    """As the server prints it in ISO style with the zone UTC; null is the empty text."""
    if moment is None:
        return ''
    text = moment.isoformat(' ')
    return (text.rstrip('0') if moment.microsecond else text) + suffix


def iso_text(moment):
    """As the program prints it for machines."""
    return pg_text(moment, 'Z').replace(' ', 'T') if moment else None


def from_iso(text):
    """Reads YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS, both in UTC."""
    return datetime.fromisoformat(text.removesuffix('Z'))
