---@meta
-- Generated from the tables in lua/: go test ./lua -update

---@class mwlua.Handle
---@field name string The program's name.

---@class (exact) mwlua.Limits
---@field as? string|integer|(string|integer)[] RLIMIT_AS.
---@field core? string|integer|(string|integer)[] RLIMIT_CORE.
---@field cpu? string|integer|(string|integer)[] RLIMIT_CPU.
---@field data? string|integer|(string|integer)[] RLIMIT_DATA.
---@field fsize? string|integer|(string|integer)[] RLIMIT_FSIZE.
---@field locks? string|integer|(string|integer)[] RLIMIT_LOCKS.
---@field memlock? string|integer|(string|integer)[] RLIMIT_MEMLOCK.
---@field msgqueue? string|integer|(string|integer)[] RLIMIT_MSGQUEUE.
---@field nice? string|integer|(string|integer)[] RLIMIT_NICE.
---@field nofile? string|integer|(string|integer)[] RLIMIT_NOFILE.
---@field nproc? string|integer|(string|integer)[] RLIMIT_NPROC.
---@field rss? string|integer|(string|integer)[] RLIMIT_RSS.
---@field rtprio? string|integer|(string|integer)[] RLIMIT_RTPRIO.
---@field rttime? string|integer|(string|integer)[] RLIMIT_RTTIME.
---@field sigpending? string|integer|(string|integer)[] RLIMIT_SIGPENDING.
---@field stack? string|integer|(string|integer)[] RLIMIT_STACK.

---@class (exact) mwlua.Ready
---@field notify? boolean true: by READY=1 to its NOTIFY_SOCKET, as "notify", with another `timeout`.
---@field fd? integer The descriptor, from 3 to 1023, on which it writes a newline. Those of `sockets` come first.
---@field log? string|number A regular expression (RE2) that matches a line of its output.
---@field http? string|number A URL: an answer with a status from 200 to 399 says that it is ready. Redirects are not followed.
---@field tcp? string|number HOST:PORT: that it accepts a connection.
---@field unix? string A unix socket: that it accepts a connection.
---@field command? (string|number)[] A program and its arguments: that it ends with 0. It runs as the program does.
---@field interval? string From one attempt's end to the next. Default: "200ms"
---@field timeout? string|false How long that may take from its start. Then it is stopped, and that is a failure. false waits for ever. Default: "30s"

---@class (exact) mwlua.Health
---@field http? string|number A URL: an answer with a status from 200 to 399 says that it serves. Redirects are not followed.
---@field tcp? string|number HOST:PORT: that it accepts a connection.
---@field unix? string A unix socket: that it accepts a connection.
---@field command? (string|number)[] A program and its arguments: that it ends with 0. It runs as the program does.
---@field interval? string From one attempt's end to the next. Default: "10s"
---@field timeout? string How long one attempt may take. Default: "2s"
---@field start_delay? string From ready to the first attempt. Without it, `interval`.
---@field failures? integer How many attempts in a row must fail until it is unhealthy. Default: 3
---@field successes? integer How many attempts in a row must succeed until it is healthy again. Default: 1
---@field on_fail? "restart"|"log"|"stop" What becomes of an unhealthy one. "restart": it is stopped, and that is a failure. "log": it is said, nothing else. "stop": it is stopped and stays down. Default: "restart"

---@class (exact) mwlua.Restart
---@field policy? "on-failure"|"always"|"never"|"exit-on-failure"|"no-exit-on-failure" After which exits it is started again. The last two are HAProxy's rules, and never start it again: an end that is no 0, 130 or 143 stops everything, or leaves the others running; in the end its status is mwlua's. Default: "on-failure"
---@field delay? string How long to wait before the first restart in a row. Default: "1s"
---@field max_delay? string The longest delay, before the jitter. Default: "30s"
---@field factor? number By how much the delay grows with each failure in a row. 1 keeps it the same. Default: 2
---@field jitter? number The share of the delay that is left to chance, so that programs which died together do not come back together. Default: 0.1
---@field reset_after? string An instance that ran this long ends the row. "0s" means never. Default: "60s"
---@field limit? integer How many restarts are allowed within `window`. 0 means any number. Default: 0
---@field window? string The time in which restarts are counted for `limit`. "0s" means since the first start. Default: "1m"
---@field on_limit? "fail"|"shutdown"|"retry" What happens at the limit. "fail": it stays down. "shutdown": everything is stopped. "retry": it waits for `retry_after`. Default: "fail"
---@field retry_after? string How long to wait at the limit, for "retry". Default: "5m"
---@field min_interval? string The shortest time between two starts, whatever the rest says. Default: "100ms"

