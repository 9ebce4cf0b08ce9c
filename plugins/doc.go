// Package plugins is what the author of a plugin in Go needs: a plugin is a function that is given to Serve.
//
//	func main() {
//		plugins.Serve(plugins.About{Name: "budget", Version: "1.0"}, decide)
//	}
//
//	func decide(ctx context.Context, c *config, exit policy.Event) (policy.Verdict, error) { … }
//
// It does not decide anything, keeps nothing between two starts, and has nothing of the supervisor in it: mwlua's own side is
// plugins/host. Below it are the protocol, which other languages use as it is (proto), and what a plugin is tested with (plugintest).
// docs/plugins.md begins at the beginning.
package plugins
