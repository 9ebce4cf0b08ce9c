package proto

// The cookie of the handshake: a plugin that does not find it in its environment was started by hand. It is no secret.
const (
	CookieKey   = "MWLUA_PLUGIN"
	CookieValue = "mwlua.plugin.v1"
)