---@class (exact) mwlua.Program
---@field command? (string|number)[] The program and its arguments, one string each; numbers are taken too. The first is looked up in the PATH of the program's own environment. Either this or `shell` is required.
---@field shell? string|number A line for /bin/sh -c, instead of `command`. The shell gets the signals: begin the line with exec where that matters.
---@field description? string|number What the program is for. mwlua only shows it.
---@field labels? table<string, string|number|boolean> Names and values of your own. mwlua only shows them.
---@field enabled? boolean false leaves the program out, as if it were not declared. Its name stays taken. Default: true
---@field dir? string The directory that the program runs in. Without it, it is mwlua's own.
---@field user? string|number The user that the program runs as, a name or a number, with its own groups. HOME, USER, LOGNAME and SHELL are set accordingly, unless `env` says something else. Only root can change to another user.
---@field group? string|number The primary group, a name or a number, instead of the user's.
---@field groups? string|number|(string|number)[] The supplementary groups, instead of the user's.
---@field umask? string The permissions that new files do not get, in quotes: "0027".
---@field limits? mwlua.Limits Resource limits, see getrlimit(2).
---@field env? table<string, string|number|boolean> Variables for the program, over those it inherits. false removes one.
---@field env_inherit? boolean|string[] Whether the program inherits mwlua's environment: all of it, nothing, or the variables in a list. Default: true
---@field env_file? string|number|(string|number)[] Files of lines NAME=VALUE; empty lines and lines that begin with # do not count, and quotes around a value are taken off. `env` is stronger.
---@field stdin? string Where the program reads from: "inherit", "null" or "file:PATH". Default: "inherit"
---@field stdout? string Where its output goes: "inherit", "null" or "file:PATH". A file is appended to, and created with mode 0640. Default: "inherit"
---@field stderr? string Where its errors go, as `stdout`. Default: "inherit"
---@field after? mwlua.Handle|string|(mwlua.Handle|string)[] What must be ready before it is started, or, a oneshot, have succeeded. At a stop it goes before them. What `enabled` or `instances` leave out does not count.
---@field needs? mwlua.Handle|string|(mwlua.Handle|string)[] The same, and it is stopped when one of them ends. What is left out cannot be needed.
---@field nice? integer Its niceness, from -20, which is first, to 19. Without it, it is mwlua's own.
---@field oom_score_adj? integer How soon the kernel kills it when memory is short, from -1000, which is never, to 1000.
---@field no_new_privs? boolean Whether no execve gives it rights that it has not, see PR_SET_NO_NEW_PRIVS. Default: false
---@field capabilities? string|number|(string|number)[] The only capabilities it may have, also as another user, such as "net_bind_service"; `{}` leaves none. See capabilities(7).
---@field chroot? string The directory that is its /. `dir` and `command` are looked up in there.
---@field process_group? "own"|"session"|"none" "own": a process group of its own. "session": a session of its own, without a terminal. "none": mwlua's own group, which a terminal's Ctrl-C reaches. Default: "own"
---@field on_master_death? string|integer The signal that it gets when mwlua is killed; "keep" means none, and it runs on. Default: "keep"
---@field cgroup? boolean Whether each instance gets a control group of its own, where one can be made. Default: false
---@field stop_signal? string|integer The signal that asks it to stop. "same" is the one that mwlua itself was asked with, SIGTERM or SIGINT, as HAProxy passes it on. Default: "SIGTERM"
---@field stop_timeout? string|false How long it may take to stop. Then it gets SIGKILL. false waits for ever. Default: "10s"
---@field success_codes? integer[] The exit codes that are no failure. An exit by signal n counts as 128 + n. Default: { 0 }
---@field stop_command? (string|number)[] A program and its arguments that is run to stop it, instead of a signal. If it fails, the signal is sent.
---@field kill? "unit"|"group"|"process" What must have ended before it counts as stopped; what is left after `stop_timeout` gets SIGKILL. "unit": it and all its descendants. "group": its process group. "process": the process that was started. Default: "unit"
---@field on_exit? mwlua.OnExit|mwlua.Plugin|(mwlua.OnExit|mwlua.Plugin)[]|false What follows its end: a function that gets the event and answers with a verdict (see below), what `plugin` yields, or a list of these. They are asked in their order, and the first answer that is not "default" counts. Without one, or when all fail, it is what `restart` says.
---@field on_start? fun(event: mwlua.Exit)|false Called with the event when an instance was started. Its answer means nothing.
---@field on_stop? fun(event: mwlua.Exit)|false Called with the event when an instance has ended, however. Its answer means nothing.
---@field autostart? boolean Whether it is started when mwlua starts, or when a reload adds it. If not, it waits for `mwlua start`. Default: true
---@field critical? boolean Whether its final failure ends mwlua, with its exit code. See `exit_when` of supervisor. Default: false
---@field instances? integer How many run beside each other, at most 1000; `${instance}` is the number of each, from 0. 0 leaves the program out, as `enabled = false` does. Default: 1
---@field ready? "immediate"|"notify"|mwlua.Ready How it tells that it can serve. "immediate": by running. "notify": by READY=1 to its NOTIFY_SOCKET, see sd_notify(3). Or a table with one of `fd`, `tcp`, `unix`, `http`, `command`, `log` and `notify`. Default: "immediate"
---@field health? mwlua.Health How it is found out, again and again, whether one that is ready still serves: a table with one of `http`, `tcp`, `unix` and `command`.
---@field watchdog? string|false How often it must send WATCHDOG=1 to its NOTIFY_SOCKET once it is ready. If it does not, it is stopped, and that is a failure.
---@field on_reload? "if-changed"|"replace"|"keep"|"signal" What a reload does to the running program. "if-changed": nothing, unless its declaration changed; then as "replace". "replace": the old one gets `reload_signal`, and a new one is started beside it, as HAProxy does. "keep": nothing; a changed declaration counts from the next start. "signal": it gets `reload_signal` and stays. Default: "if-changed"
---@field reload_signal? string|integer The signal that tells it of a reload. For `on_reload = "signal"` the default is SIGHUP, for "keep" there is none. Default: "SIGUSR1"
---@field overlap? "at-once"|"stop-first"|"start-first" How a new instance follows an old one at a reload. "at-once": the old one is told to go and the new one is started in the same moment. "stop-first": the old one is stopped, then the new one is started. "start-first": the old one is told to go when the new one is ready; if that never comes, the old one stays. Default: "at-once"
---@field start_on_reload? boolean false never starts it at a reload, but only when mwlua itself starts, as `no option start-on-reload` of HAProxy does. Default: true
---@field max_former? integer How many replaced instances may still be on their way out. The oldest beyond are stopped at the next reload. 0 means any number. Default: 2
---@field former_timeout? string|false How long a replaced instance may go on. Then it is stopped. false means for ever. Default: "30m"
---@field sockets? table<string, string|number|boolean> Sockets that mwlua opens, "tcp://HOST:PORT" or "unix:///PATH", and passes from descriptor 3 up in the order of their names, with LISTEN_FDS and LISTEN_FDNAMES, see sd_listen_fds(3). They stay open over reloads.
---@field restart? "on-failure"|"always"|"never"|"exit-on-failure"|"no-exit-on-failure"|mwlua.Restart What follows an exit: a policy, or a table with a policy and its figures. Default: "on-failure"

