/* Notices to systemd: what is sent, to whom, and that nothing is waited for. */
#define _XOPEN_SOURCE 700 /* P_tmpdir */

#include "base/notify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

/* More than any socket holds for somebody who does not read. */
#define FLOOD 100000

static char path[60];

/* The socket of a listener, of this name: a path, or @ and more. */
static int listener(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	size_t n = strlen(name);

	memcpy(address.sun_path, name, n);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
			 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void hears(int fd, const char *line)
{
	char heard[2000];
	ssize_t n = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	heard[n] = '\0';
	assert_string_equal(heard, line);
}

static void hears_nothing(int fd)
{
	char heard[10];

	assert_int_equal(recv(fd, heard, sizeof(heard), MSG_DONTWAIT), -1);
}

static int in_a_folder(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), P_tmpdir "/notify_test_%d", (int)getpid());
	return 0;
}

static int without_it(void **state)
{
	(void)state;
	unlink(path);
	return unsetenv("NOTIFY_SOCKET");
}

static void a_status_is_one_datagram(void **state)
{
	int fd = listener(path);

	(void)state;
	assert_true(notify_wanted());
	notify_status("12 400 of about 19 832 due");
	notify_stopping();
	hears(fd, "STATUS=12 400 of about 19 832 due");
	hears(fd, "STOPPING=1");
	hears_nothing(fd);
	close(fd);
}

static void a_socket_may_be_in_no_folder(void **state)
{
	char name[108];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@%s", path);
	fd = listener(name);
	notify_status("here");
	hears(fd, "STATUS=here");
	close(fd);
}

static void control_characters_become_spaces(void **state)
{
	int fd = listener(path);

	(void)state;
	notify_status("first\nSTOPPING=1\r\x1b[31mred");
	hears(fd, "STATUS=first STOPPING=1  [31mred");
	close(fd);
}

static void without_the_variable_nothing_is_sent(void **state)
{
	int fd = listener(path);

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_false(notify_wanted());
	notify_status("x");
	setenv("NOTIFY_SOCKET", "", 1);
	assert_false(notify_wanted());
	notify_stopping();
	hears_nothing(fd);
	close(fd);
}

static void a_name_that_is_none_is_ignored(void **state)
{
	char name[200];
	int fd = listener(path);

	(void)state;
	/* Cut, it would be the listener's. */
	memset(name, '/', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	memcpy(name + sizeof(name) - 1 - strlen(path), path, strlen(path));
	setenv("NOTIFY_SOCKET", name, 1);
	notify_status("x");
	setenv("NOTIFY_SOCKET", path + 1, 1);
	notify_status("x");
	setenv("NOTIFY_SOCKET", "@", 1);
	notify_status("x");
	hears_nothing(fd);
	close(fd);
}

static void nobody_is_waited_for(void **state)
{
	int fd = listener(path);

	(void)state;
	for (int i = 0; i < FLOOD; i++)
		notify_status("x");
	hears(fd, "STATUS=x");
	close(fd);
	/* The socket's file is still there. */
	notify_status("x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_status_is_one_datagram, in_a_folder, without_it),
		cmocka_unit_test_setup_teardown(a_socket_may_be_in_no_folder, in_a_folder,
						without_it),
		cmocka_unit_test_setup_teardown(control_characters_become_spaces, in_a_folder,
						without_it),
		cmocka_unit_test_setup_teardown(without_the_variable_nothing_is_sent, in_a_folder,
						without_it),
		cmocka_unit_test_setup_teardown(a_name_that_is_none_is_ignored, in_a_folder,
						without_it),
		cmocka_unit_test_setup_teardown(nobody_is_waited_for, in_a_folder, without_it),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
