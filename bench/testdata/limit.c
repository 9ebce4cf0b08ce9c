// limit N PROGRAM ARGUMENT... starts N programs with vfork and exec, and one again when it ends. It does nothing else that a supervisor
// does: the least that it can cost. SIGHUP replaces them all, SIGTERM ends them and it.
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static sigset_t ours;
extern char **environ;

static pid_t start(char **argv) {
	pid_t pid = vfork();
	if (pid == 0) {
		sigprocmask(SIG_UNBLOCK, &ours, 0);
		setpgid(0, 0);
		execve(argv[0], argv, environ);
		_exit(127);
	}
	return pid;
}

int main(int argc, char **argv) {
	int n = argc > 3 ? atoi(argv[1]) : 0, got = 0;
	pid_t *pids = calloc(n, sizeof *pids), ended;
	if (n <= 0 || !pids)
		return 2;
	sigemptyset(&ours);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ours, 0);
	for (int i = 0; i < n; i++)
		pids[i] = start(argv + 2);
	while (got != SIGTERM && sigwait(&ours, &got) == 0) {
		while (got == SIGCHLD && (ended = waitpid(-1, 0, WNOHANG)) > 0)
			for (int i = 0; i < n; i++)
				if (pids[i] == ended)
					pids[i] = start(argv + 2);
		for (int i = 0; got != SIGCHLD && i < n; i++)
			kill(pids[i], SIGTERM);
		for (int i = 0; got == SIGHUP && i < n; i++)
			pids[i] = start(argv + 2);
	}
	while (wait(0) > 0)
		;
	return 0;
}