---@class (exact) mwlua.Oneshot
---@field command? (string|number)[] The program and its arguments, one string each; numbers are taken too. The first is looked up in the PATH of the program's own environment. Either this or `shell` is required.
---@field shell? string|number A line for /bin/sh -c, instead of `command`. The shell gets the signals: begin the line with exec where that matters.
---@field description? string|number What the program is for. mwlua only shows it.
---@field labels? table<string, string|number|boolean> Names and values of your own. mwlua only shows them.
---@field enabled? boolean false leaves the program out, as if it were not declared. Its name stays taken. Default: true
---@field dir? string The directory that the program runs in. Without it, it is mwlua's own.
---@field user? string|number The user that the program runs as, a name or a number, with its own groups. HOME, USER, LOGNAME and SHELL are set accordingly, unless `env` says something else. Only root can change to another user.
---@field group? string|number The primary group, a name or a number, instead of the user's.
---@field groups? string|number|(string|number)[] The supplementary groups, instead of the user's.
---@field umask? string The permissions that new files do not get, in quotes: "0027".
---@field limits? mwlua.Limits Resource limits, see getrlimit(2).
---@field env? table<string, string|number|boolean> Variables for the program, over those it inherits. false removes one.
---@field env_inherit? boolean|string[] Whether the program inherits mwlua's environment: all of it, nothing, or the variables in a list. Default: true
---@field env_file? string|number|(string|number)[] Files of lines NAME=VALUE; empty lines and lines that begin with # do not count, and quotes around a value are taken off. `env` is stronger.
---@field stdin? string Where the program reads from: "inherit", "null" or "file:PATH". Default: "inherit"
---@field stdout? string Where its output goes: "inherit", "null" or "file:PATH". A file is appended to, and created with mode 0640. Default: "inherit"
---@field stderr? string Where its errors go, as `stdout`. Default: "inherit"
---@field after? mwlua.Handle|string|(mwlua.Handle|string)[] What must be ready before it is started, or, a oneshot, have succeeded. At a stop it goes before them. What `enabled` or `instances` leave out does not count.
---@field needs? mwlua.Handle|string|(mwlua.Handle|string)[] The same, and it is stopped when one of them ends. What is left out cannot be needed.
---@field nice? integer Its niceness, from -20, which is first, to 19. Without it, it is mwlua's own.
---@field oom_score_adj? integer How soon the kernel kills it when memory is short, from -1000, which is never, to 1000.
---@field no_new_privs? boolean Whether no execve gives it rights that it has not, see PR_SET_NO_NEW_PRIVS. Default: false
---@field capabilities? string|number|(string|number)[] The only capabilities it may have, also as another user, such as "net_bind_service"; `{}` leaves none. See capabilities(7).
---@field chroot? string The directory that is its /. `dir` and `command` are looked up in there.
---@field process_group? "own"|"session"|"none" "own": a process group of its own. "session": a session of its own, without a terminal. "none": mwlua's own group, which a terminal's Ctrl-C reaches. Default: "own"
---@field on_master_death? string|integer The signal that it gets when mwlua is killed; "keep" means none, and it runs on. Default: "keep"
---@field cgroup? boolean Whether each instance gets a control group of its own, where one can be made. Default: false
---@field stop_signal? string|integer The signal that asks it to stop. "same" is the one that mwlua itself was asked with, SIGTERM or SIGINT, as HAProxy passes it on. Default: "SIGTERM"
---@field stop_timeout? string|false How long it may take to stop. Then it gets SIGKILL. false waits for ever. Default: "10s"
---@field success_codes? integer[] The exit codes that are no failure. An exit by signal n counts as 128 + n. Default: { 0 }
---@field stop_command? (string|number)[] A program and its arguments that is run to stop it, instead of a signal. If it fails, the signal is sent.
---@field kill? "unit"|"group"|"process" What must have ended before it counts as stopped; what is left after `stop_timeout` gets SIGKILL. "unit": it and all its descendants. "group": its process group. "process": the process that was started. Default: "unit"
---@field on_exit? mwlua.OnExit|mwlua.Plugin|(mwlua.OnExit|mwlua.Plugin)[]|false What follows its end: a function that gets the event and answers with a verdict (see below), what `plugin` yields, or a list of these. They are asked in their order, and the first answer that is not "default" counts. Without one, or when all fail, it is what `restart` says.
---@field on_start? fun(event: mwlua.Exit)|false Called with the event when an instance was started. Its answer means nothing.
---@field on_stop? fun(event: mwlua.Exit)|false Called with the event when an instance has ended, however. Its answer means nothing.
---@field timeout? string|false How long it may take. Then it is stopped, and that is a failure. Without it, for ever.
---@field retries? integer How many times it is tried again after a failure. Default: 0
---@field retry_delay? string How long to wait before that. Default: "1s"
---@field run? "boot"|"reload"|"change"|"manual" Which loads run it. "boot": the first one. "reload": every one. "change": the first one, and those that changed its declaration. "manual": none, but `mwlua start`. One that is new is run by its first load, and one that had failed by the next, unless it is "manual". Default: "boot"
---@field on_fail? "fail"|"ignore"|"shutdown" What its final failure means. "fail": what waits for it is not started. "ignore": the same as its success. "shutdown": everything is stopped, and mwlua ends with its exit code. Default: "fail"

