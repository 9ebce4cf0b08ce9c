// Package keeper holds processes together: whatever is started below a keeper, and whatever that starts, is found there and ended with
// it, even what has left its parent, its process group, its session and its environment. Tests with real processes live below one.
//
// A keeper is a process (keep.go), which is its descendants' subreaper (prctl(2), PR_SET_CHILD_SUBREAPER). Its owner (owner.go) speaks to
// it over a socket (words.go). When that closes, because the owner has ended in whatever way, the keeper ends all and then itself. It
// is in a session of its own, so nothing that ends the owner by a signal to its group ends the keeper.
//
// It decides nothing about what it starts: that is the owner's affair. Nothing holds who gets a keeper killed by SIGKILL: then what it has
// started itself gets SIGTERM, and the rest nothing.
package keeper

// Name is the command of mwlua that calls Keep.
const Name = "keeper"
