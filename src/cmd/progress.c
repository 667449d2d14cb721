/* How far a command that takes long has come. */
#include "cmd/progress.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "cmd/output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_AFTER_MS 1000
#define LOOK_EVERY_MS  250
#define LOOKS_A_TELL   4 /* systemd hears of every fourth */

/* Before, the rate says little of what is to come. */
#define LEFT_AFTER_MS 3000

bool progress_wanted(bool quiet)
{
	return (!quiet && isatty(STDERR_FILENO)) || notify_wanted();
}

static void append(char buffer[PROGRESS_TEXT_SIZE], const char *format, ...) PRINTF(2, 3);

static void append(char buffer[PROGRESS_TEXT_SIZE], const char *format, ...)
{
	size_t n = strlen(buffer);
	va_list args;

	va_start(args, format);
	vsnprintf(buffer + n, PROGRESS_TEXT_SIZE - n, format, args);
	va_end(args);
}

static void append_count(char buffer[PROGRESS_TEXT_SIZE], int64_t count)
{
	char plain[24], grouped[OUTPUT_DECIMAL_SIZE];

	snprintf(plain, sizeof(plain), "%lld", (long long)count);
	append(buffer, "%s", output_grouped(plain, grouped));
}

static void append_left(char buffer[PROGRESS_TEXT_SIZE], int64_t seconds)
{
	if (seconds < 120)
		append(buffer, ", %lld s left", (long long)seconds);
	else if (seconds < 7200)
		append(buffer, ", %lld min left", (long long)seconds / 60);
	else
		append(buffer, ", %lld h left", (long long)seconds / 3600);
}

const char *progress_text(const struct progress_count *count, int64_t total, int64_t passed_ms,
			  char buffer[PROGRESS_TEXT_SIZE])
{
	double a_second = passed_ms > 0 ? (double)count->done * 1000 / (double)passed_ms : 0;

	buffer[0] = '\0';
	append_count(buffer, count->done);
	append(buffer, total > 0 ? " of about " : " done");
	if (total > 0) {
		append_count(buffer, total);
		append(buffer, " due");
	}
	if (count->held > 0) {
		append(buffer, ", ");
		append_count(buffer, count->held);
		append(buffer, " on hold");
	}
	if (a_second >= 1) {
		append(buffer, ", ");
		append_count(buffer, (int64_t)a_second);
		append(buffer, "/s");
	}
	if (passed_ms >= LEFT_AFTER_MS && count->done > 0 && count->done < total)
		append_left(buffer, (int64_t)((double)(total - count->done) / a_second) + 1);
	return buffer;
}

static void *progress_main(void *argument)
{
	struct progress *progress = argument;
	struct progress_count count;
	char text[PROGRESS_TEXT_SIZE];

	stop_sleep(&progress->end, FIRST_AFTER_MS, STOP_SOON);
	for (int looks = 0; stop_level(&progress->end) == STOP_NOT; looks++) {
		progress->look(progress->subject, &count);
		progress_text(&count, progress->total, clock_ms() - progress->started_ms, text);
		if (!progress->quiet)
			log_status(text);
		if (looks % LOOKS_A_TELL == 0)
			notify_status(text);
		stop_sleep(&progress->end, LOOK_EVERY_MS, STOP_SOON);
	}
	return NULL;
}

void progress_begin(struct progress *progress)
{
	if (!progress_wanted(progress->quiet))
		return;
	stop_init(&progress->end);
	progress->started_ms = clock_ms();
	progress->begun = pthread_create(&progress->thread, NULL, progress_main, progress) == 0;
	if (!progress->begun)
		stop_release(&progress->end);
}

void progress_end(struct progress *progress)
{
	if (!progress->begun)
		return;
	stop_request(&progress->end, STOP_SOON, "end");
	pthread_join(progress->thread, NULL);
	stop_release(&progress->end);
	progress->begun = false;
	log_status("");
}
