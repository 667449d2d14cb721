/* Findings: printing them, and what they come to. */
#include "cmd/findings.h"
#include "cmd/output.h"

#include <stdio.h>
#include <string.h>

static const char *const severity_name[] = { "ok", "warning", "error" };

enum severity severity_of(const char *name)
{
	enum severity severity = SEVERITY_OK;

	while (severity < SEVERITY_ERROR && strcmp(severity_name[severity], name) != 0)
		severity++;
	return severity;
}

int findings_bad(const struct findings *findings)
{
	return findings->count[SEVERITY_WARNING] + findings->count[SEVERITY_ERROR];
}

void findings_begin(struct findings *findings, bool json)
{
	*findings = (struct findings){ .json = json };
	if (json)
		printf("{\"schema\":\"perennial.check/1\",\"findings\":[");
}

void findings_end(const struct findings *findings)
{
	if (findings->json)
		printf("\n],\"ok\":%d,\"warnings\":%d,\"errors\":%d,\"exit_code\":%d}\n",
		       findings->count[SEVERITY_OK], findings->count[SEVERITY_WARNING],
		       findings->count[SEVERITY_ERROR], (int)findings->code);
}

static void print_text(const struct finding *f)
{
	printf("%-8s %-13s ", severity_name[f->severity], f->check);
	output_text(f->message);
	putchar('\n');
	if (f->advice != NULL) {
		printf("%-22s ", "");
		output_text(f->advice);
		putchar('\n');
	}
}

static void print_json(const struct finding *f, bool first)
{
	printf("%s\n{\"severity\":\"%s\",\"check\":\"%s\",\"message\":", first ? "" : ",",
	       severity_name[f->severity], f->check);
	output_json_text(f->message);
	printf(",\"advice\":");
	output_json_text(f->advice);
	printf("}");
}

void findings_add(struct findings *findings, const struct finding *finding)
{
	bool first = findings->count[SEVERITY_OK] + findings_bad(findings) == 0;

	if (findings->json)
		print_json(finding, first);
	else
		print_text(finding);
	if (finding->severity == SEVERITY_ERROR && findings->code == EXIT_DONE)
		findings->code = finding->code;
	findings->count[finding->severity]++;
}

void findings_ok(struct findings *findings, const char *check, const char *message)
{
	findings_add(findings, &(struct finding){ check, SEVERITY_OK, EXIT_DONE, message, NULL });
}

void findings_warning(struct findings *findings, const char *check, const char *message,
		      const char *advice)
{
	findings_add(findings,
		     &(struct finding){ check, SEVERITY_WARNING, EXIT_DONE, message, advice });
}

void findings_error(struct findings *findings, const char *check, const struct error *err)
{
	const char *advice = err->hint[0] != '\0' ? err->hint : "the server's log may say more";

	findings_add(findings,
		     &(struct finding){ check, SEVERITY_ERROR, err->code, err->message, advice });
}
