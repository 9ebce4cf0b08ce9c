package supervisor

import (
	"crypto/rand"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mwlua/mwlua/core/internal/proc"
	"github.com/mwlua/mwlua/core/internal/sdnotify"
	"github.com/mwlua/mwlua/core/machine"
	"github.com/mwlua/mwlua/core/program"
)

// How many datagrams of an instance are read at once: in a turn of the loop, and at the end of its process. More than that do not
// fit into its socket at one moment, as a rule (net.unix.max_dgram_qlen).
const (
	maxDatagrams = 64
	maxLastWords = 1024
)

// maxRights is how many descriptors may come with a datagram (SCM_MAX_FD, unix(7)).
const maxRights = 253

// wantsNotify says whether an instance is to have a NOTIFY_SOCKET.
func wantsNotify(s program.Spec) bool { return s.Ready.By == program.ReadyNotify || s.Watchdog > 0 }

// openNotify opens the socket at which an instance is heard, and returns its address as NOTIFY_SOCKET has it (sd_notify(3)): one in the
// abstract namespace, which works for every user and in a chroot, and which nobody can guess.
func openNotify() (fd int, address string, err error) {
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return none, "", err
	}
	address = "@mwlua/" + rand.Text()
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1) // before anybody can send
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: address})
	}
	if err != nil {
		unix.Close(fd)
		return none, "", err
	}
	return fd, address, nil
}

// notifyVariables are what an instance is told of its socket.
func notifyVariables(address string, s program.Spec) []string {
	own := []string{"NOTIFY_SOCKET=" + address}
	if s.Watchdog > 0 {
		own = append(own, "WATCHDOG_USEC="+strconv.FormatInt(s.Watchdog.Microseconds(), 10))
	}
	return own
}

// mailbox is room for one datagram and what comes with it.
type mailbox struct {
	text    [sdnotify.MaxDatagram + 1]byte
	control []byte
}

func newMailbox() *mailbox {
	return &mailbox{control: make([]byte, unix.CmsgSpace(unix.SizeofUcred)+unix.CmsgSpace(4*maxRights))}
}

// receive returns the next datagram and who sent it; false means that there is none. Descriptors that come with it are closed: nobody
// wants to store them, and that of a BARRIER is closed to say that all before it was heard (sd_notify_barrier(3)).
func (m *mailbox) receive(fd int) (text []byte, sender unix.Ucred, ok bool) {
	n, size, _, _, err := unix.Recvmsg(fd, m.text[:], m.control, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, sender, false
	}
	messages, err := unix.ParseSocketControlMessage(m.control[:size])
	if err != nil {
		return nil, sender, true
	}
	for i := range messages {
		if c, err := unix.ParseUnixCredentials(&messages[i]); err == nil {
			sender = *c
		}
		rights, _ := unix.ParseUnixRights(&messages[i])
		for _, right := range rights {
			unix.Close(right)
		}
	}
	return m.text[:n], sender, true
}

// hear takes what an instance has said, at most so many datagrams, as one event.
func (s *supervisor) hear(in *instance, most int) {
	if in.notify == none {
		return
	}
	said := machine.Notified{ID: in.id}
	heard := make(map[int32]bool) // senders, and whether they belong to it
	for range most {
		text, sender, ok := s.mailbox.receive(in.notify)
		if !ok {
			break
		}
		belongs, known := heard[sender.Pid]
		if !known {
			belongs = s.belongs(in, sender)
			heard[sender.Pid] = belongs
		}
		if belongs {
			sdnotify.Add(&said, text)
		} else if !in.refused {
			in.refused = true
			s.queue = append(s.queue, machine.NotifyRefused{ID: in.id, PID: int(sender.Pid)})
		}
	}
	s.checkMain(in, &said)
	if said != (machine.Notified{ID: in.id}) {
		s.queue = append(s.queue, said)
	}
}

// belongs reports whether who sent something is one of the instance's processes. One that is gone already cannot be asked; it is
// believed if it was of the user of the instance's process, who can do anything to that.
func (s *supervisor) belongs(in *instance, sender unix.Ucred) bool {
	pid := int(sender.Pid)
	switch {
	case pid <= 0: // of another pid namespace, from which no process of ours can be
		return false
	case s.owners[pid] == in.id || proc.Belongs(in.unit, pid, s.isMine):
		return true
	case unix.Kill(pid, 0) != unix.ESRCH:
		return false
	}
	leader := in.leader()
	var st unix.Stat_t
	err := unix.Stat("/proc/"+strconv.Itoa(leader), &st)
	return err == nil && s.owners[leader] == in.id && st.Uid == sender.Uid
}

// ParseNotify is what a program says with a datagram to its NOTIFY_SOCKET (sd_notify(3)).
func ParseNotify(datagram []byte) (said machine.Notified) {
	sdnotify.Add(&said, datagram)
	return said
}

// isMine reports whether a child of ours is something that has its place already.
func (s *supervisor) isMine(pid int) bool {
	_, owned := s.owners[pid]
	return owned || s.helpers[pid] != nil
}
