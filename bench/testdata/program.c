// program NAME [WORD...] says that it has started, with a datagram to the socket NAME of the abstract namespace. It ends at once if there
// is a file of that name, and else waits for the signal that ends it. More words make another program of it, for a supervisor.
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	pid_t pid = getpid();
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (argc < 2 || fd < 0 || strlen(argv[1]) + 2 > sizeof to.sun_path)
		return 2;
	strcpy(to.sun_path + 1, argv[1]);
	if (sendto(fd, &pid, sizeof pid, 0, (void *)&to, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[1])) < 0)
		return 3;
	close(fd);
	while (access(argv[1], F_OK) != 0)
		pause();
	return 1;
}
