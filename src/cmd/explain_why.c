/* Why a rule matches or does not, in words: each fact that decided has its own. */
#include "cmd/explain_view.h"
#include "base/instant.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define SAYING_SIZE 200

bool explain_waits(const struct explanation *e)
{
	return !e->due && e->row.facts.status != STATUS_EXPIRED && e->row.facts.hold_reason == NULL;
}

static void say_status(const struct facts *f, const struct policy *p, char *text)
{
	(void)p;
	snprintf(text, SAYING_SIZE, "status %s", status_name(f->status));
}

static void say_hold(const struct facts *f, const struct policy *p, char *text)
{
	static const char start[] = "on hold: ";

	(void)p;
	if (f->hold_reason == NULL) {
		snprintf(text, SAYING_SIZE, "not on hold");
		return;
	}
	memcpy(text, start, sizeof(start));
	text_cut(text + strlen(start), SAYING_SIZE - strlen(start), f->hold_reason);
}

/* Writes "3 hours": whole ones of the largest unit. */
static const char *span(int64_t us, char text[40])
{
	static const struct {
		const char *name;
		int64_t seconds;
	} unit[] = { { "day", 86400 }, { "hour", 3600 }, { "minute", 60 }, { "second", 1 } };
	int64_t seconds = us / INSTANT_PER_SECOND, count;
	size_t i = 0;

	while (i < 3 && seconds < unit[i].seconds)
		i++;
	count = seconds / unit[i].seconds;
	snprintf(text, 40, "%lld %s%s", (long long)count, unit[i].name, count == 1 ? "" : "s");
	return text;
}

static void say_period_end(const struct facts *f, const struct policy *p, char *text)
{
	char end[INSTANT_TEXT_SIZE], away[40];
	int64_t ahead_us = f->period_end_us - p->as_of_us;

	instant_format(f->period_end_us, end);
	if (ahead_us > 0)
		snprintf(text, SAYING_SIZE, "period ends %s, %s after as_of", end,
			 span(ahead_us, away));
	else if (ahead_us < 0)
		snprintf(text, SAYING_SIZE, "period ended %s, %s before as_of", end,
			 span(-ahead_us, away));
	else
		snprintf(text, SAYING_SIZE, "period ends %s, at as_of", end);
}

static void say_billing(const struct facts *f, const struct policy *p, char *text)
{
	(void)p;
	snprintf(text, SAYING_SIZE, "%s",
		 f->billing_info ? "billing information given" : "no billing information");
}

static void say_price(const struct facts *f, const struct policy *p, char *text)
{
	const char *is = "is not in the catalogue";

	(void)p;
	if (f->next.known)
		is = f->next.unit_amount_minor == 0 ? "is free" : "is not free";
	snprintf(text, SAYING_SIZE, "price %d %s", f->next.price_id, is);
}

static void say_boundaries(const struct facts *f, const struct policy *p, char *text)
{
	const char *compared = "fewer than";
	char count[32] = "no";
	int missed = facts_missed(f, p->as_of_us);

	if (missed > 0)
		snprintf(count, sizeof(count), "%s%d", missed == BOUNDARIES_MAX ? "at least " : "",
			 missed);
	if (missed >= p->max_periods)
		compared = missed == p->max_periods ? "as many as" : "more than";
	if (f->boundaries == 0)
		snprintf(text, SAYING_SIZE, "the next boundaries are not known");
	else
		snprintf(text, SAYING_SIZE,
			 "%s whole period%s missed since, %s catch_up.max_periods = %d", count,
			 missed > 1 ? "s" : "", compared, p->max_periods);
}

static void say_catch_up(const struct facts *f, const struct policy *p, char *text)
{
	(void)p;
	snprintf(text, SAYING_SIZE, "catching up %s allowed",
		 f->catch_up_allowed ? "is" : "is not");
}

const char *explain_why(const struct rule *rule, const struct facts *facts,
			const struct policy *policy, char buffer[EXPLAIN_WHY_SIZE])
{
	static const struct {
		enum fact_bit fact;
		void (*say)(const struct facts *f, const struct policy *p, char *text);
	} saying[] = {
		{ FACT_STATUS, say_status },         { FACT_HOLD, say_hold },
		{ FACT_PERIOD_END, say_period_end }, { FACT_BILLING, say_billing },
		{ FACT_PRICE, say_price },           { FACT_BOUNDARIES, say_boundaries },
		{ FACT_CATCH_UP, say_catch_up },
	};
	unsigned decided_by = rule_decided_by(rule, facts, policy);
	char text[SAYING_SIZE];
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < sizeof(saying) / sizeof(saying[0]); i++) {
		if (!(decided_by & saying[i].fact))
			continue;
		saying[i].say(facts, policy, text);
		used += (size_t)snprintf(buffer + used, EXPLAIN_WHY_SIZE - used, "%s%s",
					 used > 0 ? ", " : "", text);
	}
	return buffer;
}