---@class (exact) mwlua.Cron
---@field command? (string|number)[] The program and its arguments, one string each; numbers are taken too. The first is looked up in the PATH of the program's own environment. Either this or `shell` is required.
---@field shell? string|number A line for /bin/sh -c, instead of `command`. The shell gets the signals: begin the line with exec where that matters.
---@field description? string|number What the program is for. mwlua only shows it.
---@field labels? table<string, string|number|boolean> Names and values of your own. mwlua only shows them.
---@field enabled? boolean false leaves the program out, as if it were not declared. Its name stays taken. Default: true
---@field dir? string The directory that the program runs in. Without it, it is mwlua's own.
---@field user? string|number The user that the program runs as, a name or a number, with its own groups. HOME, USER, LOGNAME and SHELL are set accordingly, unless `env` says something else. Only root can change to another user.
---@field group? string|number The primary group, a name or a number, instead of the user's.
---@field groups? string|number|(string|number)[] The supplementary groups, instead of the user's.
---@field umask? string The permissions that new files do not get, in quotes: "0027".
---@field limits? mwlua.Limits Resource limits, see getrlimit(2).
---@field env? table<string, string|number|boolean> Variables for the program, over those it inherits. false removes one.
---@field env_inherit? boolean|string[] Whether the program inherits mwlua's environment: all of it, nothing, or the variables in a list. Default: true
---@field env_file? string|number|(string|number)[] Files of lines NAME=VALUE; empty lines and lines that begin with # do not count, and quotes around a value are taken off. `env` is stronger.
---@field stdin? string Where the program reads from: "inherit", "null" or "file:PATH". Default: "inherit"
---@field stdout? string Where its output goes: "inherit", "null" or "file:PATH". A file is appended to, and created with mode 0640. Default: "inherit"
---@field stderr? string Where its errors go, as `stdout`. Default: "inherit"
---@field after? mwlua.Handle|string|(mwlua.Handle|string)[] What must be ready before it is started, or, a oneshot, have succeeded. At a stop it goes before them. What `enabled` or `instances` leave out does not count.
---@field needs? mwlua.Handle|string|(mwlua.Handle|string)[] The same, and it is stopped when one of them ends. What is left out cannot be needed.
---@field nice? integer Its niceness, from -20, which is first, to 19. Without it, it is mwlua's own.
---@field oom_score_adj? integer How soon the kernel kills it when memory is short, from -1000, which is never, to 1000.
---@field no_new_privs? boolean Whether no execve gives it rights that it has not, see PR_SET_NO_NEW_PRIVS. Default: false
---@field capabilities? string|number|(string|number)[] The only capabilities it may have, also as another user, such as "net_bind_service"; `{}` leaves none. See capabilities(7).
---@field chroot? string The directory that is its /. `dir` and `command` are looked up in there.
---@field process_group? "own"|"session"|"none" "own": a process group of its own. "session": a session of its own, without a terminal. "none": mwlua's own group, which a terminal's Ctrl-C reaches. Default: "own"
---@field on_master_death? string|integer The signal that it gets when mwlua is killed; "keep" means none, and it runs on. Default: "keep"
---@field cgroup? boolean Whether each instance gets a control group of its own, where one can be made. Default: false
---@field stop_signal? string|integer The signal that asks it to stop. "same" is the one that mwlua itself was asked with, SIGTERM or SIGINT, as HAProxy passes it on. Default: "SIGTERM"
---@field stop_timeout? string|false How long it may take to stop. Then it gets SIGKILL. false waits for ever. Default: "10s"
---@field success_codes? integer[] The exit codes that are no failure. An exit by signal n counts as 128 + n. Default: { 0 }
---@field stop_command? (string|number)[] A program and its arguments that is run to stop it, instead of a signal. If it fails, the signal is sent.
---@field kill? "unit"|"group"|"process" What must have ended before it counts as stopped; what is left after `stop_timeout` gets SIGKILL. "unit": it and all its descendants. "group": its process group. "process": the process that was started. Default: "unit"
---@field on_exit? mwlua.OnExit|mwlua.Plugin|(mwlua.OnExit|mwlua.Plugin)[]|false What follows its end: a function that gets the event and answers with a verdict (see below), what `plugin` yields, or a list of these. They are asked in their order, and the first answer that is not "default" counts. Without one, or when all fail, it is what `restart` says.
---@field on_start? fun(event: mwlua.Exit)|false Called with the event when an instance was started. Its answer means nothing.
---@field on_stop? fun(event: mwlua.Exit)|false Called with the event when an instance has ended, however. Its answer means nothing.
---@field autostart? boolean Whether it is started when mwlua starts, or when a reload adds it. If not, it waits for `mwlua start`. Default: true
---@field critical? boolean Whether its final failure ends mwlua, with its exit code. See `exit_when` of supervisor. Default: false
---@field timeout? string|false How long it may take. Then it is stopped, and that is a failure. Without it, for ever.
---@field retries? integer How many times it is tried again after a failure. Default: 0
---@field retry_delay? string How long to wait before that. Default: "1s"
---@field schedule? string|number When it is started: minute, hour, day, month and weekday, as in crontab(5); @hourly, @daily, @weekly, @monthly or @yearly; or "@every 15m". Required.
---@field timezone? string|number The time zone of `schedule`, such as "Europe/Berlin". Without it, it is mwlua's own. In the night in which clocks are put forward, what is due in the hour that is left out runs after it, and what is due in the hour that comes twice runs once; a schedule of every hour follows the hours as they pass.
---@field overlap? "skip"|"queue"|"kill"|"allow" What happens when it is due and the run before still goes on. "skip": nothing. "queue": one more run follows it. "kill": it is stopped, then the next one starts. "allow": the next one starts beside it. Default: "skip"
---@field jitter? string The longest time by which a start is put off, so that not everything starts in the same second. Default: "0s"
---@field catch_up? boolean Whether it is run once for what a jump of the clock has left out. Default: false

