/* The plan as rows: one for each step, as JSON lines or CSV. */
#include "cmd/plan_view.h"
#include "base/instant.h"
#include "cmd/output.h"

#include <stdio.h>

/* The texts of a row; NULL where a value is missing.  A step that is no outcome has neither kind
 * nor amount. */
struct row_text {
	const char *kind;
	const char *next_start;
	const char *next_end;
	char period_start[INSTANT_TEXT_SIZE];
	char period_end[INSTANT_TEXT_SIZE];
	char opens[INSTANT_TEXT_SIZE];
	char amount[24];
};

static void fill(struct row_text *text, const struct step *s)
{
	text->kind = step_closes(s) ? kind_name(s->kind) : NULL;
	instant_format(s->period_start_us, text->period_start);
	instant_format(s->period_end_us, text->period_end);
	text->next_start = step_opens(s) ? text->period_end : NULL;
	text->next_end = step_opens(s) ? instant_format(s->next_end_us, text->opens) : NULL;
	snprintf(text->amount, sizeof(text->amount), "%lld", (long long)s->amount_minor);
}

void plan_print_step(const struct plan_step *step)
{
	const struct step *s = &step->step;
	struct row_text text;

	fill(&text, s);
	printf("{\"subscription_id\":%lld,\"account_id\":%lld,", (long long)step->subscription_id,
	       (long long)step->account_id);
	printf("\"revision\":%d,\"kind\":", s->revision);
	output_json_text(text.kind);
	printf(",\"rule\":\"%s\",\"from_status\":\"%s\",", s->rule->name,
	       status_name(s->from_status));
	printf("\"to_status\":\"%s\",\"period_start\":\"%s\",", status_name(s->to_status),
	       text.period_start);
	printf("\"period_end\":\"%s\",\"next_period_start\":", text.period_end);
	output_json_text(text.next_start);
	printf(",\"next_period_end\":");
	output_json_text(text.next_end);
	printf(",\"price_id\":%d,\"quantity\":%d,", s->terms.price_id, s->terms.quantity);
	printf("\"unit_amount\":%lld,\"amount\":%s,", (long long)s->terms.unit_amount_minor,
	       text.kind != NULL ? text.amount : "null");
	printf("\"currency\":\"%s\",\"reason\":", s->terms.currency);
	output_json_text(s->reason);
	putchar('}');
}

bool plan_print_jsonl(void *none, const struct plan_step *step, struct error *err)
{
	(void)none;
	plan_print_step(step);
	putchar('\n');
	return output_ok(err);
}

void plan_print_csv_header(void)
{
	printf("subscription_id,account_id,revision,kind,rule,from_status,to_status,"
	       "period_start,period_end,next_period_start,next_period_end,"
	       "price_id,quantity,unit_amount,amount,currency,reason\n");
}

/* NULL is an empty field. */
static const char *field(const char *text)
{
	return text != NULL ? text : "";
}

bool plan_print_csv(void *none, const struct plan_step *step, struct error *err)
{
	const struct step *s = &step->step;
	struct row_text text;

	(void)none;
	fill(&text, s);
	printf("%lld,%lld,%d,", (long long)step->subscription_id, (long long)step->account_id,
	       s->revision);
	printf("%s,%s,%s,%s,", field(text.kind), s->rule->name, status_name(s->from_status),
	       status_name(s->to_status));
	printf("%s,%s,%s,%s,", text.period_start, text.period_end, field(text.next_start),
	       field(text.next_end));
	printf("%d,%d,%lld,%s,%s,", s->terms.price_id, s->terms.quantity,
	       (long long)s->terms.unit_amount_minor, text.kind != NULL ? text.amount : "",
	       s->terms.currency);
	output_csv_text(s->reason);
	putchar('\n');
	return output_ok(err);
}
