package machine

// fuzzConfigs are what FuzzMachine loads, in any order: between them there is every kind, readiness, overlap and way to end.
var fuzzConfigs = [][]string{
	{"a", "b", "c no-start-on-reload"},
	{"b", "a former-timeout=5s stop-timeout=2s", "d max-former=1"},
	{},
	{"a restart=always limit=3", "b on-reload=if-changed restart=", "c no-exit-on-failure"},
	{"env=X=1", "d stop-timeout=0s stop-signal=INT on-reload=itself", "b on-reload=itself", "a on-reload=keep restart=never"},
	// Order: what waits for the ready, for the done, and for the needed.
	{"a ready=fd restart=", "b oneshot= retries=1", "c after=a,b restart=always", "d needs=c restart="},
	{"a restart=always kill=unit", "b needs=a instances=2 restart= kill=unit", "c needs=b after=a restart= stop-command=/bin/quit", "d oneshot=reload after=c"},
	{"shutdown-timeout=20s", "d ready=notify restart=always", "c needs=d restart=", "b needs=c restart=", "a needs=b restart= kill=group"},
	// Readiness, health and the watchdog, at once and with more than one instance.
	{"a ready=notify ready-timeout=5s watchdog=3s restart=always", "b ready=probe health=stop restart=", "c ready=log health=log instances=3 restart=", "d health= watchdog=9s restart=always"},
	{"a ready=probe health= restart= overlap=start-first kill=unit", "b ready=fd overlap=start-first instances=3 restart=", "c ready=notify overlap=stop-first restart="},
	// The same again, changed.
	{"env=X=2", "a ready=probe health= restart= overlap=start-first kill=unit", "b ready=fd overlap=start-first instances=2 restart=", "c overlap=stop-first restart= instances=2", "d after=b"},
	{"a overlap=start-first ready=notify needs=b restart=", "b overlap=stop-first kill=unit restart=", "c overlap=start-first after=a instances=3 on-reload=if-changed restart=always", "d"},
	{"env=X=3", "a overlap=stop-first stop-command=/bin/quit stop-timeout=3s kill=unit restart=", "b after=a overlap=start-first ready=probe ready-timeout=2s restart=", "c needs=a restart= former-timeout=4s"},
	// Kinds.
	{"a oneshot=change timeout=5s kill=unit", "b oneshot=reload retries=2 after=a", "c oneshot=manual ignore-failure", "d oneshot= on-reload=keep critical after=b"},
	{"a cron=@hourly", "b cron=@hourly beside=queue retries=1 timeout=9s", "c cron=@hourly beside=kill kill=unit jitter=30s", "d cron=@hourly beside=allow catch-up"},
	{"a oneshot=change", "b cron=@daily after=a beside=allow kill=unit", "c cron=@hourly beside=queue stop-command=/bin/quit", "d restart= needs=a"},
	{"exit-when=all-done", "a oneshot= ignore-failure", "b oneshot= after=a retries=1", "c restart= after=b no-autostart", "d restart=never"},
	{"exit-when=never", "a critical restart= limit=1 on-limit=retry", "b socket=tcp://127.0.0.1:80 restart= instances=3 overlap=start-first ready=notify", "c critical oneshot="},
}

// fuzzLife is a life from which FuzzMachine begins: this configuration, some time, the next configuration, and a stop.
func fuzzLife(config byte) []byte {
	const all = 12 // who, for the first instances of three slots of four programs
	life := []byte{fuzzBoot, 0, 0, fuzzLoaded, 0, config}
	each := func(kinds ...byte) {
		for _, kind := range kinds {
			for who := range byte(all) {
				life = append(life, kind, who, 1)
			}
		}
	}
	each(fuzzTick, fuzzSpawned, fuzzReady, fuzzNotified, fuzzExited)
	life = append(life, fuzzDue, 0, 0, fuzzDue, 0, 0)
	each(fuzzSpawned, fuzzProbed, fuzzNotified, fuzzReady)
	life = append(life, fuzzReload, 0, 2, fuzzTrialPassed, 0, 0, fuzzBoot, 0, 0, fuzzLoaded, 0, config+1)
	each(fuzzSpawned, fuzzReady, fuzzLeft, fuzzSpawned)
	life = append(life, fuzzStop, 0, 0, fuzzDue, 0, 0)
	each(fuzzExited, fuzzEmptied, fuzzStopRan)
	return life
}