---@class (exact) mwlua.Defaults
---@field command? (string|number)[] The program and its arguments, one string each; numbers are taken too. The first is looked up in the PATH of the program's own environment. Either this or `shell` is required.
---@field shell? string|number A line for /bin/sh -c, instead of `command`. The shell gets the signals: begin the line with exec where that matters.
---@field description? string|number What the program is for. mwlua only shows it.
---@field labels? table<string, string|number|boolean> Names and values of your own. mwlua only shows them.
---@field enabled? boolean false leaves the program out, as if it were not declared. Its name stays taken. Default: true
---@field dir? string The directory that the program runs in. Without it, it is mwlua's own.
---@field user? string|number The user that the program runs as, a name or a number, with its own groups. HOME, USER, LOGNAME and SHELL are set accordingly, unless `env` says something else. Only root can change to another user.
---@field group? string|number The primary group, a name or a number, instead of the user's.
---@field groups? string|number|(string|number)[] The supplementary groups, instead of the user's.
---@field umask? string The permissions that new files do not get, in quotes: "0027".
---@field limits? mwlua.Limits Resource limits, see getrlimit(2).
---@field env? table<string, string|number|boolean> Variables for the program, over those it inherits. false removes one.
---@field env_inherit? boolean|string[] Whether the program inherits mwlua's environment: all of it, nothing, or the variables in a list. Default: true
---@field env_file? string|number|(string|number)[] Files of lines NAME=VALUE; empty lines and lines that begin with # do not count, and quotes around a value are taken off. `env` is stronger.
---@field stdin? string Where the program reads from: "inherit", "null" or "file:PATH". Default: "inherit"
---@field stdout? string Where its output goes: "inherit", "null" or "file:PATH". A file is appended to, and created with mode 0640. Default: "inherit"
---@field stderr? string Where its errors go, as `stdout`. Default: "inherit"
---@field after? mwlua.Handle|string|(mwlua.Handle|string)[] What must be ready before it is started, or, a oneshot, have succeeded. At a stop it goes before them. What `enabled` or `instances` leave out does not count.
---@field needs? mwlua.Handle|string|(mwlua.Handle|string)[] The same, and it is stopped when one of them ends. What is left out cannot be needed.
---@field nice? integer Its niceness, from -20, which is first, to 19. Without it, it is mwlua's own.
---@field oom_score_adj? integer How soon the kernel kills it when memory is short, from -1000, which is never, to 1000.
---@field no_new_privs? boolean Whether no execve gives it rights that it has not, see PR_SET_NO_NEW_PRIVS. Default: false
---@field capabilities? string|number|(string|number)[] The only capabilities it may have, also as another user, such as "net_bind_service"; `{}` leaves none. See capabilities(7).
---@field chroot? string The directory that is its /. `dir` and `command` are looked up in there.
---@field process_group? "own"|"session"|"none" "own": a process group of its own. "session": a session of its own, without a terminal. "none": mwlua's own group, which a terminal's Ctrl-C reaches. Default: "own"
---@field on_master_death? string|integer The signal that it gets when mwlua is killed; "keep" means none, and it runs on. Default: "keep"
---@field cgroup? boolean Whether each instance gets a control group of its own, where one can be made. Default: false
---@field stop_signal? string|integer The signal that asks it to stop. "same" is the one that mwlua itself was asked with, SIGTERM or SIGINT, as HAProxy passes it on. Default: "SIGTERM"
---@field stop_timeout? string|false How long it may take to stop. Then it gets SIGKILL. false waits for ever. Default: "10s"
---@field success_codes? integer[] The exit codes that are no failure. An exit by signal n counts as 128 + n. Default: { 0 }
---@field stop_command? (string|number)[] A program and its arguments that is run to stop it, instead of a signal. If it fails, the signal is sent.
---@field kill? "unit"|"group"|"process" What must have ended before it counts as stopped; what is left after `stop_timeout` gets SIGKILL. "unit": it and all its descendants. "group": its process group. "process": the process that was started. Default: "unit"
---@field on_exit? mwlua.OnExit|mwlua.Plugin|(mwlua.OnExit|mwlua.Plugin)[]|false What follows its end: a function that gets the event and answers with a verdict (see below), what `plugin` yields, or a list of these. They are asked in their order, and the first answer that is not "default" counts. Without one, or when all fail, it is what `restart` says.
---@field on_start? fun(event: mwlua.Exit)|false Called with the event when an instance was started. Its answer means nothing.
---@field on_stop? fun(event: mwlua.Exit)|false Called with the event when an instance has ended, however. Its answer means nothing.
---@field autostart? boolean Whether it is started when mwlua starts, or when a reload adds it. If not, it waits for `mwlua start`. Default: true
---@field critical? boolean Whether its final failure ends mwlua, with its exit code. See `exit_when` of supervisor. Default: false
---@field instances? integer How many run beside each other, at most 1000; `${instance}` is the number of each, from 0. 0 leaves the program out, as `enabled = false` does. Default: 1
---@field ready? "immediate"|"notify"|mwlua.Ready How it tells that it can serve. "immediate": by running. "notify": by READY=1 to its NOTIFY_SOCKET, see sd_notify(3). Or a table with one of `fd`, `tcp`, `unix`, `http`, `command`, `log` and `notify`. Default: "immediate"
---@field health? mwlua.Health How it is found out, again and again, whether one that is ready still serves: a table with one of `http`, `tcp`, `unix` and `command`.
---@field watchdog? string|false How often it must send WATCHDOG=1 to its NOTIFY_SOCKET once it is ready. If it does not, it is stopped, and that is a failure.
---@field on_reload? "if-changed"|"replace"|"keep"|"signal" What a reload does to the running program. "if-changed": nothing, unless its declaration changed; then as "replace". "replace": the old one gets `reload_signal`, and a new one is started beside it, as HAProxy does. "keep": nothing; a changed declaration counts from the next start. "signal": it gets `reload_signal` and stays. Default: "if-changed"
---@field reload_signal? string|integer The signal that tells it of a reload. For `on_reload = "signal"` the default is SIGHUP, for "keep" there is none. Default: "SIGUSR1"
---@field overlap? "at-once"|"stop-first"|"start-first"|"skip"|"queue"|"kill"|"allow" As of a program, or as of a cron.
---@field start_on_reload? boolean false never starts it at a reload, but only when mwlua itself starts, as `no option start-on-reload` of HAProxy does. Default: true
---@field max_former? integer How many replaced instances may still be on their way out. The oldest beyond are stopped at the next reload. 0 means any number. Default: 2
---@field former_timeout? string|false How long a replaced instance may go on. Then it is stopped. false means for ever. Default: "30m"
---@field sockets? table<string, string|number|boolean> Sockets that mwlua opens, "tcp://HOST:PORT" or "unix:///PATH", and passes from descriptor 3 up in the order of their names, with LISTEN_FDS and LISTEN_FDNAMES, see sd_listen_fds(3). They stay open over reloads.
---@field restart? "on-failure"|"always"|"never"|"exit-on-failure"|"no-exit-on-failure"|mwlua.Restart What follows an exit: a policy, or a table with a policy and its figures. Default: "on-failure"
---@field timeout? string|false How long it may take. Then it is stopped, and that is a failure. Without it, for ever.
---@field retries? integer How many times it is tried again after a failure. Default: 0
---@field retry_delay? string How long to wait before that. Default: "1s"
---@field run? "boot"|"reload"|"change"|"manual" Which loads run it. "boot": the first one. "reload": every one. "change": the first one, and those that changed its declaration. "manual": none, but `mwlua start`. One that is new is run by its first load, and one that had failed by the next, unless it is "manual". Default: "boot"
---@field on_fail? "fail"|"ignore"|"shutdown" What its final failure means. "fail": what waits for it is not started. "ignore": the same as its success. "shutdown": everything is stopped, and mwlua ends with its exit code. Default: "fail"
---@field schedule? string|number When it is started: minute, hour, day, month and weekday, as in crontab(5); @hourly, @daily, @weekly, @monthly or @yearly; or "@every 15m". Required.
---@field timezone? string|number The time zone of `schedule`, such as "Europe/Berlin". Without it, it is mwlua's own. In the night in which clocks are put forward, what is due in the hour that is left out runs after it, and what is due in the hour that comes twice runs once; a schedule of every hour follows the hours as they pass.
---@field jitter? string The longest time by which a start is put off, so that not everything starts in the same second. Default: "0s"
---@field catch_up? boolean Whether it is run once for what a jump of the clock has left out. Default: false

