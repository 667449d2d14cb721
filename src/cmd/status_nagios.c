/* The status as a check of Nagios: one line, with what is wrong or how things are, and numbers. */
#include "base/text.h"
#include "cmd/output.h"
#include "cmd/status_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const nagios_name[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };

/* What was found, and the worst of it. */
struct verdict {
	enum nagios nagios;
	char text[500]; /* all that can be found fits */
	size_t size;
};

static void add(struct verdict *v, enum nagios nagios, const char *format, ...) PRINTF(3, 4);

static void add(struct verdict *v, enum nagios nagios, const char *format, ...)
{
	va_list args;

	if (v->size > 0)
		v->size += (size_t)snprintf(v->text + v->size, sizeof(v->text) - v->size, "; ");
	va_start(args, format);
	v->size += (size_t)vsnprintf(v->text + v->size, sizeof(v->text) - v->size, format, args);
	va_end(args);
	if (nagios > v->nagios)
		v->nagios = nagios;
}

static enum nagios judged(int64_t value, int64_t warning, int64_t critical)
{
	return value >= critical ? NAGIOS_CRITICAL : value >= warning ? NAGIOS_WARNING : NAGIOS_OK;
}

/* 0 where nothing is due. */
static int64_t oldest_due_s(const struct health *health)
{
	return health->oldest_due.at_us != HEALTH_NEVER
		       ? health_age_s(health, health->oldest_due.at_us)
		       : 0;
}

/* A subscription is due for this long: no run takes it up.  Without a success ever there is an age
 * of the oldest that is due only. */
static void judge_runs(const struct health *health, const struct thresholds *t, struct verdict *v)
{
	int64_t due_s = oldest_due_s(health), success_s;
	enum nagios nagios = judged(due_s, t->warning_s, t->critical_s);
	char text[OUTPUT_AGE_SIZE];

	if (nagios != NAGIOS_OK)
		add(v, nagios, "subscription %lld has been due for %s",
		    (long long)health->oldest_due.subscription_id, output_age(due_s, text));
	if (health->success.run_id == 0) {
		if (health->due.free > 0)
			add(v, NAGIOS_WARNING, "no run has ever succeeded");
		return;
	}
	success_s = health_age_s(health, health->success.finished_us);
	nagios = judged(success_s, t->warning_s, t->critical_s);
	if (nagios != NAGIOS_OK)
		add(v, nagios, "the last success was %s ago", output_age(success_s, text));
}

static void judge_counts(const struct health *health, const struct thresholds *t, struct verdict *v)
{
	enum nagios nagios = judged(health->held, t->warning_held, t->critical_held);

	if (nagios != NAGIOS_OK)
		add(v, nagios, "%lld subscription%s on hold", (long long)health->held,
		    health->held == 1 ? "" : "s");
	if (health->died > 0)
		add(v, NAGIOS_WARNING, "%lld run%s died since the last success",
		    (long long)health->died, health->died == 1 ? "" : "s");
	if (health->jobs.dead > 0)
		add(v, NAGIOS_WARNING, "%lld dead job%s", (long long)health->jobs.dead,
		    health->jobs.dead == 1 ? "" : "s");
}

static void describe(const struct health *health, struct verdict *v)
{
	char text[OUTPUT_AGE_SIZE];

	if (health->success.run_id == 0)
		add(v, NAGIOS_OK, "no run has succeeded yet");
	else
		add(v, NAGIOS_OK, "last success %s ago",
		    output_age(health_age_s(health, health->success.finished_us), text));
	add(v, NAGIOS_OK, "%lld due, %lld on hold", (long long)health->due.free,
	    (long long)health->held);
}

static void print_numbers(const struct health *health, const struct thresholds *t)
{
	long long warning_s = t->warning_s, critical_s = t->critical_s;

	printf("due=%lld;;;0 oldest_due_age=%llds;%lld;%lld;0", (long long)health->due.free,
	       (long long)oldest_due_s(health), warning_s, critical_s);
	if (health->success.run_id != 0)
		printf(" last_success_age=%llds;%lld;%lld;0",
		       (long long)health_age_s(health, health->success.finished_us), warning_s,
		       critical_s);
	else
		printf(" last_success_age=U;%lld;%lld;0", warning_s, critical_s);
	printf(" held=%lld;%lld;%lld;0", (long long)health->held, (long long)t->warning_held,
	       (long long)t->critical_held);
	printf(" jobs_waiting=%lld;;;0 jobs_dead=%lld;1;;0\n",
	       (long long)health_jobs_waiting(health), (long long)health->jobs.dead);
}

enum nagios status_print_nagios(const struct health *health, const struct thresholds *thresholds)
{
	struct verdict v = { NAGIOS_OK, "", 0 };

	judge_runs(health, thresholds, &v);
	judge_counts(health, thresholds, &v);
	if (v.nagios == NAGIOS_OK)
		describe(health, &v);
	printf("PERENNIAL %s - %s|", nagios_name[v.nagios], v.text);
	print_numbers(health, thresholds);
	return v.nagios;
}

/* A bar would begin the numbers. */
enum nagios status_print_unknown(const struct error *err)
{
	char text[sizeof(err->message)];

	text_cut(text, sizeof(text), err->message);
	for (char *bar = strchr(text, '|'); bar != NULL; bar = strchr(bar, '|'))
		*bar = '/';
	printf("PERENNIAL UNKNOWN - ");
	output_text(text);
	putchar('\n');
	return NAGIOS_UNKNOWN;
}
