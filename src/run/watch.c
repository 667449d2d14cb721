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

static void *watch_main(void *argument)
{
	const struct watch *watch = argument;
	sigset_t set = stopping_signals();
	int64_t deadline_ms = watch->deadline_ms == 0 ? 0 : clock_ms() + watch->deadline_ms;

	for (int signals = 0;;) {
		int signal = next_signal(&set, deadline_ms);
		const char *reason = signal == SIGTERM  ? "SIGTERM"
				     : signal == SIGINT ? "SIGINT"
							: "deadline";

		if (signal == 0 && clock_ms() < deadline_ms)
			continue;
		log_event(LOG_NOTICE, "stopping", "reason=%s", reason);
		if (signal == 0)
			deadline_ms = 0;
		else
			signals++;
		stop_request(watch->stop, signals > 1 ? STOP_NOW : STOP_SOON, reason);
		if (signals > 1) {
			/* To cancel may take its time: a third signal need not wait for it. */
			pthread_sigmask(SIG_UNBLOCK, &set, NULL);
			watch->cancel(watch->subject);
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
