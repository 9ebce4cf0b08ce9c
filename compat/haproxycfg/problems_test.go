package haproxycfg

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mwlua/mwlua/core/program"
)

// people is a database of one user and one group.
type people struct{}

func (people) User(name string) (program.Credential, error) {
	if name != "web" {
		return program.Credential{}, errors.New("no such user")
	}
	return program.Credential{UID: 33, GID: 34, Groups: []uint32{34, 50}}, nil
}

func (people) Group(name string) (program.Credential, error) {
	if name != "adm" {
		return program.Credential{}, errors.New("no such group")
	}
	return program.Credential{GID: 4}, nil
}

// loadText loads one file, a.cfg.
func loadText(text string, env ...string) (program.Config, program.Problems) {
	return Load(Options{
		Files:    []string{"a.cfg"},
		Env:      env,
		ReadFile: oneFile("a.cfg", text),
		Lookup:   people{},
	})
}

// texts are problems as mwlua prints them, warnings marked.
func texts(problems program.Problems) []string {
	var texts []string
	for _, p := range problems {
		text := p.String()
		if p.Warning {
			text = "warning: " + text
		}
		texts = append(texts, text)
	}
	return texts
}

// TestProblems has every message about the text of a configuration. p is a section with a command, on lines 1 and 2.
func TestProblems(t *testing.T) {
	const p = "program p\n command /bin/sh\n"
	long := strings.Repeat("w ", 63)
	for _, test := range []struct{ name, config, want string }{
		{"unmatched quote", p + " command 'a b\n",
			`a.cfg:3: unmatched quote at column 10: close it, or write \' for a literal one`},
		{"unmatched double quote", p + " command \"a b\n",
			`a.cfg:3: unmatched quote at column 10: close it, or write \" for a literal one`},
		{"bad hex", p + " command a\\x4\n",
			`a.cfg:3: bad \x at column 11: write two hexadecimal digits after it, or \\x for a literal one`},
		{"bad variable name", p + " command \"5$\"\n",
			`a.cfg:3: bad variable name at column 13: write \$ for a literal $, or put the text into single quotes`},
		{"unmatched brace", p + " command \"${A:-x}\"\n",
			`a.cfg:3: unmatched brace at column 12: write ${NAME}, ${NAME-default} or ${NAME[*]}`},
		{"bad word expansion", p + " command \"${A[@]}\"\n",
			`a.cfg:3: bad word expansion at column 14: only [*] is possible there`},
		{"too many words", p + " command " + long + "w\n",
			`a.cfg:3: more than 64 words in one line: HAProxy takes no more, move some into a script`},
		{"as many words as possible", p + " command /bin/sh " + long[2:] + "\n", ""},
		{"no line feed at the end", p + " user web",
			`a.cfg:3: no line feed at the end, column 10: the file may have been cut off: end it with a line feed, HAProxy needs it`},
		{"lines that end with CR", "program p\r command /bin/sh\r",
			`a.cfg:1: no line feed at the end, column 28: lines end with CR alone: convert them to LF`},
		{"NUL byte", p + " user\x00 web\n foo\n",
			`a.cfg:3: NUL byte at column 6: this is no text file`},
		{"byte order mark", "\ufeff" + p,
			`a.cfg:1: the file begins with a byte order mark: save it without`},
		{"scope without a name", p + "[]\n",
			`a.cfg:3: a line that begins with [ is a scope: write [name], or quote the word`},
		{"scope with a bad name", p + "[a b]\n",
			`a.cfg:3: "a b" cannot be the name of a scope: use letters, digits and _ - . : only`},
		{"scope with more", p + "[a] b\n[b] # fine\n",
			`a.cfg:3: "b" cannot stand after a scope: begin a new line`},
		{"empty word", p + " command /bin/sh \"\" a\n",
			`warning: a.cfg:3: program "p": the empty word at column 18 ends the command and is dropped, like all after it: remove it, or set its variable`},
		{"unset variable as a word", p + " command /bin/sh \"$NOPE\" a\n",
			`warning: a.cfg:3: program "p": the empty word at column 18 ends the command and is dropped, like all after it: remove it, or set its variable`},
		{"unset variable in a word", p + " command /bin/sh \"a$NOPE\" a\n",
			`warning: a.cfg:3: program "p": the variable "NOPE" at column 20 is not set, HAProxy 3 glues the next word to this one: set it`},
		{"unset variable in the last word", p + " command /bin/sh \"a$NOPE\"\n", ""},
		{"empty word at the end", p + " command /bin/sh '' # nothing\n",
			`warning: a.cfg:3: program "p": the empty word at column 18 ends the command and is dropped, like all after it: remove it, or set its variable`},
		{"NUL in a word", p + " command /bin/sh a\\x00b\n",
			`warning: a.cfg:3: program "p": \x00 at column 19 cuts the word there: a program cannot be given a NUL byte`},
		{"comment in a word", p + " command /bin/sh http://a/#b\n",
			`warning: a.cfg:3: program "p": the # at column 27 begins a comment inside a word: quote it, or write \# for a literal one`},
		{"comment in a value", "global\n setenv A b#c\n" + p,
			`warning: a.cfg:2: setenv: the # at column 12 begins a comment inside a word: quote it, or write \# for a literal one`},
		{"empty keyword", p + " \"$NOPE\" a\n",
			`warning: a.cfg:3: the first word, at column 2, is empty: the whole line is ignored`},
		{"line outside of any section", "progam p\n command /bin/sh\n" + p,
			`a.cfg:1: "progam" stands outside of any section: begin with one (did you mean "program"?)
a.cfg:2: "command" stands outside of any section: begin with one`},
		{"misspelt program in another section", "defaults\nProgramm p\n command /bin/sh\n" + p,
			`a.cfg:2: unknown keyword "Programm" (did you mean "program"?)`},
		{"misspelt program in global", "global\n wibble\nprograms p\n command /bin/sh\n" + p,
			`a.cfg:3: unknown keyword "programs" (did you mean "program"?)`},
		{"negated section", "no program p\n command /bin/sh\n",
			`a.cfg:1: "no" cannot stand before a section: remove it`},
		{"section without a name", "program\n command /bin/sh\nprogram \"\"\n",
			`a.cfg:1: a program section needs a name: write "program NAME"
a.cfg:3: a program section needs a name: write "program NAME"`},
		{"section with two names", "program a b\n command /bin/sh\n",
			`a.cfg:1: unexpected word "b" after the name: quote the name if it holds blanks`},
		{"duplicate section", p + p,
			`a.cfg:3: program "p" is already declared at a.cfg:1: choose another name`},
		{"section without a command", "program a\n" + p + "program \"b c\"\n user web\n group adm\n",
			`a.cfg:1: program "a" has no command: add a "command" line
a.cfg:4: program "b c" has no command: add a "command" line`},
		{"no section", "global\n nbthread 2\n",
			`warning: a.cfg: no program section: nothing to run`},
		{"comment only", "# nothing\n",
			`warning: a.cfg: no program section: nothing to run`},
		{"unknown keyword", p + " wibble\n",
			`a.cfg:3: program "p": unknown keyword "wibble": only command, option, user and group are possible here`},
		{"misspelt keyword", p + " comand x\n GROUP adm\n",
			`a.cfg:3: program "p": unknown keyword "comand" (did you mean "command"?)
a.cfg:4: program "p": unknown keyword "GROUP" (did you mean "group"?)`},
		{"misspelt section in a program", p + "frontned x\n",
			`a.cfg:3: program "p": unknown keyword "frontned" (did you mean "frontend"?)`},
		{"keyword of global in a program", p + " setenv A b\n",
			`a.cfg:3: program "p": "setenv" belongs to a global section: move it there`},
		{"start-on-reload without option", p + " no start-on-reload\n",
			`a.cfg:3: program "p": unknown keyword "start-on-reload" (did you mean "option start-on-reload"?)`},
		{"uid", p + " uid 33\n gid 33\n",
			`a.cfg:3: program "p": unknown keyword "uid" (did you mean "user"?)
a.cfg:4: program "p": unknown keyword "gid" (did you mean "group"?)`},
		{"negated keyword", p + " no user web\n default command x\n no\n",
			`a.cfg:3: program "p": "no" cannot stand before "user": remove it
a.cfg:4: program "p": "default" cannot stand before "command": remove it
a.cfg:5: program "p": keyword missing: write "no option start-on-reload"`},
		{"command without a value", "program p\n command\n",
			`a.cfg:2: program "p": "command" without a command: write the program to run and its arguments after it`},
		{"command of an empty word", "program p\n command \"\" x\n",
			`a.cfg:2: program "p": "command" without a command: write the program to run and its arguments after it`},
		{"option without a name", p + " option\n",
			`a.cfg:3: program "p": "option" without a name: only "option start-on-reload" exists here`},
		{"unknown option", p + " option start-on-relaod\n option foo\n",
			`a.cfg:3: program "p": unknown option "start-on-relaod": only "option start-on-reload" exists here
a.cfg:4: program "p": unknown option "foo": only "option start-on-reload" exists here`},
		{"option with more", p + " no option start-on-reload x\n",
			`a.cfg:3: program "p": unexpected word "x" after "option start-on-reload": remove it`},
		{"user without a name", p + " user\n group \"\"\n",
			`a.cfg:3: program "p": "user" without a name: write the name of a user after it
a.cfg:4: program "p": "group" without a name: write the name of a group after it`},
		{"user with more", p + " user web adm\n",
			`a.cfg:3: program "p": unexpected word "adm" after the user: remove it`},
		{"unknown user and group", p + " user nobdy\n group nogrp\n",
			`a.cfg:3: program "p": cannot find the user "nobdy": no such user
a.cfg:4: program "p": cannot find the group "nogrp": no such group`},
		{"number as a user", p + " user 0\n group 00\n",
			`a.cfg:3: program "p": cannot find the user "0": no such user (only names are looked up, not numbers)
a.cfg:4: program "p": cannot find the group "00": no such group (only names are looked up, not numbers)`},
		{"second user", p + " user web\n user other\n group adm\n group adm\n",
			`warning: a.cfg:4: program "p": user is already set to "web" at a.cfg:3: "other" is ignored
warning: a.cfg:6: program "p": group is already set to "adm" at a.cfg:5: "adm" is ignored`},
		{"user without group", p + " user web\n",
			`warning: a.cfg:3: program "p": user without group: it runs with the groups of "web", where HAProxy keeps those of the master: add a "group" line`},
		{"several errors in one section", "program p\n foo\n option bar\n user nobody\n command\n group x y\n",
			`a.cfg:2: program "p": unknown keyword "foo": only command, option, user and group are possible here
a.cfg:3: program "p": unknown option "bar": only "option start-on-reload" exists here
a.cfg:4: program "p": cannot find the user "nobody": no such user
a.cfg:5: program "p": "command" without a command: write the program to run and its arguments after it
a.cfg:6: program "p": unexpected word "y" after the group: remove it`},
		{"setenv without a value", "global\n setenv A\n setenv A \"\"\n presetenv\n" + p,
			`a.cfg:2: setenv: the value of "A" is missing or empty: write "setenv NAME VALUE"
a.cfg:3: setenv: the value of "A" is missing or empty: write "setenv NAME VALUE"
a.cfg:4: presetenv: "" is no name of a variable: write "presetenv NAME VALUE"`},
		{"setenv of a bad name", "global\n setenv A=B c\n" + p,
			`a.cfg:2: setenv: "A=B" is no name of a variable: write "setenv NAME VALUE"`},
		{"setenv with more", "global\n setenv A b c\n presetenv B b c d\n" + p,
			`warning: a.cfg:2: setenv: the word "c" at column 13 is ignored: remove it
a.cfg:3: presetenv: unexpected word "d": quote the value if it holds blanks`},
		{"unsetenv", "global\n unsetenv\n unsetenv A=B\n" + p,
			`a.cfg:2: unsetenv without a name: write the variables to remove after it
a.cfg:3: unsetenv "A=B": this is no name of a variable: write it without the value`},
		{"pidfile", "global\n pidfile\n pidfile a b\n pidfile a\n pidfile b\n" + p,
			`a.cfg:2: pidfile without a value: write a path after it
a.cfg:3: pidfile: unexpected word "b": quote the value if it holds blanks
warning: a.cfg:5: pidfile is already set to "a": this one is ignored`},
		{"localpeer", "global\n localpeer\n localpeer a b\n" + p,
			`a.cfg:2: localpeer without a value: write the name of this peer after it
a.cfg:3: localpeer: unexpected word "b": quote the value if it holds blanks`},
		{"master-worker", "global\n master-worker no-exit-on-failur\n master-worker no-exit-on-failure x\n no master-worker\n" + p,
			`a.cfg:2: master-worker: unknown option "no-exit-on-failur" (did you mean "no-exit-on-failure"?)
a.cfg:3: master-worker: unexpected word "x": remove it
a.cfg:4: "no" cannot stand before "master-worker": remove it`},
		{"mworker-max-reloads", "global\n mworker-max-reloads\n mworker-max-reloads -1\n mworker-max-reloads x\n mworker-max-reloads 3 4\n" + p,
			`warning: a.cfg:2: mworker-max-reloads "" is ignored: write a number of reloads
warning: a.cfg:3: mworker-max-reloads "-1" is ignored: write a number of reloads
warning: a.cfg:4: mworker-max-reloads "x" is ignored: write a number of reloads
warning: a.cfg:5: mworker-max-reloads: the word "4" at column 24 is ignored: remove it`},
		{"hard-stop-after", "global\n hard-stop-after\n hard-stop-after x\n hard-stop-after 5S\n hard-stop-after 25d\n hard-stop-after 1m30s\n hard-stop-after 5 6\n" + p,
			`a.cfg:2: hard-stop-after "": this is no time: write a number and us, ms, s, m, h or d
a.cfg:3: hard-stop-after "x": this is no time: write a number and us, ms, s, m, h or d
a.cfg:4: hard-stop-after "5S": unknown unit "S": write us, ms, s, m, h or d
a.cfg:5: hard-stop-after "25d": too long: write 24d at most
warning: a.cfg:6: hard-stop-after: "30s" after 1m0s is ignored: write one number and one unit
warning: a.cfg:7: hard-stop-after: the word "6" at column 20 is ignored: remove it`},
		{"zero-warning", "global\n zero-warning\n.warning careful\n" + p,
			`a.cfg:2: zero-warning does not allow the warning at a.cfg:3: remove one of them
warning: a.cfg:3: .warning "careful"`},
		{"keywords without a value", "global\n zero-warning x\n quiet y\n daemon z\n no daemon\n" + p,
			`a.cfg:2: zero-warning: unexpected word "x": remove it
a.cfg:3: quiet: unexpected word "y": remove it
a.cfg:4: daemon: unexpected word "z": remove it
a.cfg:5: "no" cannot stand before "daemon": remove it`},
		{"daemon", "global\n zero-warning\n daemon\n" + p,
			`warning: a.cfg:3: daemon: mwlua stays in the foreground: write -D on the command line to have it in the background, or -db to have no warning`},
		{"misspelt directive", p + ".iff 1\n foo\n",
			`a.cfg:3: unknown directive ".iff" (did you mean ".if"?)`},
		{"unknown directive", p + ".foo\n foo\n",
			`a.cfg:3: unknown directive ".foo": there are .if .elif .else .endif .alert .warning .notice .diag`},
		{"else without if", p + ".else\n",
			`a.cfg:3: .else without .if: remove it`},
		{"elif without if", p + ".elif 1\n",
			`a.cfg:3: .elif without .if: remove it`},
		{"endif without if", p + ".endif\n",
			`a.cfg:3: .endif without .if: remove it`},
		{"words after else", p + ".if 1\n.else if 0\n",
			`a.cfg:4: unexpected word "if" after .else: remove it, or use .elif`},
		{"elif after else", p + ".if 1\n.else\n.elif 0\n.endif\n",
			`a.cfg:5: .elif after the .else of the .if at a.cfg:3: move it before that`},
		{"else after else", p + ".if 1\n.else\n.else\n.endif\n",
			`a.cfg:5: .else after the .else of the .if at a.cfg:3: move it before that`},
		{"if without endif", p + ".if 1\n.if 0\n",
			`a.cfg:4: this .if has no .endif: add one before the end of the file`},
		{"too many levels", p + strings.Repeat(".if 0\n", 100),
			`a.cfg:102: more than 99 nested .if blocks: join their conditions with &&`},
		{"alert", p + ".alert \"stop here\"\n foo\n",
			`a.cfg:3: .alert "stop here"`},
		{"messages", p + ".warning \"a\\nb\"\n.notice b\n.diag c\n.warning\n",
			`warning: a.cfg:3: .warning "a\nb"
warning: a.cfg:4: .notice "b"
warning: a.cfg:6: .warning ""`},
		{"message of two words", p + ".notice a b\n",
			`a.cfg:3: unexpected word "b" after .notice: quote the message`},
		{"unreadable condition", p + ".if true\n",
			`a.cfg:3: .if "true": cannot read "true" at character 1: write a number, or a predicate like defined(NAME)`},
		{"misspelt predicate", p + ".if 1 && define(A)\n",
			`a.cfg:3: .if "1 && define(A)": cannot read "define(A)" at character 6: write a number, or a predicate like defined(NAME) (did you mean "defined"?)`},
		{"words after a condition", p + ".if 1 and 1\n",
			`a.cfg:3: .if "1 and 1": unexpected "and 1" at character 3: join conditions with && or ||`},
		{"operator without operand", p + ".if 1 &&\n",
			`a.cfg:3: .if "1 &&": cannot read "&&" at character 3: write a number, or a predicate like defined(NAME)`},
		{"open parenthesis", p + ".if (1\n",
			`a.cfg:3: .if "(1": unclosed ( at character 1: close it`},
		{"too deep condition", p + ".if " + strings.Repeat("(", 341) + "1\n",
			`a.cfg:3: .if "(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("…: too deep nesting at character 342: split the condition into several .if`},
		{"missing argument", p + ".if streq(a)\n",
			`a.cfg:3: .if "streq(a)": missing argument at character 8: write streq(A,B)`},
		{"too many arguments", p + ".if defined(a,b)\n",
			`a.cfg:3: .if "defined(a,b)": too many arguments at character 10: write defined(NAME), and quote a comma`},
		{"open predicate", p + ".if defined(a\n",
			`a.cfg:3: .if "defined(a": unclosed ( at character 10: write defined(NAME), and close quotes`},
		{"no version", p + ".if version_atleast(2.x)\n",
			`a.cfg:3: .if "version_atleast(2.x)": "2.x" is no version of HAProxy: write one like 2.6 or 3.2-dev1`},
		{"no OpenSSL version", p + ".if openssl_version_atleast(4)\n",
			`a.cfg:3: .if "openssl_version_atleast(4)": "4" is no version of OpenSSL: write one like 3.0.0 or 1.1.1k`},
		{"missing command", "program p\n command wibble a\nprogram q\n command ./wibble\nprogram r\n command /etc/passwd\nprogram s\n command /etc\n",
			`warning: a.cfg:2: program "p": the command "wibble" is not found in PATH, "/usr/bin:/bin": install it, or write its whole path
warning: a.cfg:4: program "q": the command "./wibble" cannot be run, no such file or directory: install it, or correct the path
warning: a.cfg:6: program "r": the command "/etc/passwd" is not executable: install it, or correct the path
warning: a.cfg:8: program "s": the command "/etc" is a directory: install it, or correct the path`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, problems := loadText(test.config, "PATH=/usr/bin:/bin")
			want := strings.Split(test.want, "\n")
			if test.want == "" {
				want = nil
			}
			if diff := cmp.Diff(want, texts(problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