---@class (exact) mwlua.Lua
---@field load_timeout? string How long a load of the configuration may take. Default: "10s"
---@field memory? string|integer How much memory a load may need, and a call of a function later. Default: "128MiB"
---@field handler_timeout? string How long a function of `on_exit`, `on_start`, `on_stop` or `on` may take, at most 30 s. Default: "500ms"

---@class (exact) mwlua.Supervisor
---@field log_level? "debug"|"info"|"warn"|"error" What is written to the log. Default: "info"
---@field log_format? "text"|"json"|"haproxy" How the log is written. The default is text on a terminal, and json else.
---@field control? string|false The control socket. The default is control.sock in `runtime_dir`; false means none.
---@field control_mode? string The permissions of the control socket. Default: "0600"
---@field control_group? string|number The group of the control socket. The default is mwlua's own.
---@field runtime_dir? string Where sockets are put. The default is $RUNTIME_DIRECTORY, else /run/mwlua, else $XDG_RUNTIME_DIR/mwlua.
---@field pidfile? string The file that mwlua's pid is written to at each load. -p wins over it.
---@field quiet? boolean Whether nothing is said: /dev/null is standard input, output and error, the programs' too, as by -q. Default: false
---@field exit_when? "critical-failed"|"all-done"|"never" When mwlua ends by itself. "critical-failed": when a critical program failed for good. "all-done": then, and when nothing runs and nothing will. "never": only when asked to. Default: "critical-failed"
---@field shutdown_timeout? string|false How long a shutdown may take as a whole. Then what is left gets SIGKILL. false means that only the programs' own `stop_timeout` counts. Default: "30s"
---@field reload_timeout? string How long the trial of a reload may take. Default: "10s"
---@field notify? "auto"|"never" Whether the service manager is told what mwlua does: if it wants to know, or never. Default: "auto"
---@field lua? mwlua.Lua The bounds of the configuration itself. They count from here on.
---@field plugin_dir? string Where relative paths of plugins begin. The default is the directory of the configuration file.

