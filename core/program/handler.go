package program

import "time"

// Decider is one that is asked what follows an exit, before the declared policy: see policy.Decider.
type Decider struct {
	By      DeciderBy
	Name    string        // of the plugin, or of the handler
	Timeout time.Duration `json:",omitempty"` // for its answer; 0 means 500 ms for a handler and 2 s for a plugin
}

// DeciderBy is a kind of decider.
type DeciderBy string

const (
	ByHandler DeciderBy = "handler" // a function of the configuration itself
	ByPlugin  DeciderBy = "plugin"
)

// Hook is a function of the configuration that is called when something happens. Its answer counts for nothing.
type Hook struct {
	On   HookOn
	Name string // of the handler
}

// HookOn is an occasion to call a hook.
type HookOn string

const (
	OnReloadBegins HookOn = "reload"   // a reload begins
	OnReloaded     HookOn = "reloaded" // a load has ended, well or not
	OnReadyAll     HookOn = "ready"    // all that the first load starts was started
	OnShutdown     HookOn = "shutdown" // mwlua begins to stop
	OnSignal       HookOn = "signal"   // mwlua got a signal
)

// Source is a file of a configuration that is code, as it was when it was loaded: its handlers are made from it again when they do
// not come back.
type Source struct{ Path, Text string }

// Plugin declares a decider that is a program of its own.
type Plugin struct {
	Name         string // unique
	Place        Place
	Path         string        // absolute
	SHA256       string        `json:",omitempty"` // of the file, in lower case hexadecimal digits; "" means any
	Args         []string      `json:",omitempty"`
	Env          []string      `json:",omitempty"` // NAME=VALUE: the whole environment, besides what the handshake needs
	User         *Credential   `json:",omitempty"` // nil means mwlua's own
	Config       string        `json:",omitempty"` // a JSON object; "" means none
	Timeout      time.Duration `json:",omitempty"` // of a verdict; 0 means 2 s
	StartTimeout time.Duration `json:",omitempty"` // from its start to its handshake; 0 means 10 s
	Required     bool          `json:",omitempty"` // a load fails if it cannot be started
	MTLS         bool          `json:",omitempty"`
	LogLines     int           `json:",omitempty"` // of its log a second that are passed on; 0 means 100
}
