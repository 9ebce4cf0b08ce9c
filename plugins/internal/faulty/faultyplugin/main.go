// Faultyplugin is the plugin of package faulty as a binary, for those who may not import that.
package main

import "github.com/mwlua/mwlua/plugins/internal/faulty"

func main() { faulty.RunIfAsked() }