---@class (exact) mwlua.PluginKeys
---@field path? string The plugin's program. A relative path begins in `plugin_dir` of supervisor. Required.
---@field sha256? string|number What sha256sum(1) says of the file. It is not run when that is something else.
---@field args? (string|number)[] Its arguments.
---@field env? table<string, string|number|boolean> Its environment: it inherits nothing of mwlua's.
---@field user? string|number The user that it runs as, a name or a number, with its groups.
---@field config? table<string, any> What the plugin is to know: names with strings, numbers, booleans and tables of these. It gets them as JSON.
---@field timeout? string How long a verdict may take. Then the next one in `on_exit` is asked. Default: "2s"
---@field start_timeout? string How long it may take to start. Default: "10s"
---@field required? boolean Whether a load fails when it cannot be started. Default: false
---@field log_lines? integer How many lines a second of its log are passed on. Default: 100
---@field mtls? boolean Whether mwlua and the plugin show each other certificates. The directory of its socket is closed to others anyway. Default: false

---@class (exact) mwlua.Verdict
---@field action? "default"|"restart"|"stop"|"fail"|"shutdown" "restart": it is started again. "stop": it stays down, and that is fine. "fail": it stays down, and counts as failed. "shutdown": everything is stopped. "default": the next in `on_exit` is asked, and in the end `restart`. Required.
---@field delay? string How long to wait before a restart, at most 24 hours. Default: "0s"
---@field reason? string|number Why, for the log: a few words, at most 1 KiB.
---@field exit_code? integer What mwlua ends with, from 0 to 255, whenever it does. The first that is not 0 counts. Default: 0
---@field reset? boolean Whether the count of failures in a row begins again. Default: false

---@class mwlua.Past
---@field seq integer The instance's number.
---@field code integer? As in the event.
---@field signal integer? As in the event.
---@field reason string As in the event.
---@field uptime number As in the event.

