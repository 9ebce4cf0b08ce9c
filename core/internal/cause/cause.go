// Package cause says of an error only what is at its bottom, for those who say themselves what was tried.
package cause

import (
	"errors"
	"net"
	"syscall"
)

// Of is err without the layers that say again what was tried; nil of nil.
func Of(err error) error {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno
	}
	if address := (*net.AddrError)(nil); errors.As(err, &address) {
		return errors.New(address.Err)
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return err
}
