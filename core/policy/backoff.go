package policy

import (
	"hash/fnv"
	"math"
	"strconv"
	"time"
)

// Backoff is the delay before a restart: Base × Factor^(attempt-1), at most Max, moved by up to Jitter in either direction.
// The zero Backoff is no delay.
type Backoff struct {
	Base       time.Duration `json:",omitempty"` // before the first restart in a row
	Max        time.Duration `json:",omitempty"` // cap, before the jitter; 0 means 24h
	Factor     float64       `json:",omitempty"` // growth a failure; below 1 (also 0) means 1: a constant delay
	Jitter     float64       `json:",omitempty"` // share of the delay, 0 to 1
	ResetAfter time.Duration `json:",omitempty"` // an instance that ran this long begins the count again; 0 means never
}

const maxDelay = 24 * time.Hour

// Delay is the delay before restart number attempt (from 1) in a row. The jitter is a hash of seed, program and seq, so
// that neither the order of exits nor a re-exec changes it.
func (b Backoff) Delay(attempt int, seed uint64, program string, seq uint64) time.Duration {
	if b.Base <= 0 { // and Inf, which the power reaches after a thousand failures, times 0 is no number
		return 0
	}
	limit := b.Max
	if limit <= 0 || limit > maxDelay {
		limit = maxDelay
	}
	d := float64(b.Base) * math.Pow(max(b.Factor, 1), float64(max(attempt, 1)-1))
	d = min(d, float64(limit))
	d += d * min(max(b.Jitter, 0), 1) * spread(seed, program, seq)
	return time.Duration(d)
}

// Share is a number from 0 to 1 for the n-th time that something of a program is put off: the same for the same.
func Share(seed uint64, program string, n uint64) float64 { return (spread(seed, program, n) + 1) / 2 }

// spread is a number from -1 to 1, evenly spread over programs and instances.
func spread(seed uint64, program string, seq uint64) float64 {
	h := fnv.New64a()
	h.Write(strconv.AppendUint(nil, seed, 16))
	h.Write([]byte{0})
	h.Write([]byte(program))
	h.Write([]byte{0})
	h.Write(strconv.AppendUint(nil, seq, 16))
	x := h.Sum64()
	// FNV changes its high bits little for a last byte that differs: mix before using them (MurmurHash3's finaliser).
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return float64(x>>11)/float64(1<<52) - 1
}