---@class mwlua.Exit
---@field program string The program's name.
---@field instance string The instance, as in "web#3".
---@field seq integer Its number, which is 3 there.
---@field slot integer Which of the program's `instances` it is, from 0.
---@field pid integer Its process; 0 if nothing ever ran.
---@field kind "program"|"oneshot"|"cron" What declared it.
---@field code integer? Its exit code; nil if a signal ended it.
---@field signal integer? The number of the signal that ended it; nil if none did.
---@field core_dumped boolean Whether the kernel wrote a core file.
---@field oom boolean Whether the kernel killed it for want of memory: known with `cgroup`, where the memory controller is there, else false.
---@field reason string "exited", "start-failed", "not-ready", "health", "watchdog", "timeout" or "reload-signal".
---@field expected boolean Whether it is no failure to the declared policy.
---@field uptime number How long it ran, in seconds.
---@field failures integer Failures in a row, this one included.
---@field restarts integer Restarts within the `window` of `restart`; counted while it has a `limit`.
---@field total_restarts integer Restarts since it was first started.
---@field history mwlua.Past[] Ends before this one, the newest first, at most 10.
---@field default mwlua.Verdict What `restart` says. It can be changed and returned.
---@field labels table<string, string> The declared ones.
---@field store table A table of this program's own: what is put in there is there the next time, also after reloads. Names with strings, numbers, booleans and tables of these, 16 KiB in all as JSON.
---@field time number When, in seconds since 1970.

---@class mwlua.Event
---@field event string The occasion, as given to `on`.
---@field text string The name of the signal, such as "SIGUSR1"; what went wrong with a load; else "".
---@field time number When, in seconds since 1970.

---@class mwlua.Plugin
---@field name string The plugin's name.

---@alias mwlua.OnExit fun(event: mwlua.Exit): mwlua.Verdict|"default"|"restart"|"stop"|"fail"|"shutdown"|nil

---@class mwlua
---@field version string mwlua's version.
---@field hostname string The name of the host.
---@field cpus integer The number of processors.
---@field config_dir string The directory of the configuration file, where relative paths begin.
---@field is_check boolean Whether the configuration is only looked at, as by `mwlua check`.
mwlua = {}

log = {}

---Declares what keeps running. `program("NAME", { … })` means the same. It yields a handle, which `after` and `needs` take, and whose only field is `name`. A name is made of letters, digits and `_ . @ -`, at most 64, and is unique over all kinds.
---@overload fun(name: string): fun(keys: mwlua.Program): mwlua.Handle
---@param name string
---@param keys mwlua.Program
---@return mwlua.Handle
function program(name, keys) end

---Declares what does its work and ends, such as a migration.
---@overload fun(name: string): fun(keys: mwlua.Oneshot): mwlua.Handle
---@param name string
---@param keys mwlua.Oneshot
---@return mwlua.Handle
function oneshot(name, keys) end

---Declares what the clock starts.
---@overload fun(name: string): fun(keys: mwlua.Cron): mwlua.Handle
---@param name string
---@param keys mwlua.Cron
---@return mwlua.Handle
function cron(name, keys) end

---Declares a program that decides what follows an exit. It yields what `on_exit` takes.
---@overload fun(name: string): fun(keys: mwlua.PluginKeys): mwlua.Plugin
---@param name string
---@param keys mwlua.PluginKeys
---@return mwlua.Plugin
function plugin(name, keys) end

---Calls the function when something happens: "reload" (one begins), "reloaded" (a load has ended, well or not), "ready" (all that the first load starts was started), "shutdown" (mwlua begins to stop), "signal" (mwlua got one). Its answer means nothing.
---@param name "reload"|"reloaded"|"ready"|"shutdown"|"signal"
---@param call fun(event: mwlua.Event)
function on(name, call) end

---Sets keys for what is declared after it, as far as its kind has them. A further one adds to it; what a declaration says itself is stronger, key by key, also within tables.
---@param keys mwlua.Defaults
function defaults(keys) end

---Changes keys of what is declared already, in Lua or in an haproxy.cfg. It takes the keys of its kind.
---@overload fun(name: string): fun(keys: mwlua.Program|mwlua.Oneshot|mwlua.Cron): mwlua.Handle
---@param name string
---@param keys mwlua.Program|mwlua.Oneshot|mwlua.Cron
---@return mwlua.Handle
function override(name, keys) end

---Sets what concerns mwlua itself. It is called once at most.
---@param keys mwlua.Supervisor
function supervisor(keys) end

---Runs other files, in the order of their names. That none is there is an error, unless a second argument says `{ optional = true }`.
---@param pattern string
---@param options? { optional: boolean }
function include(pattern, options) end

---Runs the file lib/web.lua of the configuration's directory once, and yields what it returns.
---@param name string
---@return any
function require(name) end

---Yields a deep copy of all tables in one. The later ones are stronger; tables of names are merged, lists are replaced.
---@param ... table
---@return table
function merge(...) end

---Yields a variable of mwlua's own environment. If it is not set, the default; without one that is an error.
---@param name string
---@param default? any
---@return string
function env(name, default) end

---Yields the contents of a file, at most 1 MiB.
---@param path string
---@return string
function read_file(path) end

---Writes to mwlua's log, while the configuration is loaded or from a handler: the text is the format, as in string.format, with the values after it.
---@param format string
---@param ... any
function log.debug(format, ...) end

---The same, as `print` does.
---@param format string
---@param ... any
function log.info(format, ...) end

---The same.
---@param format string
---@param ... any
function log.warn(format, ...) end

---The same. It is no error of the configuration: `error(text)` raises one.
---@param format string
---@param ... any
function log.error(format, ...) end
