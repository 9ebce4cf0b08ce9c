package program

import "strings"

// IsName reports whether something may be called so: NameRule says how. Programs of an haproxy.cfg have names of other kinds, too.
func IsName(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsAny(name[:1], ".@-") &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-") == ""
}

// NameRule goes on after "the name".
const NameRule = "must be letters, digits and _ . @ -, at most 64, and begin with a letter, a digit or _"

const (
	// MaxPlugins bounds the plugins of one configuration: each is a process.
	MaxPlugins = 64
	// MaxPluginConfig bounds the configuration of a plugin as JSON, in bytes.
	MaxPluginConfig = 64 << 10
)

// IsSHA256 reports whether sum is what sha256sum(1) prints.
func IsSHA256(sum string) bool { return len(sum) == 64 && strings.Trim(sum, "0123456789abcdef") == "" }
