package lua

// described is what the reference and the editors' definitions say about one function of ours.
type described struct {
	name   string
	usage  string   // how it is called
	doc    string   // what it does
	params []string // for editors: NAME TYPE
	result string   // for editors; "" means none
}

// functionDocs are our functions in the order of the reference. A test compares them with what a script can call.
func functionDocs() []described {
	text := "the text is the format, as in string.format, with the values after it."
	logger := func(level, doc string) described {
		return described{"log." + level, "log." + level + "(format, …)", doc, []string{"format string", "... any"}, ""}
	}
	return []described{
		{"program", `program "NAME" { KEY = … }`, "Declares what keeps running. `program(\"NAME\", { … })` means the same. It yields a handle, " +
			"which `after` and `needs` take, and whose only field is `name`. A name is made of letters, digits and `_ . @ -`, at most 64, and " +
			"is unique over all kinds.", []string{"name string", "keys mwlua.Program"}, "mwlua.Handle"},
		{"oneshot", `oneshot "NAME" { KEY = … }`, "Declares what does its work and ends, such as a migration.",
			[]string{"name string", "keys mwlua.Oneshot"}, "mwlua.Handle"},
		{"cron", `cron "NAME" { KEY = … }`, "Declares what the clock starts.", []string{"name string", "keys mwlua.Cron"}, "mwlua.Handle"},
		{"plugin", `plugin "NAME" { KEY = … }`, "Declares a program that decides what follows an exit. It yields what `on_exit` takes.",
			[]string{"name string", "keys mwlua.PluginKeys"}, "mwlua.Plugin"},
		{"on", `on("EVENT", function(event) … end)`, "Calls the function when something happens: \"reload\" (one begins), \"reloaded\" (a load " +
			"has ended, well or not), \"ready\" (all that the first load starts was started), \"shutdown\" (mwlua begins to stop), \"signal\" " +
			"(mwlua got one). Its answer means nothing.",
			[]string{`name "reload"|"reloaded"|"ready"|"shutdown"|"signal"`, "call fun(event: mwlua.Event)"}, ""},
		{"defaults", `defaults { KEY = … }`, "Sets keys for what is declared after it, as far as its kind has them. A further one adds to it; what " +
			"a declaration says itself is stronger, key by key, also within tables.", []string{"keys mwlua.Defaults"}, ""},
		{"override", `override "NAME" { KEY = … }`, "Changes keys of what is declared already, in Lua or in an haproxy.cfg. It takes the keys of its " +
			"kind.", []string{"name string", "keys mwlua.Program|mwlua.Oneshot|mwlua.Cron"}, "mwlua.Handle"},
		{"supervisor", `supervisor { KEY = … }`, "Sets what concerns mwlua itself. It is called once at most.", []string{"keys mwlua.Supervisor"}, ""},
		{"include", `include "conf.d/*.lua"`, "Runs other files, in the order of their names. That none is there is an error, unless a second " +
			"argument says `{ optional = true }`.", []string{"pattern string", "options? { optional: boolean }"}, ""},
		{"require", `require "lib.web"`, "Runs the file lib/web.lua of the configuration's directory once, and yields what it returns.",
			[]string{"name string"}, "any"},
		{"merge", `merge(a, b, …)`, "Yields a deep copy of all tables in one. The later ones are stronger; tables of names are merged, lists " +
			"are replaced.", []string{"... table"}, "table"},
		{"env", `env("NAME", default)`, "Yields a variable of mwlua's own environment. If it is not set, the default; without one that is an " +
			"error.", []string{"name string", "default? any"}, "string"},
		{"read_file", `read_file "PATH"`, "Yields the contents of a file, at most 1 MiB.", []string{"path string"}, "string"},
		logger("debug", "Writes to mwlua's log, while the configuration is loaded or from a handler: "+text),
		logger("info", "The same, as `print` does."),
		logger("warn", "The same."),
		logger("error", "The same. It is no error of the configuration: `error(text)` raises one."),
	}
}

// constant is a value that a script can read.
type constant struct{ name, kind, doc string }

func constantDocs() []constant {
	return []constant{
		{"version", "string", "mwlua's version."},
		{"hostname", "string", "The name of the host."},
		{"cpus", "integer", "The number of processors."},
		{"config_dir", "string", "The directory of the configuration file, where relative paths begin."},
		{"is_check", "boolean", "Whether the configuration is only looked at, as by `mwlua check`."},
	}
}
