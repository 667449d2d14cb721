/* Signals and the deadline: a thread that waits for them. */
#include "run/watch.h"
#include "base/clock.h"
#include "base/log.h"

#include <signal.h>
#include <string.h>

static sigset_t stopping_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return set;
}

/* Waits for a signal; 0 at the deadline.  This is where watch_end reaches the thread. */
static int next_signal(const sigset_t *set, int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - clock_ms();
	struct timespec wait = { .tv_sec = (time_t)(left_ms / 1000),
				 .tv_nsec = (long)(left_ms % 1000) * 1000000 };
	int signal = 0, state;

	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	if (deadline_ms == 0)
		sigwait(set, &signal);
	else if (left_ms > 0)
		signal = sigtimedwait(set, NULL, &wait);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return signal > 0 ? signal : 0;
}

static void ask(const struct watch *watch, enum stop_level level, const char *reason)
{
	log_event(LOG_NOTICE, "stopping", "reason=%s", reason);
	stop_request(watch->stop, level, reason);
}

/* To cancel may take its time: a third signal need not wait for it. */
static void take_signal(const struct watch *watch, const sigset_t *set, int signal, bool first)
{
	ask(watch, first ? STOP_SOON : STOP_NOW, signal == SIGTERM ? "SIGTERM" : "SIGINT");
	if (!first) {
		pthread_sigmask(SIG_UNBLOCK, set, NULL);
		watch->cancel(watch->subject);
	}
}

static void *watch_main(void *argument)
{
	const struct watch *watch = argument;
	sigset_t set = stopping_signals();
	int64_t deadline_ms = watch->deadline_ms == 0 ? 0 : clock_ms() + watch->deadline_ms;
	bool first = true;

	for (;;) {
		int signal = next_signal(&set, deadline_ms);

		if (signal != 0) {
			take_signal(watch, &set, signal, first);
			first = false;
		} else if (clock_ms() >= deadline_ms) {
			ask(watch, STOP_SOON, "deadline");
			deadline_ms = 0;
		}
	}
	return NULL;
}

bool watch_begin(struct watch *watch, struct error *err)
{
	sigset_t set = stopping_signals();
	int failed;

	pthread_sigmask(SIG_BLOCK, &set, NULL);
	failed = pthread_create(&watch->thread, NULL, watch_main, watch);
	return failed == 0 ||
	       fail(err, EXIT_INTERNAL, "cannot start a thread: %s", strerror(failed));
}

void watch_end(struct watch *watch)
{
	pthread_cancel(watch->thread);
	pthread_join(watch->thread, NULL);
}
