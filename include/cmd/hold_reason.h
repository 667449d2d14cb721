/* Why a run puts a subscription on hold, in words. */
#ifndef CMD_HOLD_REASON_H
#define CMD_HOLD_REASON_H

struct hold_reason {
	const char *code;
	const char *meaning; /* empty of a reason that is not known here */
	const char *remedy;  /* what to do about it before it is released */
};

/* Of a code: a hold_reason that decide() gives. */
const struct hold_reason *hold_reason_of(const char *code);

#endif
