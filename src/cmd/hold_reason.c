/* Why a run puts a subscription on hold, in words. */
#include "cmd/hold_reason.h"

#include <string.h>

static const struct hold_reason reason[] = {
	{ "catch_up_limit", "too many periods were missed", "release it with --catch-up" },
	{ "price_missing", "the catalogue has no such price", "its price is not in the catalogue" },
	{ "unknown_time_zone", "the server does not know its time zone",
	  "the server no longer knows its time zone" },
	{ "end_not_after_start", "the next boundary is not after the period's end",
	  "its next period would end before it begins" },
	{ "end_out_of_range", "the next boundary lies after the year 2999",
	  "its next period would end after the year 2999" },
	{ "amount_overflow", "the amount is larger than one may be", "mend its price or quantity" },
	{ "", "", "the next run would hold it again" },
};

const struct hold_reason *hold_reason_of(const char *code)
{
	const struct hold_reason *r = reason;

	while (r->code[0] != '\0' && strcmp(r->code, code) != 0)
		r++;
	return r;
}
