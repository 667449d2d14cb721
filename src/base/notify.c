/* Tells systemd how the program gets on. */
#include "base/notify.h"
#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *socket_name(void)
{
	const char *name = getenv("NOTIFY_SOCKET");

	return name != NULL ? name : "";
}

bool notify_wanted(void)
{
	return socket_name()[0] != '\0';
}

/* False for what is no name of a socket: a path, or @ and a name that is in no folder. */
static bool read_address(const char *name, struct sockaddr_un *address, socklen_t *size)
{
	size_t n = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || n >= sizeof(address->sun_path))
		return false;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, name, n);
	*size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	else
		*size += 1;
	return true;
}

static void send_line(const char *line)
{
	struct sockaddr_un address;
	socklen_t size;
	int fd;

	if (!read_address(socket_name(), &address, &size))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL,
	       (const struct sockaddr *)&address, size);
	close(fd);
}

void notify_status(const char *text)
{
	char line[1100];

	snprintf(line, sizeof(line), "STATUS=%s", text);
	text_clean(line, false);
	send_line(line);
}

void notify_stopping(void)
{
	send_line("STOPPING=1");
}
