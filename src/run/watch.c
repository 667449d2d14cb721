/* Signals and the deadline: a thread that waits for them. */
#include "run/watch.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"

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

/* A statement that was not yet sent when it was cancelled is cancelled a little later. */
#define CANCEL_AGAIN_MS 200

static void ask(const struct watch *watch, enum stop_level level, const char *reason)
{
	log_event(LOG_NOTICE, "stopping", "reason=%s", reason);
	notify_stopping();
	stop_request(watch->stop, level, reason);
}

/* Cancels, and leaves the third signal to end the process.  This may hang where the network is
 * silent: watch_end need not wait for it. */
static void cancel(const struct watch *watch, const sigset_t *set)
{
	int state;

	pthread_sigmask(SIG_UNBLOCK, set, NULL);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
	watch->cancel(watch->subject);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
}

static void ask_by_signal(const struct watch *watch, int signal, bool first)
{
	ask(watch, first ? STOP_SOON : STOP_NOW, signal == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void *watch_main(void *argument)
{
	const struct watch *watch = argument;
	sigset_t set = stopping_signals();
	int64_t wake_ms = watch->deadline_ms == 0 ? 0 : clock_ms() + watch->deadline_ms;
	int signals = 0;

	for (;;) {
		int signal = next_signal(&set, wake_ms);

		if (signal != 0)
			ask_by_signal(watch, signal, signals++ == 0);
		else if (wake_ms == 0 || clock_ms() < wake_ms)
			continue;
		else if (signals < 2)
			ask(watch, STOP_SOON, "deadline");
		wake_ms = 0;
		if (signals > 1) {
			cancel(watch, &set);
			wake_ms = clock_ms() + CANCEL_AGAIN_MS;
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
